// An address of either family, for the edges: text, tables and keys. What counts memory, such as
// the in-flight table, keeps the family's own type.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "probes/assert.h"
#include "probes/ip/address.h"

namespace backsight::probes {

// 16 bytes in the order of the wire. An IPv4 address stands there as ::ffff:a.b.c.d (RFC 4291,
// section 2.5.5.2): it equals no IPv6 address, and all of IPv4 sorts as one run.
class IpAddr {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  constexpr IpAddr() noexcept = default;  // ::
  constexpr explicit IpAddr(const Bytes& bytes) noexcept : bytes_(bytes) {}
  constexpr explicit IpAddr(Ipv4Addr address) noexcept : bytes_(kMapped) {
    for (std::size_t i = 0; i < 4; ++i) {
      bytes_[kMappedBytes + i] = static_cast<std::uint8_t>(address.value >> (24 - 8 * i));
    }
  }

  [[nodiscard]] constexpr const Bytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] constexpr bool is_ipv4() const noexcept {
    return std::equal(kMapped.begin(), kMapped.begin() + kMappedBytes, bytes_.begin());
  }
  // REQUIRES: is_ipv4().
  [[nodiscard]] constexpr Ipv4Addr ipv4() const noexcept {
    BACKSIGHT_ASSERT(is_ipv4());
    std::uint32_t value = 0;
    for (std::size_t i = kMappedBytes; i < bytes_.size(); ++i) value = value << 8 | bytes_[i];
    return {value};
  }
  // :: or 0.0.0.0.
  [[nodiscard]] constexpr bool is_unspecified() const noexcept {
    return is_ipv4() ? ipv4().is_unspecified() : *this == IpAddr();
  }

  friend constexpr auto operator<=>(const IpAddr&, const IpAddr&) = default;

 private:
  static constexpr std::size_t kMappedBytes = 12;
  static constexpr Bytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

  Bytes bytes_{};
};
static_assert(sizeof(IpAddr) == 16 && std::is_trivially_copyable_v<IpAddr>);

// Parses dotted decimal as parse_ipv4() does, or the text of an IPv6 address (RFC 4291, section
// 2.2); nothing around it, no zone. ::ffff:192.0.2.1 is 192.0.2.1.
[[nodiscard]] std::optional<IpAddr> parse_ip(std::string_view text) noexcept;

// Dotted decimal, or the one text that RFC 5952 gives an IPv6 address.
[[nodiscard]] std::string to_string(const IpAddr& address);

}  // namespace backsight::probes

template <>
struct std::hash<backsight::probes::IpAddr> {
  std::size_t operator()(const backsight::probes::IpAddr& address) const noexcept {
    const auto& bytes = address.bytes();
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};
