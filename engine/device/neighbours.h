// The neighbours of one port: who is behind an IPv4 address on the link. The gateway, which is on
// the link by decree wherever its address is, and on-link destinations as they are asked for.
//
// Whom we lack is asked for by broadcast every second; the gateway for ever, a host three times: it
// then counts as absent for ten seconds. Of whom we know, we ask again when it has not proven
// itself for a minute, when what is sent to it has not come to anything for a second and a half, or
// when somebody else claims its address: itself first, then everybody. The first answer to a
// question is believed, and nothing else changes a neighbour that is known. One that leaves six
// questions unanswered is known no more. (RFC 1122, section 2.3.2.1; RFC 4861, section 7.3, does
// alike for IPv6.)
//
// There is room for 2048 hosts, in rows of 16. A host that nothing was sent to for a minute is let
// go; a new one takes the place of an absent one, or of the one that has been idle for longest.
//
// Thread: `due` is that of the port's first worker; all else any worker's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "config/sections/port_config.h"
#include "engine/device/arp.h"
#include "engine/device/tsc.h"
#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

class Neighbours {
 public:
  Neighbours(const config::PortConfig& port, const TscClock& clock);

  enum class State : std::uint8_t {
    kKnown,
    kAsking,   // try again in a moment
    kAbsent,   // does not answer
    kFull,     // on the link, but everybody in its row is being asked for; try again in a moment
    kNoRoute,  // neither on the link nor behind a gateway
  };
  struct Found {
    State state = State::kNoRoute;
    std::uint64_t packed_mac = 0;  // with kKnown: its bytes, the first one highest
    [[nodiscard]] probes::MacAddr mac() const noexcept { return unpack_mac(packed_mac); }
  };
  [[nodiscard]] static probes::MacAddr unpack_mac(std::uint64_t packed) noexcept;
  // The next hop of what is sent to `destination` now. An unknown on-link address is filed to be
  // asked for.
  [[nodiscard]] Found find(probes::Ipv4Addr destination, Tsc now) noexcept {
    if (link_.contains(destination)) return find_on_link(destination, now);
    return has_next_hop_ ? use(gateway_, now) : Found{};
  }
  // What was sent to `destination` at `sent` was answered: its next hop took it.
  void prove(probes::Ipv4Addr destination, Tsc sent) noexcept {
    const bool is_host =
        link_.length < 32 && link_.contains(destination) && !is_gateway(destination);
    if (is_host) return prove_host(destination, sent);
    prove(gateway_, sent);
  }
  // Takes an ARP packet that is not from ourselves.
  ArpOutcome hear(const ArpPacket& packet, Tsc now) noexcept;

  // Forgets what was learned: all are asked for anew. REQUIRES: no worker uses the port.
  void forget() noexcept;

  struct Question {
    probes::Ipv4Addr address;
    probes::MacAddr to;  // a neighbour, or everybody
  };
  // Writes what is to be asked now to `out`. Returns how many.
  [[nodiscard]] std::size_t due(Tsc now, std::span<Question> out) noexcept;

  // The gateway's MAC if it is known; true too when there is none to know.
  [[nodiscard]] bool gateway_is_known() const noexcept;
  [[nodiscard]] std::optional<probes::MacAddr> gateway_mac() const noexcept;
  // How often the gateway was found at another Ethernet address than before.
  [[nodiscard]] std::uint64_t gateway_moves() const noexcept {
    return gateway_moves_.load(std::memory_order_relaxed);
  }
  // Who claimed our own address last.
  [[nodiscard]] std::optional<probes::MacAddr> rival() const noexcept;
  struct Claim {
    probes::Ipv4Addr address;
    probes::MacAddr mac;
  };
  // What ARP said first that cannot be true (kBadSender).
  [[nodiscard]] std::optional<Claim> impossible() const noexcept;

 private:
  static constexpr std::size_t kRows = 128;
  static constexpr std::size_t kRowPlaces = 16;

  // An entry's state is one word, so that one store changes it as a whole: the MAC in the low 48
  // bits, which stays when it is known no more; what follows; and above, how often the place was
  // given to another address, so that who saw it before changes nothing.
  static constexpr std::uint64_t kMacBits = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint64_t kKnownBit = std::uint64_t{1} << 48;
  static constexpr std::uint64_t kAbsentBit = std::uint64_t{1} << 49;
  static constexpr std::uint64_t kPolledBit = std::uint64_t{1}
                                              << 50;                  // asked itself; no answer yet
  static constexpr std::uint64_t kAskedBit = std::uint64_t{1} << 51;  // asked everybody; none yet
  static constexpr std::uint64_t kClaimedBit = std::uint64_t{1} << 52;  // by another, unasked
  static constexpr std::uint64_t kPassingBit = std::uint64_t{1} << 53;  // the place changes hands
  static constexpr std::uint64_t kGeneration = std::uint64_t{1} << 54;

  struct Entry {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::uint64_t> used{0};    // ticks: something was sent to it
    std::atomic<std::uint64_t> proven{0};  // ticks: it was there; when absent: that was found
    // Of the asking worker alone:
    std::uint64_t generation = 0;  // that the next ones are of
    std::uint64_t asked = 0;       // ticks
    std::uint64_t doubted = 0;     // ticks: sent then, and not known to have arrived; 0: none
    std::uint32_t tries = 0;       // questions since the last answer
  };
  struct Row {
    alignas(64) std::array<std::atomic<std::uint32_t>, kRowPlaces> addresses{};  // 0: free
    std::array<Entry, kRowPlaces> entries;
  };

  [[nodiscard]] static Found found(std::uint64_t word) noexcept {
    if ((word & kKnownBit) != 0) return {State::kKnown, word & kMacBits};
    return {(word & kAbsentBit) != 0 ? State::kAbsent : State::kAsking, 0};
  }
  [[nodiscard]] Found use(Entry& entry, Tsc now) const noexcept {
    const std::uint64_t used = entry.used.load(std::memory_order_relaxed);
    // Now and then only: all workers read it.
    if (now.ticks - used > slack_.ticks) entry.used.store(now.ticks, std::memory_order_relaxed);
    return found(entry.word.load(std::memory_order_acquire));
  }
  // Now and then only, too.
  void prove(Entry& entry, Tsc sent) noexcept {
    if (sent.since({entry.proven.load(std::memory_order_relaxed)}) <= slack_) return;
    entry.proven.store(sent.ticks, std::memory_order_relaxed);
  }
  void prove_host(probes::Ipv4Addr destination, Tsc sent) noexcept;
  [[nodiscard]] bool is_gateway(probes::Ipv4Addr address) const noexcept {
    return has_next_hop_ && address == gateway_address_;
  }
  // A place that had the address when its word was as it is told here.
  struct Seen {
    Entry* entry = nullptr;
    std::uint64_t word = 0;
  };
  [[nodiscard]] Row& row_of(probes::Ipv4Addr address) const noexcept;
  [[nodiscard]] Seen look_up(probes::Ipv4Addr address) const noexcept;
  [[nodiscard]] Found find_on_link(probes::Ipv4Addr destination, Tsc now) noexcept;
  [[nodiscard]] bool take_place(Row& row, probes::Ipv4Addr address, Tsc now) noexcept;
  static bool pass_on(Row& row, std::size_t place, std::uint64_t word, probes::Ipv4Addr to,
                      Tsc now) noexcept;
  ArpOutcome hear(Seen seen, const ArpPacket& packet, Tsc now) noexcept;
  void keep_impossible(const ArpPacket& packet) noexcept;
  [[nodiscard]] std::optional<probes::MacAddr> question(Entry& entry, bool is_gateway,
                                                        Tsc now) noexcept;
  [[nodiscard]] std::optional<probes::MacAddr> question_of_known(Entry& entry, std::uint64_t word,
                                                                 Tsc now) noexcept;
  [[nodiscard]] bool is_doubtful(Entry& entry, std::uint64_t word, Tsc now) const noexcept;
  [[nodiscard]] bool is_over(const Entry& entry, std::uint64_t word, Tsc now) const noexcept;
  [[nodiscard]] std::size_t ask_hosts(Tsc now, std::span<Question> out) noexcept;

  const probes::Ipv4Addr own_;
  const probes::Ipv4Prefix link_;
  const bool has_gateway_;
  const bool gateway_is_static_;
  const bool has_next_hop_;  // beyond the link
  const probes::Ipv4Addr gateway_address_;
  const TscSpan slack_;
  const TscSpan retry_;
  const TscSpan doubt_;
  const TscSpan refresh_;
  const TscSpan absent_;
  Entry gateway_;
  std::unique_ptr<Row[]> rows_;
  std::atomic<bool> has_hosts_{false};  // any row was used
  std::size_t next_row_ = 0;            // where due() goes on
  std::atomic<std::uint64_t> gateway_moves_{0};
  std::atomic<std::uint64_t> rival_{0};  // its MAC and kKnownBit
  // Its MAC and kKnownBit, once the address is there.
  std::atomic<std::uint64_t> impossible_mac_{0};
  std::atomic<std::uint32_t> impossible_address_{0};
};

}  // namespace backsight::engine
