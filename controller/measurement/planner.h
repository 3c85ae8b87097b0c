// One reverse traceroute under way, as who runs it sees it: events in, commands out. There are
// several ways to plan one (measurement.h is ours); all live by the same events.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "controller/measurement/knowledge.h"
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
    kWake,    // the time that it asked to be woken at
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
  std::optional<SteadyNs> wake_at;
  bool has_ended = false;
};

class Planner {
 public:
  Planner(const Request& request, VpIndex source, const MeasurementLimits& limits, const Now& now);
  virtual ~Planner() = default;
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;

  // After an event that ends it, path() is the answer and no further event is looked at.
  virtual void step(const Event& event, const Knowledge& known, const Now& now,
                    Commands& commands) = 0;
  [[nodiscard]] virtual bool has_ended() const noexcept = 0;
  [[nodiscard]] virtual std::size_t memory_bytes() const noexcept = 0;
  // Waits for what the survey of target()'s prefix tells.
  [[nodiscard]] virtual bool waits_for_survey() const noexcept = 0;
  // The hop whose way on is sought.
  [[nodiscard]] virtual probes::Ipv4Addr target() const noexcept = 0;

  // A probe of the last commands was sent for this measurement alone.
  void count_probe() noexcept { ++path_.probes; }

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] VpIndex source() const noexcept { return source_; }
  [[nodiscard]] const ReversePath& path() const noexcept { return path_; }
  [[nodiscard]] ReversePath& path() noexcept { return path_; }
  // When it failed: a router that answers in the destination's AS, to be measured from instead.
  [[nodiscard]] std::optional<probes::Ipv4Addr> alternative() const noexcept {
    return alternative_;
  }
  // The stamp of a router in the destination's /24, right before the destination's own: the gateway
  // of its network. Unspecified: not seen.
  [[nodiscard]] probes::Ipv4Addr gateway() const noexcept { return gateway_; }
  // Its time counts from its first probe that left, or from its begin when it needed none.
  void note_left(SteadyNs at, const Now& now) noexcept;
  [[nodiscard]] bool has_left() const noexcept { return has_left_; }
  // When its time is up, as is known now.
  [[nodiscard]] SteadyNs ends_at(const Now& now) const noexcept {
    return (has_left_ ? started_at_ : now.steady) + limits_.most_time;
  }

 protected:
  Request request_;
  MeasurementLimits limits_;
  ReversePath path_;
  SteadyNs started_at_ = 0;
  std::optional<probes::Ipv4Addr> alternative_;
  probes::Ipv4Addr gateway_;
  VpIndex source_ = kNoVp;
  bool has_left_ = false;  // a probe of it
};

}  // namespace backsight::controller
