// Numbers for probes: ours before they are used, so that no later process gives them out again.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "controller/journal/id_source.h"

namespace backsight::controller {

class ProbeIds {
 public:
  explicit ProbeIds(IdSource source);

  // None before it is used.
  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }
  // Reserves more, unless there are many behind `next`, the next to be used. Logs why it cannot.
  void reserve(std::uint64_t next);
  // Why too few are left behind `next` to go on; empty: there are enough.
  [[nodiscard]] std::string why_too_few(std::uint64_t next) const;

 private:
  IdSource source_;
  const std::uint64_t first_;
  std::uint64_t end_;  // numbers below are ours
  std::string fault_;  // why no more are
};

}  // namespace backsight::controller
