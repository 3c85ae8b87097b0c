// What is odd about a packet that can be read as a reply all the same. Whoever proves itself is
// heard in spite of it, and each flaw is a counter; what proves nothing is refused for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "probes/reading/reject.h"

namespace backsight::probes {

enum class Flaw : std::uint8_t {
  kIpTotalLength,  // total length below what is there of the message, or beyond the frame
  kIpChecksum,     // header checksum is wrong
  kIpFragment,     // a first fragment
  kIcmpChecksum,   // ICMP checksum is wrong; labels are left out
  kIpOptions,      // an option that cannot be read: left out
  kIcmpExtension,  // an extension structure that cannot be read: left out
  kPayload,        // an echo reply without the probe's payload
  kQuote,          // a quote whose addresses, ports or checksum are not those sent
  kCount
};

inline constexpr std::size_t kFlawCount = static_cast<std::size_t>(Flaw::kCount);

// The word in metrics: "ip_total_length", ...
[[nodiscard]] std::string_view name(Flaw flaw) noexcept;

// A set of them.
class Flaws {
 public:
  constexpr void add(Flaw flaw) noexcept { bits_ |= bit(flaw); }
  [[nodiscard]] constexpr bool has(Flaw flaw) const noexcept { return (bits_ & bit(flaw)) != 0; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return bits_ == 0; }
  // Why a packet with these flaws is refused that proves nothing; kCount: they are no reason.
  [[nodiscard]] Reject reject() const noexcept;

 private:
  [[nodiscard]] static constexpr std::uint8_t bit(Flaw flaw) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(flaw));
  }
  static_assert(kFlawCount <= 8);

  std::uint8_t bits_ = 0;
};

}  // namespace backsight::probes
