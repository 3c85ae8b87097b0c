// Reverse paths made up at random, of every kind there is.
#pragma once

#include <array>
#include <random>
#include <string>

#include "controller/reverse_path.h"

namespace backsight::controller {

[[nodiscard]] inline ReverseHop random_hop(std::mt19937_64& random) {
  constexpr std::array<std::uint8_t, 7> kTypes = {1, 3, 4, 5, 6, 11, 12};
  ReverseHop hop;
  hop.address.value = random() % 8 == 0 ? 0 : static_cast<std::uint32_t>(random());
  hop.type = static_cast<HopType>(kTypes[random() % kTypes.size()]);
  hop.is_from_cache = random() % 2 == 0;
  hop.uncertain_group = static_cast<std::uint8_t>(random() % 3);
  hop.branch = static_cast<std::uint8_t>(random() % 3);
  hop.rtt_us = static_cast<std::uint32_t>(random() % 1'000'000);
  hop.measurement_id = random() >> 16;
  hop.rtt_measurement_id = random() >> 16;
  return hop;
}

[[nodiscard]] inline ReversePath random_path(std::mt19937_64& random) {
  ReversePath path;
  path.id = 1 + (random() >> 16);
  path.batch = random() >> 16;
  path.label = std::string(random() % 20, static_cast<char>('"' + random() % 60));
  path.uuid = random() % 2 == 0 ? "" : "ndt-" + std::to_string(random());
  path.src.value = static_cast<std::uint32_t>(random());
  path.dst.value = static_cast<std::uint32_t>(random());
  path.started_unix_us = 1'700'000'000'000'000 + random() % 100'000'000'000'000;
  path.runtime_us = random() % 60'000'000;
  path.stop_reason = random() % 2 == 0 ? StopReason::kReaches : StopReason::kFailed;
  if (path.stop_reason == StopReason::kFailed) {
    path.fail_reason = static_cast<FailReason>(
        1 + random() % (static_cast<std::uint64_t>(FailReason::kCount) - 1));
    path.fail_detail = "of the way to \"it\"";
  }
  path.is_from_cache = random() % 2 == 0;
  path.is_try_from_destination_as = random() % 2 == 0;
  for (std::uint64_t i = random() % 3; i > 0; --i) {
    path.ids_from_destination_as.push_back(random() >> 16);
  }
  path.forward_traceroute_id = random() >> 16;
  path.probes = static_cast<std::uint32_t>(random() % 1000);
  for (std::uint64_t i = random() % 30; i > 0; --i) path.hops.push_back(random_hop(random));
  return path;
}

}  // namespace backsight::controller
