// A planner of few rules and long waits, for our own planner's changes to be compared with. It is
// not RevTr 2.0: it shares that system's order of techniques and its waits, and leaves out rules
// that decide how many paths are found (backing off to candidates of earlier replies, earlier hops
// of a segment, further hops of the same traceroute).
//
//   Record Route from the source, which waits 20 s for its answer
//   spoofed Record Route, five at a time and ten in all, ranked by ingress; a batch ends when all
//   have answered, on the second 5 s tick after the first answer, or after 20 s
//   a traceroute that must reach, and its last hop but one
#pragma once

#include <cstdint>
#include <vector>

#include "controller/measurement/planner.h"
#include "controller/measurement/route_split.h"

namespace backsight::evaluation {

class Baseline final : public controller::Planner {
 public:
  using Planner::Planner;

  void step(const controller::Event& event, const controller::Knowledge& known,
            const controller::Now& now, controller::Commands& commands) override;
  [[nodiscard]] bool has_ended() const noexcept override { return phase_ == Phase::kEnded; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override { return sizeof *this; }
  [[nodiscard]] bool waits_for_survey() const noexcept override { return waits_for_survey_; }
  [[nodiscard]] probes::Ipv4Addr target() const noexcept override {
    return path_.hops.back().address;
  }

 private:
  enum class Phase : std::uint8_t { kDirect, kBatch, kTrace, kEnded };

  void go_on(std::size_t first, const controller::Knowledge& known, const controller::Now& now,
             controller::Commands& commands);
  void begin_batch(const controller::Knowledge& known, const controller::Now& now,
                   controller::Commands& commands);
  void end_batch(const controller::Knowledge& known, const controller::Now& now,
                 controller::Commands& commands);
  void begin_trace(controller::Commands& commands);
  void assume(const controller::Answer& trace, const controller::Knowledge& known,
              const controller::Now& now, controller::Commands& commands);
  bool add_route(const controller::Answer& answer, const controller::Knowledge& known,
                 const controller::Now& now, controller::Commands& commands);
  void reach(controller::HopType type, std::uint64_t measurement, const controller::Now& now,
             controller::Commands& commands);
  void fail(controller::FailReason reason, const controller::Now& now,
            controller::Commands& commands);
  void ask(controller::VpIndex sender, probes::Kind kind, controller::Commands& commands);
  void wake(controller::SteadyNs at, controller::Commands& commands);

  Phase phase_ = Phase::kDirect;
  std::vector<controller::VpIndex> tried_;
  std::vector<controller::ProbeKey> asked_;   // of the step under way
  std::vector<controller::Answer> answered_;  // of the batch, with a route
  std::size_t batch_size_ = 0;
  std::size_t answers_ = 0;
  controller::SteadyNs begun_at_ = 0;  // the step
  controller::SteadyNs wake_at_ = 0;
  bool waits_for_survey_ = false;
};

}  // namespace backsight::evaluation
