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
//
// When branches are asked for, each hop of a whole path is asked once more, and the destination
// from several vantage points: replies of other flows take other ways through balancers. Thread:
// one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/measurement/planner.h"
#include "controller/measurement/route_split.h"

namespace backsight::controller {

class Measurement final : public Planner {
 public:
  using Planner::Planner;

  void step(const Event& event, const Knowledge& known, const Now& now,
            Commands& commands) override;
  [[nodiscard]] bool has_ended() const noexcept override { return phase_ == Phase::kEnded; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override;
  [[nodiscard]] bool waits_for_survey() const noexcept override { return waits_for_survey_; }
  [[nodiscard]] probes::Ipv4Addr target() const noexcept override {
    return path_.hops[hop_].address;
  }

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
  // Of what the atlas knows, by the age that the request allows.
  [[nodiscard]] SteadyNs oldest_believed(const Now& now) const;
  bool meet_atlas(std::size_t first, const Knowledge& known, const Now& now);
  bool splice(const Intersection& met, std::size_t hop, const Knowledge& known, const Now& now);
  void show_unseen_ases(const Intersection& met, const Knowledge& known, const Now& now);
  [[nodiscard]] std::size_t first_behind(const Intersection& met, std::size_t hop,
                                         const Knowledge& known) const;
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
  void look_for_branches(const Knowledge& known, const Now& now);
  void note_branch(const Answer& answer, std::size_t hop, const Knowledge& known);
  void weave_branches();
  void fail(FailReason reason, const Now& now, const Knowledge& known);
  void end_if_done(const Now& now);
  // It has, and waits at the most for what its last probes are told to have been.
  [[nodiscard]] bool has_failed() const noexcept {
    return phase_ == Phase::kFinishing && path_.stop_reason == StopReason::kFailed;
  }
  void ask(VpIndex sender, probes::Kind kind, probes::Ipv4Addr dst, std::size_t hop);
  // A probe of this kind to the hop under way has not ended, and is not overdue, either.
  [[nodiscard]] bool is_under_way(probes::Kind kind) const;
  [[nodiscard]] bool is_waiting(probes::Kind kind) const;
  [[nodiscard]] bool is_waiting_for_spoofer() const;
  // Who may send in the source's name.
  [[nodiscard]] std::vector<VpIndex> spoofers(const Knowledge& known) const;
  // The hop under way was assumed, and the traceroute that told it tells the one before.
  [[nodiscard]] bool knows_way_there() const;
  [[nodiscard]] std::optional<std::size_t> place_of(probes::Ipv4Addr address, std::size_t end,
                                                    const Knowledge& known) const;
  [[nodiscard]] bool is_source(probes::Ipv4Addr address, const Knowledge& known) const;
  void note_alternative(std::span<const probes::Ipv4Addr> way_there, const Knowledge& known);

  std::vector<Pending> pending_;
  std::vector<VpIndex> tried_;               // for the hop under way
  std::vector<probes::Ipv4Addr> way_there_;  // of the last assumption, up to its target
  std::uint64_t way_there_id_ = 0;
  std::vector<ReverseHop>
      branches_;                  // other ways; `branch` is the hop of the path they stand beside
  Commands* commands_ = nullptr;  // of the step under way
  Phase phase_ = Phase::kRoutes;
  std::uint8_t hop_ = 0;           // under way
  std::uint8_t segment_ = 0;       // first hop that the last step added
  std::uint8_t routes_tried_ = 0;  // hops of this segment
  std::uint8_t round_ = 0;
  std::uint8_t spoofers_tried_ = 0;
  bool waits_for_survey_ = false;
  bool tries_doubtful_ = false;   // vantage points that are probably too far
  bool has_begun_trace_ = false;  // to the hop under way, before it is known to be wanted
  bool has_answered_ = false;     // the hop under way answered somebody
  bool is_ping_silent_ = false;   // the hop under way
  bool was_route_asked_ = false;  // Record Route to the hop under way was on the wire
  bool was_asked_ = false;        // a probe to it was on the wire: its silence is the network's
  bool was_held_back_ = false;    // a probe to it was not
};

}  // namespace backsight::controller
