#include "controller/service/probe_ids.h"

#include <spdlog/spdlog.h>

namespace backsight::controller {

namespace {

constexpr std::uint64_t kReserved = 1 << 22;  // at a time

}  // namespace

ProbeIds::ProbeIds(IdSource source)
    : source_(std::move(source)), first_(source_.next()), end_(first_) {
  reserve(first_);
}

void ProbeIds::reserve(std::uint64_t next) {
  if (next + kReserved / 2 < end_) return;
  const auto first = source_.take(kReserved);
  if (first) end_ = *first + kReserved;
  const std::string fault = first ? "" : first.error().sentence;
  if (fault != fault_ && !first) spdlog::error("{}; trying again", fault);
  fault_ = fault;
}

std::string ProbeIds::why_too_few(std::uint64_t next) const {
  if (next + kReserved / 4 < end_) return {};
  return "numbers for probes cannot be reserved: " + fault_;
}

}  // namespace backsight::controller
