// Who there is: sources and vantage points.
#pragma once

#include "controller/api/exchange.h"
#include "controller/service.h"

namespace backsight::controller {

// GET /api/v1/sources: {"srcs":[{"hostname":...,"ip":...,...}]}
[[nodiscard]] ApiReply list_sources(const Service& service);
// GET /api/v1/vantage_points: {"vantage_points":[...]}
[[nodiscard]] ApiReply list_vantage_points(const Service& service);

}  // namespace backsight::controller
