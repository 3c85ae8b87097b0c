// A walk over the options of an IPv4 header (RFC 791, section 3.1). They come from the network: a
// length is compared with what is there before it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/wire/ipv4.h"

namespace backsight::probes::ipv4 {

// `Byte` is std::byte, for who changes options in place, or const std::byte.
template <typename Byte>
class OptionWalk {
 public:
  // What stands between the fixed 20 bytes and the header's end.
  explicit constexpr OptionWalk(std::span<Byte> options) noexcept : left_(options) {}

  // Finds the next option, from its type byte to its last: at least the type and the length. False:
  // there is none. What fills the space between options is passed.
  [[nodiscard]] constexpr bool next(std::span<Byte>& option) noexcept {
    while (!left_.empty() && type_of(left_) == kNoOperation) left_ = left_.subspan(1);
    if (left_.empty() || type_of(left_) == kEndOfOptions) return false;
    const std::size_t length =
        left_.size() < kOptionHeaderBytes ? 0 : std::to_integer<std::size_t>(left_[kOptionLength]);
    // Where such an option ends, and the next one begins, nobody knows.
    is_broken_ = length < kOptionHeaderBytes || length > left_.size();
    if (is_broken_) return false;
    option = left_.first(length);
    left_ = left_.subspan(length);
    return true;
  }

  // True if the walk ended before an option whose length is impossible.
  [[nodiscard]] constexpr bool is_broken() const noexcept { return is_broken_; }

 private:
  [[nodiscard]] static constexpr std::uint8_t type_of(std::span<Byte> option) noexcept {
    return std::to_integer<std::uint8_t>(option[0]);
  }

  std::span<Byte> left_;
  bool is_broken_ = false;
};

}  // namespace backsight::probes::ipv4
