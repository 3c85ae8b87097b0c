// One IPv4 packet on its way through the simulation: read once, with every length checked, then
// changed in place by the routers it passes. Checksums are right whenever it is looked at from
// outside: settle() makes them so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "probes/ip/address.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ipv4.h"

namespace backsight::sim {

using probes::Ipv4Addr;

// What a flow is to load balancers: hashes of what does not change on the way.
struct FlowKey {
  std::uint64_t addresses = 0;  // and the protocol
  std::uint64_t ports = 0;      // and the first four bytes beyond the IPv4 header
};

inline constexpr std::size_t kMaxPacketBytes = 1500;

enum class Malformed : std::uint8_t {
  kWellFormed,
  kLength,    // shorter or longer than it says, or than an IPv4 packet may be
  kHeader,    // no IPv4, or a header length out of range
  kChecksum,  // of the IPv4 header
  kOptions,   // that do not fit the header
  kFragment,
};

class Packet {
 public:
  // Reads and copies; bytes beyond the packet's length are left out.
  [[nodiscard]] Malformed read(std::span<const std::byte> bytes) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
  [[nodiscard]] bool has_options() const noexcept {
    return header_bytes_ > probes::ipv4::kMinHeaderBytes;
  }
  [[nodiscard]] bool records() const noexcept { return route_ != 0 || times_ != 0; }
  [[nodiscard]] Ipv4Addr source() const noexcept { return view().source(); }
  [[nodiscard]] Ipv4Addr destination() const noexcept { return view().destination(); }
  [[nodiscard]] std::uint8_t protocol() const noexcept { return view().protocol(); }
  [[nodiscard]] std::uint8_t ttl() const noexcept { return view().ttl(); }
  // What follows the IPv4 header.
  [[nodiscard]] std::span<const std::byte> payload() const noexcept {
    return bytes().subspan(header_bytes_);
  }
  [[nodiscard]] FlowKey flow() const noexcept;

  void set_ttl(std::uint8_t ttl) noexcept { bytes_[probes::ipv4::kTtl] = std::byte{ttl}; }
  // True if there is a recorded route with room for one more address.
  [[nodiscard]] bool has_room_for_route() const noexcept {
    return route_ != 0 && std::to_integer<unsigned>(bytes_[route_ + 2U]) + 3 <=
                              std::to_integer<unsigned>(bytes_[route_ + 1U]);
  }
  // Writes an address into the recorded route, if there is one with room.
  void stamp_route(std::uint32_t address) noexcept {
    if (route_ == 0) return;
    std::byte* const option = &bytes_[route_];
    const auto pointer_1based = std::to_integer<std::size_t>(option[2]);
    if (pointer_1based + 3 > std::to_integer<std::size_t>(option[1])) return;
    probes::store_be32(option + pointer_1based - 1, address);
    option[2] = static_cast<std::byte>(pointer_1based + 4);
  }
  // The same for a timestamp option of any type. `owns(address)` says whether a prespecified
  // address is of whoever stamps.
  template <typename Owns>
  void stamp_time(std::uint32_t address, std::uint32_t milliseconds, Owns owns) noexcept;
  [[nodiscard]] bool records_times() const noexcept { return times_ != 0; }

  // Makes the IPv4 header's checksum right.
  void settle() noexcept;

  // The answers. Each turns this packet into what its receiver sends, with TTL `ttl`, all checksums
  // right but the IPv4 header's; false: there is none to this packet.
  //
  // An echo reply with the request's payload and options (RFC 1122, section 3.2.2.6).
  [[nodiscard]] bool turn_into_echo_reply(std::uint8_t ttl, std::uint16_t ip_id) noexcept;
  // An ICMP error of `from` that quotes the header, its options as they are now, and 8 bytes beyond
  // or, with `quotes_all`, all.
  [[nodiscard]] bool turn_into_error(Ipv4Addr from, std::uint8_t type, std::uint8_t code,
                                     bool quotes_all, std::uint8_t ttl,
                                     std::uint16_t ip_id) noexcept;
  // A reset, or the second step of a handshake, for a SYN; a reset for an ACK.
  [[nodiscard]] bool turn_into_tcp_answer(bool is_open, std::uint8_t ttl,
                                          std::uint16_t ip_id) noexcept;

 private:
  [[nodiscard]] probes::ipv4::HeaderView view() const noexcept {
    return probes::ipv4::HeaderView(bytes_.data());
  }
  [[nodiscard]] bool find_options() noexcept;
  void write_header(Ipv4Addr from, Ipv4Addr to, std::uint8_t protocol, std::size_t size,
                    std::uint8_t ttl, std::uint16_t ip_id) noexcept;

  std::array<std::byte, kMaxPacketBytes> bytes_;
  std::uint16_t size_ = 0;
  std::uint8_t header_bytes_ = 0;
  std::uint8_t route_ = 0;  // offset of a Record Route option; 0: there is none
  std::uint8_t times_ = 0;  // offset of a timestamp option
};

template <typename Owns>
void Packet::stamp_time(std::uint32_t address, std::uint32_t milliseconds, Owns owns) noexcept {
  if (times_ == 0) return;
  namespace ipv4 = probes::ipv4;
  std::byte* const option = &bytes_[times_];
  const auto length = std::to_integer<std::size_t>(option[ipv4::kOptionLength]);
  const auto pointer_1based = std::to_integer<std::size_t>(option[ipv4::kOptionPointer]);
  const auto flags = std::to_integer<unsigned>(option[ipv4::kTimestampFlags]);
  const unsigned type = flags & 0xf;
  const std::size_t entry = type == 0 ? 4 : 8;
  if (pointer_1based - 1 + entry > length) {
    // Full: the overflow count goes up, and stops at 15. Prespecified ones do not overflow.
    if (type != 3 && flags < 0xf0)
      option[ipv4::kTimestampFlags] = static_cast<std::byte>(flags + 0x10);
    return;
  }
  std::byte* slot = option + pointer_1based - 1;
  if (type == 3 && !owns(probes::load_be32(slot))) return;
  if (type == 1) probes::store_be32(slot, address);
  if (type != 0) slot += 4;
  probes::store_be32(slot, milliseconds);
  option[ipv4::kOptionPointer] = static_cast<std::byte>(pointer_1based + entry);
}

}  // namespace backsight::sim
