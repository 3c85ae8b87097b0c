#include "controller/measurement/planner.h"

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

}  // namespace backsight::controller
