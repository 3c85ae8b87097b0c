// Any bytes as the options of an IPv4 header; what was read is read again as a route.
#include <cstddef>
#include <cstdint>
#include <span>

#include "invariants.h"
#include "probes/reading/ip_options.h"
#include "probes/reading/route_reading.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight;
  const auto options = probes::parse_ip_options(std::as_bytes(std::span(data, size)));
  fuzz::require_in_range(options);
  const probes::RecordedRoute& route = options.record_route;
  const probes::RouteReading reading =
      probes::read_route(route, route.hops[0], {&route.hops[8], 1});
  fuzz::require(reading.forward_end <= reading.reverse_begin, "parts overlap");
  fuzz::require(reading.reverse_begin <= reading.count, "reverse part begins behind the end");
  fuzz::require(reading.count == route.count, "hops lost");
  return 0;
}
