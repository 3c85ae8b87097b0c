// The controller without its surroundings: requests, results and time in; tasks, paths and records
// out. It knows no clock, file, socket or thread, so that a test is a script, and a run replays.
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/lists/deny_list.h"
#include "controller/annotation/alias_table.h"
#include "controller/annotation/prefix_table.h"
#include "controller/brain/admission.h"
#include "controller/brain/atlas_keeper.h"
#include "controller/brain/capability_tester.h"
#include "controller/brain/circuit_breaker.h"
#include "controller/brain/path_cache.h"
#include "controller/brain/source_waits.h"
#include "controller/brain/surveyor.h"
#include "controller/measurement/measurement.h"
#include "controller/measurement/silence.h"
#include "controller/now.h"
#include "controller/probing/prober.h"
#include "controller/ranking/ranking.h"
#include "controller/records.h"
#include "controller/request.h"
#include "controller/reverse_path.h"
#include "controller/vantage/vantage_table.h"
#include "tasks/result.h"

namespace backsight::controller {

struct BrainConfig {
  MeasurementLimits measurement;
  Prober::Limits probing;
  SteadyNs atlas_max_age = 24 * kHour;
  // A vantage point that announced nothing for this long is silent.
  SteadyNs vp_patience = 10 * kSecond;
  // Requests wait for this long for a source that cannot measure.
  SteadyNs source_patience = 10 * kMinute;
  std::uint64_t first_probe_id = 1;
  // Measurements wait for what vantage points have to give; else each begins at once.
  bool admits_by_room = true;
  // Keeps them for all vantage points from the start, else for those that are asked for.
  bool keeps_all_atlases = true;
  // Plans each measurement; null: as we do (controller/measurement/measurement.h).
  std::function<std::unique_ptr<Planner>(const Request&, VpIndex source, const MeasurementLimits&,
                                         const Now&)>
      make_planner;
};

// What the brain wants done, and what it has to tell.
struct BrainOutput {
  std::vector<Prober::Outgoing> tasks;
  std::vector<ReversePath> ended;
  // Measurements that began in the stead of one that failed: beyond those that were asked for.
  std::vector<Request> stand_ins;
  std::vector<PingRecord> pings;
  std::vector<TraceRecord> traces;
  std::vector<RankedSpoofersRecord> rankings;

  void clear();
};

struct BrainFigures {
  std::uint64_t begun = 0;
  std::uint64_t reached = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(FailReason::kCount)> failed{};
  std::array<std::uint64_t, 16> hops{};  // by HopType
  std::uint64_t from_cache = 0;          // answers without a probe of their own
  std::uint64_t stand_ins = 0;
  std::uint64_t probes = 0;  // sent for measurements
  std::uint64_t surveys = 0;
};

class Brain {
 public:
  Brain(const BrainConfig& config, PrefixTable prefixes, AliasTable aliases);

  // These take the place of what was there; aliases join those that were learned.
  void import_atlas(std::vector<TraceRecord> traces) { keeper_.import(std::move(traces)); }
  void set_prefixes(PrefixTable prefixes) { prefixes_ = std::move(prefixes); }
  void add_aliases(const AliasTable& aliases) { aliases_.add(aliases); }

  // What a vantage point announced. Returns its index, by which its results are handed in.
  VpIndex on_announcement(const Announcement& announcement, const Now& now);
  void on_results(VpIndex vp, const tasks::ResultBatch& results, const Now& now);
  // What keeps tasks from a vantage point, or its results from us, as a clause; empty: nothing.
  // While there is something it is asked nothing, and what it was asked counts as not asked.
  void set_link(VpIndex vp, const std::string& trouble, const Now& now);

  // From here on nothing is sent to these addresses, or in their name by others, whatever wants it.
  void deny(config::PrefixSet denied, const Now& now);

  // The atlas of this source is kept from now on.
  void keep_atlas(VpIndex source, const Now& now) { keeper_.want(source, now); }

  // A source that cannot measure now, or was never heard, is waited for. REQUIRES: ids are unique.
  void submit(const Request& request, const Now& now);
  // It ends as cancelled unless it has ended; who shares its measurement goes on.
  void cancel(std::uint64_t request, const Now& now);

  // Lets time pass and everything happen that can. `output` is appended to.
  void advance(const Now& now, BrainOutput& output);
  // When advance() should be called though nothing was heard.
  [[nodiscard]] SteadyNs next_due() const;

  [[nodiscard]] std::optional<VpIndex> source_of(probes::Ipv4Addr address) const {
    return vantage_.by_address(address);
  }
  void refresh_atlas(VpIndex source, const Now& now) { keeper_.refresh(source, now); }
  void clear_atlas(VpIndex source) { keeper_.clear(source); }

  [[nodiscard]] std::uint64_t next_probe_id() const noexcept { return prober_.next_id(); }
  [[nodiscard]] const VantageTable& vantage() const noexcept { return vantage_; }
  [[nodiscard]] const AtlasKeeper& atlases() const noexcept { return keeper_; }
  [[nodiscard]] const PrefixTable& prefixes() const noexcept { return prefixes_; }
  [[nodiscard]] const AliasTable& aliases() const noexcept { return aliases_; }
  [[nodiscard]] const BrainFigures& figures() const noexcept { return figures_; }
  [[nodiscard]] const ProberFigures& probing() const { return prober_.figures(); }
  // By vantage point, how many probes it was handed that have not ended.
  [[nodiscard]] std::unordered_map<VpIndex, std::uint64_t> probes_under_way() const {
    return prober_.under_way();
  }
  [[nodiscard]] std::size_t under_way() const noexcept { return running_.size() + waiting(); }
  // Of these, those that have not begun.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return cache_.waiting() + admission_.waiting() + source_waits_.size();
  }
  // Of these, those that wait for their sources.
  [[nodiscard]] const SourceWaits& source_waits() const noexcept { return source_waits_; }
  // Numbers of those that have begun, in no order.
  [[nodiscard]] std::vector<std::uint64_t> begun() const;
  [[nodiscard]] std::size_t open_circuits(SteadyNs now) const { return circuits_.open(now); }
  // Of the measurements under way, without what they share.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Due {
    std::uint64_t id = 0;
    Event::What what = Event::What::kStart;
    AnswerPtr answer;
  };
  struct Alarm {
    SteadyNs at = 0;
    std::uint64_t id = 0;
    Event::What what = Event::What::kTime;
    friend bool operator>(const Alarm& a, const Alarm& b) noexcept { return a.at > b.at; }
  };

  void admit(const Now& now);
  void begin(const Request& request, const Now& now);
  void refuse(const Request& request, ReversePath path, const Now& now);
  void begin_where_sources_are_back();
  void give_up_sources(const Now& now);
  void put_back_all_of(VpIndex source, const Now& now);
  [[nodiscard]] bool is_doubtful(const Planner& measurement) const;
  void settle(PathCache::Outcome outcome, const Now& now);
  void answer_and_stand_in(const Request& request, ReversePath path, const Now& now);
  void step(const Due& due, const Now& now);
  void carry_out(Planner& measurement, Commands& commands, const Now& now);
  void end(std::uint64_t id, const Now& now);
  void answer(ReversePath path);
  void learn(const Answer& answer, const Now& now);
  void learn_route(const Answer& answer, const Now& now);
  void note_left(const Left& left, const Now& now);
  void look_at_waits(const Now& now);
  void archive(const Answer& answer);

  BrainConfig config_;
  PrefixTable prefixes_;
  AliasTable aliases_;
  VantageTable vantage_;
  Ranking ranking_{prefixes_, aliases_};
  Silence silence_;
  Prober prober_;
  AtlasKeeper keeper_;
  Surveyor surveyor_{prober_, ranking_, vantage_};
  CapabilityTester tester_{prober_, vantage_};
  CircuitBreaker circuits_{prefixes_};
  PathCache cache_;
  SourceWaits source_waits_;
  Admission admission_{config_.admits_by_room};
  std::unordered_map<std::uint64_t, std::unique_ptr<Planner>> running_;
  // Routers that answer in the AS of destinations that do not.
  std::unordered_map<Ipv4Addr, Ipv4Addr> alternatives_;
  std::unordered_map<std::uint64_t, std::uint64_t>
      stand_ins_;  // under way, to whom they stand in for
  std::deque<Due> due_;
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  SteadyNs look_for_lost_at_ = 0;
  SteadyNs look_at_waits_at_ = 0;
  BrainOutput* output_ = nullptr;  // of the call under way
  BrainOutput kept_;               // what came about outside of advance()
  BrainFigures figures_;
};

}  // namespace backsight::controller
