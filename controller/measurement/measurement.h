// One reverse traceroute, as a state machine: events in, commands out. It knows no clock, no
// network and no other measurement; who runs it carries its commands out (controller/brain.h).
//
//   start ─▶ does the path meet the atlas? ─ yes ─▶ the traceroute's rest, done
//               │ no                ▲
//               ▼                   │ new hops
//            Record Route to the last hop: from the source, and spoofed as the source from vantage
//            points that are near enough
//               │ no hops           ▲
//               ▼                   │ one hop, assumed
//            traceroute to the last hop: its last hop but one
//               │ none
//               ▼
//            failed
//
// A path is whole when a reply still has free slots, comes from the source's gateway, or meets the
// atlas.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/measurement/knowledge.h"
#include "controller/measurement/route_split.h"
#include "controller/now.h"
#include "controller/probing/answer.h"
#include "controller/records.h"
#include "controller/request.h"
#include "controller/reverse_path.h"

namespace backsight::controller {

struct MeasurementLimits {
  std::uint32_t most_probes = 150;
  SteadyNs most_time = kMinute;
  std::uint8_t most_hops = 64;
};

struct Event {
  enum class What : std::uint8_t {
    kStart,
    kAnswer,  // one of its questions has ended, or is overdue
    kSurvey,  // the survey of its target's prefix told more, or is over
    kTime,    // its time is up
    kCancel,
  };
  What what = What::kStart;
  const Answer* answer = nullptr;  // of kAnswer
};

// A probe that is wanted; who carries it out adds who asks.
struct Wanted {
  VpIndex sender = kNoVp;
  probes::Kind kind = probes::Kind::kRecordRoute;
  probes::Ipv4Addr dst;
};

struct Commands {
  std::vector<Wanted> probes;              // all on behalf of the source
  std::optional<probes::Ipv4Addr> survey;  // of this target's prefix
  std::vector<std::pair<probes::Ipv4Addr, probes::Ipv4Addr>> seen_in_a_row;  // stamps
  std::optional<probes::Ipv4Addr> without_record_route;  // nobody got a route from it
  std::optional<probes::Ipv4Addr> without_answer;        // nobody got anything from it
  std::optional<RankedSpoofersRecord> ranked;
  bool has_ended = false;

  void clear() { *this = Commands{}; }
};

class Measurement {
 public:
  Measurement(const Request& request, VpIndex source, const MeasurementLimits& limits,
              const Now& now);

  // After an event that ends it, path() is the answer and no further event is looked at.
  void step(const Event& event, const Knowledge& known, const Now& now, Commands& commands);

  // A probe of the last commands was sent for this measurement alone.
  void count_probe() noexcept { ++path_.probes; }

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] VpIndex source() const noexcept { return source_; }
  [[nodiscard]] const ReversePath& path() const noexcept { return path_; }
  [[nodiscard]] ReversePath& path() noexcept { return path_; }
  [[nodiscard]] bool has_ended() const noexcept { return phase_ == Phase::kEnded; }
  // When it failed: a router that answers in the destination's AS, to be measured from instead.
  [[nodiscard]] std::optional<probes::Ipv4Addr> alternative() const noexcept {
    return alternative_;
  }
  // The stamp of a router in the destination's /24, right before the destination's own: the gateway
  // of its network. Unspecified: not seen.
  [[nodiscard]] probes::Ipv4Addr gateway() const noexcept { return gateway_; }
  [[nodiscard]] SteadyNs ends_at() const noexcept { return started_at_ + limits_.most_time; }
  // Waits for what its prefix's survey tells.
  [[nodiscard]] bool waits_for_survey() const noexcept { return waits_for_survey_; }
  // The hop whose way on is sought.
  [[nodiscard]] probes::Ipv4Addr target() const noexcept { return path_.hops[hop_].address; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  enum class Phase : std::uint8_t { kRoutes, kTracing, kFinishing, kEnded };
  struct Pending {
    ProbeKey key;
    std::uint8_t hop = 0;  // of the path, that it was sent to
    bool is_overdue = false;
  };

  void on_answer(const Answer& answer, const Knowledge& known, const Now& now);
  void on_route(const Answer& answer, std::size_t hop, const Knowledge& known, const Now& now);
  void on_trace(const Answer& answer, std::size_t hop, const Knowledge& known, const Now& now);

  // The path has grown, from hop `first` on: meets the atlas, is whole, or is probed further.
  void go_on(std::size_t first, const Knowledge& known, const Now& now);
  bool meet_atlas(std::size_t first, const Knowledge& known, const Now& now);
  bool splice(const Intersection& met, std::size_t hop, const Knowledge& known, const Now& now);
  bool append(std::size_t hop, const RouteSplit& split, const Answer& answer,
              const Knowledge& known, const Now& now);

  void begin_hop(std::size_t hop, const Knowledge& known, const Now& now);
  void ask_round(const Knowledge& known, const Now& now);
  void give_up_routes(const Knowledge& known, const Now& now);
  void begin_trace(const Knowledge& known, const Now& now);
  void assume(std::span<const probes::Ipv4Addr> way_there, std::uint64_t trace,
              const Knowledge& known, const Now& now);
  void give_up_trace(FailReason reason, const Knowledge& known, const Now& now);

  void finish(const Now& now, const Knowledge& known);
  void fail(FailReason reason, const Now& now, const Knowledge& known);
  void end_if_done(const Now& now);
  void ask(VpIndex sender, probes::Kind kind, probes::Ipv4Addr dst, std::size_t hop);
  [[nodiscard]] bool is_waiting(probes::Kind kind) const;
  [[nodiscard]] std::optional<std::size_t> place_of(probes::Ipv4Addr address, std::size_t end,
                                                    const Knowledge& known) const;
  [[nodiscard]] bool is_source(probes::Ipv4Addr address, const Knowledge& known) const;
  void note_alternative(std::span<const probes::Ipv4Addr> way_there, const Knowledge& known);

  Request request_;
  MeasurementLimits limits_;
  ReversePath path_;
  SteadyNs started_at_ = 0;
  std::vector<Pending> pending_;
  std::vector<VpIndex> tried_;               // for the hop under way
  std::vector<probes::Ipv4Addr> way_there_;  // of the last assumption, up to its target
  std::uint64_t way_there_id_ = 0;
  std::optional<probes::Ipv4Addr> alternative_;
  probes::Ipv4Addr gateway_;
  Commands* commands_ = nullptr;  // of the step under way
  VpIndex source_ = kNoVp;
  Phase phase_ = Phase::kRoutes;
  std::uint8_t hop_ = 0;           // under way
  std::uint8_t segment_ = 0;       // first hop that the last step added
  std::uint8_t routes_tried_ = 0;  // hops of this segment
  std::uint8_t round_ = 0;
  std::uint8_t spoofers_tried_ = 0;
  bool waits_for_survey_ = false;
  bool has_answered_ = false;    // the hop under way answered somebody
  bool is_ping_silent_ = false;  // the hop under way
};

}  // namespace backsight::controller
