// A network port and its queues. Each worker owns one queue pair; nothing is shared on the way of a
// packet.
//
// A port can be held: then no worker touches it, and it may be opened anew. Each hold and each
// release is an era; workers compare its number once a round.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/error.h"
#include "config/sections/port_config.h"
#include "engine/device/handover.h"
#include "engine/device/interface.h"
#include "engine/device/interface_lock.h"
#include "engine/device/link_judge.h"
#include "engine/device/neighbours.h"
#include "engine/device/queue_pair.h"
#include "engine/device/tsc.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

// Since the start, however often the port was opened anew.
struct PortStatistics {
  std::uint64_t received = 0;
  std::uint64_t transmitted = 0;
  std::uint64_t rx_missed = 0;  // the port dropped them: nobody fetched in time
  std::uint64_t rx_errors = 0;
  std::uint64_t rx_no_buffer = 0;
  std::uint64_t tx_errors = 0;
  std::uint64_t tx_lost = 0;  // accepted from a worker and never sent
};

class Port {
 public:
  // Opens and starts the port with a queue pair for each of `workers`, or as many as it has. An
  // interface that another process of ours has, or that carries no Ethernet, is refused. One
  // without a link may not open: the port is then held, and reopen() will.
  [[nodiscard]] static Expected<std::unique_ptr<Port>> open(const config::PortConfig& config,
                                                            std::size_t workers,
                                                            const TscClock& clock);
  // A port that no device stands behind, for one worker: what it sends and receives passes through
  // `peer`, in buffers of `pool`. Both outlive it. There it is never held, nor opened anew.
  [[nodiscard]] static std::unique_ptr<Port> without_device(const config::PortConfig& config,
                                                            probes::MacAddr mac,
                                                            const TscClock& clock,
                                                            rte_mempool* pool, Handover& peer);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  // Any thread.
  [[nodiscard]] const config::PortConfig& config() const noexcept { return config_; }
  [[nodiscard]] const LinkTraits& traits() const noexcept { return traits_; }
  [[nodiscard]] probes::MacAddr mac() const noexcept;
  // True if the other end of the link may use our own MAC: a TAP gives the kernel's end the same.
  [[nodiscard]] bool shares_mac() const noexcept { return !traits_.speaks_for_interface; }
  // True if we answer ARP and echo requests to the port's address.
  [[nodiscard]] bool answers() const noexcept { return answers_.load(std::memory_order_relaxed); }
  [[nodiscard]] Neighbours& neighbours() noexcept { return neighbours_; }
  [[nodiscard]] const Neighbours& neighbours() const noexcept { return neighbours_; }
  [[nodiscard]] PortStatistics statistics() const;
  // At the last look().
  [[nodiscard]] bool link_is_up() const noexcept {
    return link_is_up_.load(std::memory_order_relaxed);
  }
  // Buffers of the pool that somebody holds.
  [[nodiscard]] std::size_t buffers_in_use() const;
  [[nodiscard]] std::uint32_t era() const noexcept { return era_.load(std::memory_order_acquire); }
  [[nodiscard]] static constexpr bool is_held(std::uint32_t era) noexcept { return era % 2 != 0; }
  [[nodiscard]] bool is_held() const noexcept { return is_held(era()); }
  // How often it was held, and opened anew.
  [[nodiscard]] std::uint64_t interruptions() const noexcept { return (era() + 1) / 2; }
  [[nodiscard]] std::uint64_t reopened() const noexcept {
    return reopened_.load(std::memory_order_relaxed);
  }

  // The workers' side. REQUIRES: the port is not held.
  [[nodiscard]] QueuePair queue(std::size_t worker) const;
  // Below the number of workers where some of them have none.
  [[nodiscard]] std::size_t queue_count() const noexcept { return queues_; }
  // In this era, in which the port is held, the worker has given back all buffers and will not use
  // its queue pair again.
  void let_go(std::size_t worker, std::uint32_t era) noexcept;

  // The rest is for one thread: that which watches the port.
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  // Nothing: it cannot be told.
  [[nodiscard]] std::optional<LinkView> look(Interfaces& interfaces);
  void hold() noexcept;
  // True once every worker has let go of the port that is held.
  [[nodiscard]] bool is_free() const noexcept;
  // Closes the device, and opens it again. REQUIRES: is_free().
  void close() noexcept;
  [[nodiscard]] Expected<void> reopen();
  // Lets the workers use it, with the interface's address of now; neighbours are asked for anew.
  // REQUIRES: is_free().
  void resume(const LinkView& view) noexcept;

 private:
  Port(const config::PortConfig& config, std::size_t workers, const TscClock& clock);
  [[nodiscard]] Expected<void> claim();
  [[nodiscard]] Expected<void> open_device();
  [[nodiscard]] Expected<void> configure();
  [[nodiscard]] Expected<void> set_up_queues(std::uint16_t rx, std::uint16_t tx);
  void hand_over_for_the_rest();
  void close_device() noexcept;
  void close_xdp_sockets() noexcept;
  void leave_device() noexcept;
  [[nodiscard]] std::uint32_t attached_program() const;
  [[nodiscard]] PortStatistics device_statistics() const;
  void set_mac(probes::MacAddr mac) noexcept;

  config::PortConfig config_;
  LinkTraits traits_;
  std::size_t workers_;
  std::optional<InterfaceLock> lock_;
  std::uint16_t id_ = 0;
  bool is_open_ = false;
  bool was_made_here_ = false;     // the device, by open_device()
  std::uint32_t xdp_program_ = 0;  // attached by the device
  std::vector<int> xdp_sockets_;   // opened by it
  rte_mempool* pool_ = nullptr;
  std::size_t queues_ = 0;
  std::vector<std::unique_ptr<Handover>> handovers_;  // [i]: of worker queues_ + i
  std::vector<std::vector<Handover*>> served_;        // [i]: by worker i
  std::optional<QueuePair> peer_;                     // without a device
  std::atomic<std::uint64_t> mac_{0};                 // its bytes, the first one highest
  std::atomic<bool> answers_{true};
  std::atomic<bool> link_is_up_{true};
  Neighbours neighbours_;

  std::atomic<std::uint32_t> era_{0};                     // odd: held
  std::unique_ptr<std::atomic<std::uint32_t>[]> let_go_;  // [i]: the era in which worker i did
  std::atomic<std::uint64_t> reopened_{0};
  mutable std::mutex device_mutex_;  // id_ and pool_, against those who ask for figures
  PortStatistics past_;              // of the times it was open before
};

}  // namespace backsight::engine
