// The simulated Internet behind DPDK ports: frames of vantage points in, answers out when their
// time has come. Answers ARP for the gateway of each vantage point.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "config/sim/sim_config.h"
#include "engine/device/huge_array.h"
#include "engine/device/port.h"
#include "engine/device/tsc.h"
#include "probes/wire/mac_addr.h"
#include "sim/serve/timing_wheel.h"
#include "sim/world.h"

namespace backsight::sim {

// Where each received frame ends, and each packet for a vantage point.
enum class Count : std::uint8_t {
  kReceived,  // = kArp + kOther + kInjected
  kArp,
  kOther,       // neither ARP nor IPv4 to the gateway of a vantage point behind the port
  kInjected,    // = the world's fates
  kDeliveries,  // = kSent + kNoRoom + kNoMac + kElsewhere + waiting
  kSent,
  kNoRoom,     // engine.under_way are waiting already
  kNoMac,      // the vantage point has not yet shown its Ethernet address; it is asked for
  kElsewhere,  // it is behind none of our ports
  kArpSent,
  kCount
};
[[nodiscard]] std::string_view name(Count count) noexcept;
using Counts = std::array<std::uint64_t, static_cast<std::size_t>(Count::kCount)>;

class Server {
 public:
  // REQUIRES: DPDK has started. The world outlives the server.
  [[nodiscard]] static Expected<std::unique_ptr<Server>> open(const config::SimConfig& config,
                                                              World& world,
                                                              const engine::TscClock& clock);

  // Serves until `stop`. Thread: the worker's core, alone.
  void run(const std::atomic<bool>& stop);
  // One round: what has come in, what is due. Returns frames received and sent.
  std::size_t poll_once(std::uint64_t now_ns);
  // Nanoseconds since 1970, never going back.
  [[nodiscard]] std::uint64_t now_ns() const noexcept;

  // REQUIRES: nobody runs.
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return capacity_ - free_.size(); }

 private:
  static constexpr std::size_t kSlotBytes = 1536;
  struct Frame {
    std::uint32_t port;
    std::uint16_t size;
    std::array<std::byte, kSlotBytes - 8> bytes;
  };
  struct Lane {
    std::unique_ptr<engine::Port> port;
    engine::QueuePair queue;
    engine::TxBurst out;
    std::uint32_t first = 0;  // vantage points behind it
    std::uint32_t count = 0;
  };
  struct Home {  // of a vantage point
    std::uint32_t lane = kNone;
    bool is_known = false;
    probes::MacAddr mac;
    std::uint64_t asked_ns = 0;
  };

  Server(const config::SimConfig& config, World& world, const engine::TscClock& clock);
  Expected<void> open_ports(const config::SimConfig& config);
  [[nodiscard]] static std::uint32_t sender_of(const Lane& lane,
                                               std::span<const std::byte> frame) noexcept;
  void expect(const Lane& lane, std::span<const std::byte> frame);
  void take(std::size_t lane, std::span<std::byte> frame, std::uint64_t now_ns);
  void take_arp(std::size_t lane, std::span<const std::byte> frame);
  void deliver(std::uint64_t now_ns);
  void ask_for(std::uint32_t vantage_point, std::uint64_t now_ns);
  bool send(std::size_t lane, std::span<const std::byte> frame);
  [[nodiscard]] std::size_t flush(Lane& lane);
  std::uint64_t& count(Count which) noexcept { return counts_[static_cast<std::size_t>(which)]; }

  World& world_;
  const engine::TscClock& clock_;
  bool naps_;
  std::size_t capacity_;
  std::deque<Lane> lanes_;
  std::vector<Home> homes_;
  engine::RxBurst in_;
  Deliveries arrived_;
  engine::HugeArray<Frame> frames_;  // under way
  std::vector<std::uint32_t> free_;
  TimingWheel wheel_;
  Counts counts_{};
};

// The Ethernet address of the gateway of a vantage point, and back; kNone: it is none.
[[nodiscard]] probes::MacAddr gateway_mac(std::uint32_t vantage_point) noexcept;
[[nodiscard]] std::uint32_t vantage_point_of(std::span<const std::byte> mac) noexcept;

}  // namespace backsight::sim
