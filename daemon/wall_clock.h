// Unix time, as results, consents and epochs need it. It may be stepped; nothing waits on it.
#pragma once

#include <chrono>
#include <cstdint>

namespace backsight {

// Nanoseconds since 1970-01-01 UTC.
[[nodiscard]] inline std::uint64_t unix_ns() {
  using std::chrono::nanoseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(now).count());
}

[[nodiscard]] inline std::uint64_t unix_us() { return unix_ns() / 1'000; }

[[nodiscard]] inline std::int64_t unix_seconds() {
  return static_cast<std::int64_t>(unix_ns() / 1'000'000'000);
}

}  // namespace backsight
