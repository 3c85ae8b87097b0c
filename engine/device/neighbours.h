// The neighbours of one port: who is behind an IPv4 address on the link. The gateway, and on-link
// destinations as they are asked for.
//
// An address is asked for every second until it answers; known ones are asked again every minute
// and keep their MAC until three minutes have passed without an answer. An on-link destination that
// does not answer three times counts as absent, and is asked again every ten seconds; the gateway
// is asked for ever. There is room for 1024 on-link destinations; those beyond count as absent.
//
// Thread: `find` and `learn` are any worker's; `due` is that of the port's first worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "config/vp_config.h"
#include "engine/device/tsc.h"
#include "probes/address.h"

namespace backsight::engine {

class Neighbours {
 public:
  Neighbours(const config::PortConfig& port, const TscClock& clock);

  enum class State : std::uint8_t {
    kKnown,
    kAsking,   // try again in a moment
    kAbsent,   // does not answer
    kNoRoute,  // neither on the link nor behind a gateway
  };
  struct Found {
    State state = State::kNoRoute;
    std::uint64_t packed_mac = 0;  // with kKnown: its bytes, the first one highest
    [[nodiscard]] probes::MacAddr mac() const noexcept { return unpack_mac(packed_mac); }
  };
  [[nodiscard]] static probes::MacAddr unpack_mac(std::uint64_t packed) noexcept;
  // The next hop towards `destination`. An unknown on-link address is filed to be asked for.
  [[nodiscard]] Found find(probes::Ipv4Addr destination) noexcept {
    if (link_.contains(destination)) return find_on_link(destination);
    return gateway();
  }
  // Somebody said that `address` is at `mac`. Kept only for addresses that were asked for.
  void learn(probes::Ipv4Addr address, probes::MacAddr mac, Tsc now) noexcept;
  // Writes the addresses to ask for now to `out`. Returns how many.
  [[nodiscard]] std::size_t due(Tsc now, std::span<probes::Ipv4Addr> out) noexcept;

  // The gateway's MAC if it is known; true too when there is none to know.
  [[nodiscard]] bool gateway_is_known() const noexcept;
  [[nodiscard]] std::optional<probes::MacAddr> gateway_mac() const noexcept;

 private:
  static constexpr std::size_t kOnLinkPlaces = 1024;

  // mac: 48 bits of address; bit 48: known; bit 49: absent. One store changes it as a whole.
  struct Entry {
    std::atomic<std::uint32_t> address{0};  // 0: free; set once, never taken back
    std::atomic<std::uint64_t> mac{0};
    std::atomic<std::uint64_t> heard{0};  // ticks of the last answer
    std::uint64_t asked = 0;              // of the asking worker alone
    std::uint32_t tries = 0;              // since the last answer
  };
  static constexpr std::uint64_t kKnownBit = std::uint64_t{1} << 48;
  static constexpr std::uint64_t kAbsentBit = std::uint64_t{1} << 49;
  [[nodiscard]] static Found found(const Entry& entry) noexcept {
    const std::uint64_t mac = entry.mac.load(std::memory_order_relaxed);
    if ((mac & kKnownBit) != 0) return {State::kKnown, mac & (kKnownBit - 1)};
    return {(mac & kAbsentBit) != 0 ? State::kAbsent : State::kAsking, 0};
  }
  [[nodiscard]] Found gateway() const noexcept { return has_next_hop_ ? found(gateway_) : Found{}; }
  [[nodiscard]] Found find_on_link(probes::Ipv4Addr destination) noexcept;
  [[nodiscard]] bool is_due(Entry& entry, bool is_gateway, Tsc now) noexcept;
  [[nodiscard]] Entry* place(probes::Ipv4Addr address) noexcept;
  static void learn(Entry& entry, probes::MacAddr mac, Tsc now) noexcept;

  const probes::Ipv4Prefix link_;
  const bool has_gateway_;
  const bool gateway_is_static_;
  const bool has_next_hop_;  // beyond the link
  const TscSpan retry_;
  const TscSpan refresh_;
  const TscSpan forget_;
  const TscSpan absent_;
  Entry gateway_;
  std::unique_ptr<Entry[]> on_link_;    // kOnLinkPlaces, found by linear probing
  std::atomic<std::uint32_t> used_{0};  // places in on_link_; bounds the search for due ones
  std::unique_ptr<std::atomic<std::uint16_t>[]> order_;  // the used places, in order of arrival
};

}  // namespace backsight::engine
