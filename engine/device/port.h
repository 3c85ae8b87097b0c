// A network port and its queues. Each worker owns one queue pair; nothing is shared on the way of a
// packet.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/error.h"
#include "config/vp_config.h"
#include "engine/device/handover.h"
#include "engine/device/neighbours.h"
#include "engine/device/tsc.h"
#include "probes/address.h"

struct rte_mbuf;
struct rte_mempool;

namespace backsight::engine {

inline constexpr std::size_t kBurst = 64;

// Packets received together. Frees them in one call.
class RxBurst {
 public:
  RxBurst() = default;
  RxBurst(const RxBurst&) = delete;
  RxBurst& operator=(const RxBurst&) = delete;
  ~RxBurst();

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void clear() noexcept;
  // The frame's first segment; longer chains than one are cut there and fail their length checks.
  [[nodiscard]] std::span<std::byte> bytes(std::size_t index) const noexcept;
  // Brings the packets near: their descriptions, then their first 128 bytes.
  void prefetch() const noexcept;

 private:
  friend class QueuePair;
  std::array<rte_mbuf*, kBurst> packets_;
  std::uint16_t count_ = 0;
};

// Buffers for packets to send, allocated together. Frees those that were not sent.
class TxBurst {
 public:
  TxBurst() = default;
  TxBurst(const TxBurst&) = delete;
  TxBurst& operator=(const TxBurst&) = delete;
  ~TxBurst();

  // Makes room for `count` packets more. False: no buffers now, nothing changed.
  // REQUIRES: size() + count <= kBurst.
  [[nodiscard]] bool reserve(rte_mempool* pool, std::size_t count) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t reserved() const noexcept { return count_ - used_; }
  // Takes the next buffer for a packet of `bytes`; returns where it is written.
  // REQUIRES: reserved() > 0; bytes <= 2048.
  [[nodiscard]] std::byte* append(std::size_t bytes) noexcept;
  // The same for all that are reserved: where packet i, of sizes[i] bytes, is written to frames[i].
  // REQUIRES: sizes.size() == reserved() <= frames.size().
  void append_all(std::span<const std::uint16_t> sizes, std::span<std::byte*> frames) noexcept;
  // Frees everything.
  void clear() noexcept;

 private:
  friend class QueuePair;
  std::array<rte_mbuf*, kBurst> packets_;
  std::uint16_t used_ = 0;   // packets_[0, used_) are to be sent
  std::uint16_t count_ = 0;  // packets_[used_, count_) are reserved
};

// One worker's way to a port: a pair of queues, or where the port has fewer of them than there are
// workers, the hand-over to the worker that has one. Thread: that worker.
class QueuePair {
 public:
  // Queues of its own; `served` are the hand-overs of workers without.
  QueuePair(std::uint16_t port, std::uint16_t queue, rte_mempool* pool,
            std::vector<Handover*> served)
      : port_(port), queue_(queue), pool_(pool), served_(std::move(served)) {}
  QueuePair(rte_mempool* pool, Handover& handover) : pool_(pool), handover_(&handover) {}

  // Every other large burst of a worker that serves others goes to one of them in turn.
  // REQUIRES: the burst is empty.
  void receive(RxBurst& burst) noexcept;
  // Sends from the front; what the port did not accept stays, moved to the front.
  // Returns how many it accepted.
  std::size_t transmit(TxBurst& burst) const noexcept;
  // Sends what the workers served by this one handed over.
  void pump() const noexcept {
    for (Handover* const it : served_) it->pump(port_, queue_);
  }
  [[nodiscard]] rte_mempool* pool() const noexcept { return pool_; }

 private:
  std::uint16_t port_ = 0;
  std::uint16_t queue_ = 0;
  rte_mempool* pool_;
  Handover* handover_ = nullptr;
  std::vector<Handover*> served_;
  std::size_t turn_ = 0;  // whose burst is next: served_.size() is our own
};

struct PortStatistics {
  std::uint64_t received = 0;
  std::uint64_t transmitted = 0;
  std::uint64_t rx_missed = 0;  // the port dropped them: nobody fetched in time
  std::uint64_t rx_errors = 0;
  std::uint64_t rx_no_buffer = 0;
  std::uint64_t tx_errors = 0;
};

class Port {
 public:
  // Opens and starts the port with a queue pair for each of `workers`, or as many as it has.
  [[nodiscard]] static Expected<std::unique_ptr<Port>> open(const config::PortConfig& config,
                                                            std::size_t workers,
                                                            const TscClock& clock);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  [[nodiscard]] QueuePair queue(std::size_t worker) const;
  // Below the number of workers where some of them have none.
  [[nodiscard]] std::size_t queue_count() const noexcept { return queues_; }
  [[nodiscard]] const config::PortConfig& config() const noexcept { return config_; }
  [[nodiscard]] probes::MacAddr mac() const noexcept { return mac_; }
  // True if the other end of the link may use our own MAC: a TAP gives the kernel's end the same.
  [[nodiscard]] bool shares_mac() const noexcept { return shares_mac_; }
  // True if we answer ARP and echo requests to the port's address.
  [[nodiscard]] bool answers() const noexcept { return answers_; }
  [[nodiscard]] Neighbours& neighbours() noexcept { return neighbours_; }
  [[nodiscard]] const Neighbours& neighbours() const noexcept { return neighbours_; }
  [[nodiscard]] PortStatistics statistics() const;
  [[nodiscard]] bool link_is_up() const;
  // Buffers of the pool that somebody holds.
  [[nodiscard]] std::size_t buffers_in_use() const;

 private:
  Port(const config::PortConfig& config, std::uint16_t id, const TscClock& clock);
  [[nodiscard]] Expected<void> configure(std::size_t workers);

  config::PortConfig config_;
  std::uint16_t id_;
  rte_mempool* pool_ = nullptr;
  std::size_t queues_ = 0;
  std::vector<std::unique_ptr<Handover>> handovers_;  // [i]: of worker queues_ + i
  probes::MacAddr mac_;
  bool shares_mac_ = false;
  bool answers_ = true;
  Neighbours neighbours_;
};

}  // namespace backsight::engine
