#include "controller/measurement/planner.h"

#include <algorithm>

namespace backsight::controller {

Planner::Planner(const Request& request, VpIndex source, const MeasurementLimits& limits,
                 const Now& now)
    : request_(request), limits_(limits), started_at_(now.steady), source_(source) {
  path_.id = request.id;
  path_.batch = request.batch;
  path_.label = request.label;
  path_.uuid = request.uuid;
  path_.src = request.src;
  path_.dst = request.dst;
  path_.started_unix_us = now.unix_us;
  path_.hops.reserve(16);
  path_.hops.push_back({.address = request.dst, .type = HopType::kDestination});
}

void Planner::note_left(SteadyNs at, const Now& now) noexcept {
  if (has_left_) return;
  has_left_ = true;
  started_at_ = std::max(started_at_, at);
  path_.started_unix_us = now.unix_us - (now.steady - std::min(started_at_, now.steady)) / 1000;
}

}  // namespace backsight::controller
