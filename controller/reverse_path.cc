#include "controller/reverse_path.h"

#include <array>

#include "controller/request.h"

namespace backsight::controller {

namespace {

struct FailWords {
  std::string_view name;
  std::string_view explanation;
};

constexpr std::array<FailWords, static_cast<std::size_t>(FailReason::kCount)> kFailWords{{
    {"", ""},
    {"unresponsive", "the destination answers none of our probes"},
    {"gap_limit", "the way to the hop whose neighbour was wanted ends in silence"},
    {"unreachable", "an ICMP error ended the way to the hop whose neighbour was wanted"},
    {"loop", "the path came back to itself, and no other way was left"},
    {"no_vantage_point", "no vantage point can measure for this source; see: backsight vp list"},
    {"out_of_budget", "the probes allowed for one reverse traceroute are used up"},
    {"out_of_time", "it took longer than a reverse traceroute may"},
    {"circuit_open", "nothing in this prefix or AS has answered for some time; try again later"},
    {"denied", "the destination is on the deny list of this controller and is never probed"},
    {"refused", "the request asks for what cannot be measured"},
    {"cancelled", "it was cancelled"},
    {"lost", "the controller was restarted while it ran; ask again"},
}};

const FailWords& words(FailReason reason) noexcept {
  const auto at = static_cast<std::size_t>(reason);
  return kFailWords[at < kFailWords.size() ? at : 0];
}

}  // namespace

std::string_view name(StopReason reason) noexcept {
  return reason == StopReason::kReaches ? "REACHES" : "FAILED";
}

std::string_view name(FailReason reason) noexcept { return words(reason).name; }

std::string_view explain(FailReason reason) noexcept { return words(reason).explanation; }

std::string_view name(HopType type) noexcept {
  switch (type) {
    case HopType::kDestination:
      return "destination";
    case HopType::kAtlasTraceroute:
      return "atlas";
    case HopType::kAtlasRecordRoute:
      return "atlas, about";
    case HopType::kRecordRoute:
      return "record route";
    case HopType::kSpoofedRecordRoute:
      return "spoofed record route";
    case HopType::kSymmetryWithinAs:
      return "symmetry assumed";
    case HopType::kSymmetryAcrossAses:
      return "symmetry assumed across ASes";
  }
  return "unknown";
}

ReversePath ended_as(const Request& request, FailReason reason, std::uint64_t now_unix_us) {
  ReversePath path;
  path.id = request.id;
  path.batch = request.batch;
  path.label = request.label;
  path.uuid = request.uuid;
  path.src = request.src;
  path.dst = request.dst;
  path.started_unix_us = now_unix_us;
  path.fail_reason = reason;
  path.fail_detail = explain(reason);
  return path;
}

}  // namespace backsight::controller
