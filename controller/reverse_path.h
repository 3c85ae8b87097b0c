// The answer to a request: the routers on the way from `dst` back to `src`, each with how it was
// found. Names and numbers are M-Lab's (revtr1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probes/ip/address.h"

namespace backsight::controller {

using probes::Ipv4Addr;

// How a hop was found. 2 and 7 to 10 are of older systems, and not used.
enum class HopType : std::uint8_t {
  kDestination = 1,
  kAtlasTraceroute = 3,      // on a traceroute to the source that the path met
  kAtlasRecordRoute = 4,     // the same, but where the path met it, or that it did, no stamp says
  kRecordRoute = 5,          // stamped a reply to the source's own probe
  kSpoofedRecordRoute = 6,   // stamped a reply to a probe that another vantage point sent
  kSymmetryWithinAs = 11,    // assumed: it is the last hop but one of the way there, in the same AS
  kSymmetryAcrossAses = 12,  // the same, in another AS or in one that is not known
};

enum class StopReason : std::uint8_t { kReaches, kFailed };

// Why a measurement failed: the words of `fail_reason`, one each.
enum class FailReason : std::uint8_t {
  kNone,
  kUnresponsive,    // the destination answers no probe, and no hop of the way there does
  kGapLimit,        // the way there ends in silence before the hop whose neighbour was wanted
  kUnreachable,     // an ICMP error ended the way there
  kLoop,            // the path came back to itself and no other way was left
  kNoVantagePoint,  // none could measure for this source for as long as it was waited for
  kOutOfBudget,     // probes allowed for one measurement are used up
  kOutOfTime,       // it took longer than a measurement may
  kCircuitOpen,     // prefix or AS has not answered for long; see retry_at
  kDenied,          // the destination is on the controller's deny list
  kRefused,         // the request asks for what cannot be measured; fail_detail says why
  kCancelled,       // the requester went away
  kLost,            // the controller was restarted while it ran
  kCount
};

[[nodiscard]] std::string_view name(StopReason reason) noexcept;  // "REACHES", "FAILED"
[[nodiscard]] std::string_view name(
    FailReason reason) noexcept;  // "unresponsive", ...; "" for none
// What it means and what to do, one sentence without its full stop.
[[nodiscard]] std::string_view explain(FailReason reason) noexcept;
[[nodiscard]] std::string_view name(HopType type) noexcept;  // "rr", "spoofed rr", "atlas", ...

struct ReverseHop {
  Ipv4Addr address;  // unspecified: a router that did not say who it is
  HopType type = HopType::kDestination;
  bool is_from_cache = false;
  // Of type 4: the path met the traceroute at one of the hops in a row that carry this number,
  // from 1 on. 0: not so; with type 4, a hop that all traceroutes of this way show and no stamp.
  std::uint8_t uncertain_group = 0;
  // The hop stands on one of several ways that a balancer chooses from; those with the same number
  // stand beside each other, not one behind the other. 0: no branch.
  std::uint8_t branch = 0;
  std::uint32_t rtt_us = 0;              // from the source; 0: not known
  std::uint64_t measurement_id = 0;      // of the ping or trace that showed it; 0: none
  std::uint64_t rtt_measurement_id = 0;  // 0: none
};

struct ReversePath {
  std::uint64_t id = 0;
  std::uint64_t batch = 0;
  std::string label;
  std::string uuid;
  Ipv4Addr src;  // where the path leads to
  Ipv4Addr dst;  // where it comes from
  std::uint64_t started_unix_us = 0;
  std::uint64_t runtime_us = 0;
  StopReason stop_reason = StopReason::kFailed;
  FailReason fail_reason = FailReason::kNone;
  std::string fail_detail;  // one clause for people; empty when it reaches
  bool is_from_cache = false;
  bool is_try_from_destination_as = false;
  std::vector<std::uint64_t> ids_from_destination_as;  // measurements that this one stands in for
  std::uint64_t forward_traceroute_id = 0;             // 0: none
  std::uint32_t probes = 0;                            // sent for this measurement alone
  std::vector<ReverseHop> hops;                        // from dst to src, both included
};

// The end of a request that no measurement ended.
struct Request;
[[nodiscard]] ReversePath ended_as(const Request& request, FailReason reason,
                                   std::uint64_t now_unix_us);

}  // namespace backsight::controller
