// Unix time, as results, consents, quotas and epochs need it. Nothing waits on it.
//
// The system's clock may be stepped: by hand, by a time server gone wrong, by the host of a virtual
// machine. A large step is not followed before it has stood for an hour: until then time goes on as
// it did, so that a step and its way back leave no trace in what is dated, counted by day, or
// expires.
#pragma once

#include <cstdint>
#include <optional>

namespace backsight {

// Decides what is believed of a clock. Thread: one at a time.
class WallClock {
 public:
  static constexpr std::uint64_t kMostStepNs = 10'000'000'000;
  static constexpr std::uint64_t kBelievedAfterNs = 3600'000'000'000;

  // The time, ns since 1970, where the system's clock says `wall_ns`, and `steady_ns` of a clock
  // that is never stepped and goes on while the machine sleeps.
  std::uint64_t unix_ns(std::uint64_t wall_ns, std::uint64_t steady_ns);
  // How far the system's clock is ahead of what is believed, in ns; 0: it is believed.
  [[nodiscard]] std::int64_t disbelieved_ns() const noexcept { return disbelieved_ns_; }

 private:
  std::optional<std::int64_t> ahead_;  // of the steady clock, as believed
  std::int64_t stepped_to_ = 0;        // as the system's clock has been since stepped_at_
  std::uint64_t stepped_at_ = 0;       // steady; with disbelieved_ns_
  std::int64_t disbelieved_ns_ = 0;
};

// Of this process: nanoseconds since 1970-01-01 UTC, and what follows. A line of the log tells when
// the system's clock is not followed, and when it is again. Thread: any.
[[nodiscard]] std::uint64_t unix_ns();
[[nodiscard]] inline std::uint64_t unix_us() { return unix_ns() / 1'000; }
[[nodiscard]] inline std::int64_t unix_seconds() {
  return static_cast<std::int64_t>(unix_ns() / 1'000'000'000);
}

// How far the system's clock is ahead of unix_ns(); 0: it is followed. Thread: any.
[[nodiscard]] double disbelieved_clock_seconds();

// What the system's clock says, believed or not: for who compares it with that clock.
[[nodiscard]] std::uint64_t system_unix_ns();

}  // namespace backsight
