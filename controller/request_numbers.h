// How requests are numbered. Even numbers are asked for; the odd one behind each is that of the
// measurement that may stand in for it. A batch has the number of its first request, and its
// requests have numbers in a row.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backsight::controller {

[[nodiscard]] constexpr std::uint64_t request_number(std::uint64_t batch,
                                                     std::size_t item) noexcept {
  return batch + 2 * std::uint64_t{item};
}
[[nodiscard]] constexpr std::uint64_t stand_in_number(std::uint64_t request) noexcept {
  return request + 1;
}

}  // namespace backsight::controller
