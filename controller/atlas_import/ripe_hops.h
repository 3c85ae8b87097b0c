// The hops of a RIPE Atlas traceroute.
#pragma once

#include <simdjson.h>

#include <string>

#include "controller/records.h"

namespace backsight::controller {

enum class RipeProtocol : std::uint8_t { kIcmp, kUdp, kTcp };

// Reads "result" of a traceroute's result into the record, whose dst is set: hops and outcome.
// Returns what is odd, or nothing.
[[nodiscard]] std::string read_ripe_hops(simdjson::dom::array hops, RipeProtocol protocol,
                                         TraceRecord& record);

}  // namespace backsight::controller
