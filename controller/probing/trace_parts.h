// A traceroute asked for in parts that run at once, each a trace of some of the TTLs with the same
// flow: it takes as long as its slowest part, not as all its hops one after the other.
// Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/result.h"

namespace backsight::controller {

struct TtlRange {
  std::uint8_t first = 1;
  std::uint8_t last = 32;
};

// Short where most destinations are; a part beyond the destination costs one probe.
inline constexpr std::array<TtlRange, 7> kTraceParts{
    {{1, 3}, {4, 6}, {7, 9}, {10, 12}, {13, 15}, {16, 19}, {20, 32}}};

class TraceParts {
 public:
  // The result of part `part` of kTraceParts. A second one is not looked at.
  void take(std::size_t part, const tasks::TraceResult& result);
  [[nodiscard]] bool has(std::size_t part) const noexcept { return parts_[part].is_there; }
  [[nodiscard]] bool are_all_there() const noexcept;
  // Attempts of all parts.
  [[nodiscard]] std::uint32_t packets() const noexcept;

  // The whole: hops by TTL up to the first part that ended at the destination, at who refuses, or
  // in a loop, and no further than a row of hops that comes back (tracing/rules.h). Silent hops
  // in between end nothing; `gap_limit` of them in a row at the end do. One part that was not sent
  // makes the whole one that was not. REQUIRES: are_all_there().
  [[nodiscard]] tasks::TraceResult whole(std::uint8_t gap_limit) const;

 private:
  struct Part {
    bool is_there = false;
    tasks::TraceResult result;
  };
  std::array<Part, kTraceParts.size()> parts_;
};

}  // namespace backsight::controller
