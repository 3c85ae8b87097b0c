// Requests made up at random.
#pragma once

#include <random>
#include <string>

#include "controller/request.h"

namespace backsight::controller {

[[nodiscard]] inline Request random_request(std::mt19937_64& random) {
  Request request;
  request.src.value = static_cast<std::uint32_t>(random());
  request.dst.value = static_cast<std::uint32_t>(random());
  request.label = std::string(random() % 20, static_cast<char>('"' + random() % 60));
  request.uuid = random() % 2 == 0 ? "" : "ndt-" + std::to_string(random());
  request.staleness_minutes = static_cast<std::uint32_t>(random() % 2 == 0 ? 1440 : random() % 999);
  request.max_spoofers = static_cast<std::uint8_t>(random() % 101);
  request.use_cache = random() % 2 == 0;
  request.ping_hops = random() % 2 == 0;
  request.forward_traceroute = random() % 2 == 0;
  request.retry_from_destination_as = random() % 2 == 0;
  request.find_branches = random() % 2 == 0;
  if (random() % 4 == 0) request.refused = "dst \"" + std::to_string(random()) + "\" is no address";
  return request;
}

// All but id, batch and user.
[[nodiscard]] inline bool is_same_wish(const Request& a, const Request& b) {
  return a.src == b.src && a.dst == b.dst && a.label == b.label && a.uuid == b.uuid &&
         a.staleness_minutes == b.staleness_minutes && a.max_spoofers == b.max_spoofers &&
         a.use_cache == b.use_cache && a.ping_hops == b.ping_hops &&
         a.forward_traceroute == b.forward_traceroute &&
         a.retry_from_destination_as == b.retry_from_destination_as &&
         a.find_branches == b.find_branches && a.refused == b.refused;
}

}  // namespace backsight::controller
