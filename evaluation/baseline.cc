#include "evaluation/baseline.h"

#include <algorithm>

#include "controller/measurement/responders.h"
#include "probes/ip/network.h"

namespace backsight::evaluation {

using controller::Answer;
using controller::Commands;
using controller::Event;
using controller::FailReason;
using controller::HopType;
using controller::Knowledge;
using controller::kSecond;
using controller::Now;
using controller::RouteSplit;
using controller::SteadyNs;
using controller::VpIndex;
using probes::Ipv4Addr;
using probes::Kind;

namespace {

constexpr SteadyNs kTimeout = 20 * kSecond;
constexpr SteadyNs kTick = 5 * kSecond;
constexpr SteadyNs kTraceTimeout = 60 * kSecond;
constexpr std::size_t kBatch = 5;
constexpr std::size_t kMostPerIngress = 5;
constexpr std::size_t kMostHops = 40;

}  // namespace

void Baseline::ask(VpIndex sender, Kind kind, Commands& commands) {
  commands.probes.push_back({sender, kind, target()});
  asked_.push_back({sender, kind, request_.src, target()});
}

void Baseline::wake(SteadyNs at, Commands& commands) {
  wake_at_ = at;
  commands.wake_at = at;
}

void Baseline::step(const Event& event, const Knowledge& known, const Now& now,
                    Commands& commands) {
  if (has_ended()) return;
  switch (event.what) {
    case Event::What::kStart:
      go_on(0, known, now, commands);
      break;
    case Event::What::kSurvey:
      waits_for_survey_ = known.ranking.is_surveying(target());
      if (phase_ == Phase::kBatch && batch_size_ == 0 && !waits_for_survey_) {
        begin_batch(known, now, commands);
      }
      break;
    case Event::What::kAnswer: {
      const Answer& answer = *event.answer;
      if (std::ranges::count(asked_, answer.key) == 0) break;
      if (phase_ == Phase::kTrace) {
        if (answer.has_ended()) assume(answer, known, now, commands);
        break;
      }
      if (answer.state != Answer::State::kAnswered) {
        // A refusal is known at once; silence only after its time.
        if (answer.state == Answer::State::kFailed && phase_ == Phase::kDirect) {
          begin_batch(known, now, commands);
        }
        break;
      }
      if (phase_ == Phase::kDirect) {
        if (!add_route(answer, known, now, commands)) begin_batch(known, now, commands);
        break;
      }
      answered_.push_back(answer);
      if (++answers_ == batch_size_) {
        end_batch(known, now, commands);
      } else if (answers_ == 1) {
        const SteadyNs ticks = (now.steady - begun_at_) / kTick + 2;
        wake(begun_at_ + ticks * kTick, commands);
      }
      break;
    }
    case Event::What::kWake:
      if (now.steady < wake_at_) break;
      if (phase_ == Phase::kDirect) {
        begin_batch(known, now, commands);
      } else if (phase_ == Phase::kBatch && batch_size_ > 0) {
        end_batch(known, now, commands);
      } else if (phase_ == Phase::kTrace) {
        fail(FailReason::kGapLimit, now, commands);
      }
      break;
    case Event::What::kTime:
      fail(FailReason::kOutOfTime, now, commands);
      break;
    case Event::What::kCancel:
      fail(FailReason::kCancelled, now, commands);
      break;
  }
}

void Baseline::go_on(std::size_t first, const Knowledge& known, const Now& now,
                     Commands& commands) {
  if (known.atlas != nullptr) {
    for (std::size_t hop = path_.hops.size(); hop-- > first;) {
      const auto met = known.atlas->find(path_.hops[hop].address, 0);
      if (!met) continue;
      path_.hops.resize(hop + 1);
      for (std::size_t i = met->next; i < met->trace->hops.size(); ++i) {
        const bool is_uncertain = !met->is_certain && i <= met->last;
        path_.hops.push_back(
            {.address = met->trace->hops[i],
             .type = is_uncertain ? HopType::kAtlasRecordRoute : HopType::kAtlasTraceroute,
             .measurement_id = met->trace->id});
      }
      return reach(HopType::kAtlasTraceroute, met->trace->id, now, commands);
    }
  }
  if (path_.hops.size() >= kMostHops) return fail(FailReason::kLoop, now, commands);
  phase_ = Phase::kDirect;
  tried_.clear();
  asked_.clear();
  begun_at_ = now.steady;
  ask(source_, Kind::kRecordRoute, commands);
  wake(now.steady + kTimeout, commands);
}

void Baseline::begin_batch(const Knowledge& known, const Now& now, Commands& commands) {
  phase_ = Phase::kBatch;
  batch_size_ = answers_ = 0;
  answered_.clear();
  if (tried_.empty() && known.ranking.wants_survey(target(), now.steady)) {
    // Its surveys are made beforehand; ours when they are first wanted, and the wait is not its
    // own.
    commands.survey = target();
    waits_for_survey_ = true;
    return;
  }
  if ((waits_for_survey_ = known.ranking.is_surveying(target()))) return;
  std::vector<VpIndex> spoofers = known.vantage.spoofers_for(source_);
  std::vector<std::pair<Ipv4Addr, std::size_t>> per_ingress;
  for (const auto& candidate : known.ranking.rank(target(), spoofers, now.steady)) {
    if (batch_size_ == kBatch || tried_.size() >= request_.max_spoofers) break;
    if (candidate.distance == 0 || std::ranges::count(tried_, candidate.vp) != 0) continue;
    auto at = std::ranges::find(per_ingress, candidate.ingress, [](auto& it) { return it.first; });
    if (at == per_ingress.end()) at = per_ingress.insert(at, {candidate.ingress, 0});
    if (!candidate.ingress.is_unspecified() && ++at->second > kMostPerIngress) continue;
    tried_.push_back(candidate.vp);
    ask(candidate.vp, Kind::kRecordRoute, commands);
    ++batch_size_;
  }
  if (batch_size_ == 0) return begin_trace(commands);
  begun_at_ = now.steady;
  wake(now.steady + kTimeout, commands);
}

void Baseline::end_batch(const Knowledge& known, const Now& now, Commands& commands) {
  // The longest of those that came.
  const Answer* best = nullptr;
  std::size_t most = 0;
  for (const Answer& it : answered_) {
    if (!it.has_route()) continue;
    const auto split = split_route(it.recorded, it.key.dst, request_.src, known.aliases);
    if (split.by != RouteSplit::By::kTarget || split.hop_count <= most) continue;
    best = &it;
    most = split.hop_count;
  }
  if (best != nullptr) {
    const Answer answer = *best;
    if (add_route(answer, known, now, commands)) return;
  }
  begin_batch(known, now, commands);
}

bool Baseline::add_route(const Answer& answer, const Knowledge& known, const Now& now,
                         Commands& commands) {
  if (!answer.has_route()) return false;
  const auto split = split_route(answer.recorded, answer.key.dst, request_.src, known.aliases);
  if (split.by != RouteSplit::By::kTarget || split.hop_count == 0) return false;
  const std::size_t first = path_.hops.size();
  for (const Ipv4Addr hop : split.reverse()) {
    const auto before = std::ranges::find_if(path_.hops, [&](const auto& it) {
      return known.aliases.same(it.address, hop) && !hop.is_unspecified();
    });
    if (before != path_.hops.end()) continue;
    path_.hops.push_back(
        {.address = hop,
         .type = answer.is_spoofed ? HopType::kSpoofedRecordRoute : HopType::kRecordRoute,
         .measurement_id = answer.id});
  }
  if (path_.hops.size() == first) return false;
  // Its paths end at the source itself; a last hop in the source's network is as good.
  if (network_of(path_.hops.back().address) == network_of(request_.src) ||
      (split.is_complete && split.count < 9)) {
    reach(path_.hops.back().type, answer.id, now, commands);
    return true;
  }
  go_on(first, known, now, commands);
  return true;
}

void Baseline::begin_trace(Commands& commands) {
  phase_ = Phase::kTrace;
  asked_.clear();
  ask(source_, Kind::kTrace, commands);
  wake(begun_at_ + kTraceTimeout + kTimeout, commands);
}

void Baseline::assume(const Answer& trace, const Knowledge& known, const Now& now,
                      Commands& commands) {
  path_.probes += static_cast<std::uint32_t>(trace.hops.size());
  if (trace.state != Answer::State::kAnswered || trace.outcome != tasks::Outcome::kReached) {
    return fail(FailReason::kGapLimit, now, commands);
  }
  std::vector<Ipv4Addr> way = controller::responders(trace.hops);
  while (!way.empty() && known.aliases.same(way.back(), target())) way.pop_back();
  if (way.empty()) return reach(HopType::kSymmetryWithinAs, trace.id, now, commands);
  const Ipv4Addr next = way.back();
  if (next.is_unspecified()) return fail(FailReason::kGapLimit, now, commands);
  for (const auto& hop : path_.hops) {
    if (known.aliases.same(hop.address, next)) return fail(FailReason::kLoop, now, commands);
  }
  const std::uint32_t asn = known.prefixes.asn(target());
  const bool is_same = asn != 0 && known.prefixes.asn(next) == asn;
  path_.hops.push_back({.address = next,
                        .type = is_same ? HopType::kSymmetryWithinAs : HopType::kSymmetryAcrossAses,
                        .measurement_id = trace.id});
  go_on(path_.hops.size() - 1, known, now, commands);
}

void Baseline::reach(HopType type, std::uint64_t measurement, const Now& now, Commands& commands) {
  path_.hops.push_back({.address = request_.src, .type = type, .measurement_id = measurement});
  path_.stop_reason = controller::StopReason::kReaches;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  phase_ = Phase::kEnded;
  commands.has_ended = true;
}

void Baseline::fail(FailReason reason, const Now& now, Commands& commands) {
  path_.stop_reason = controller::StopReason::kFailed;
  path_.fail_reason = reason;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  phase_ = Phase::kEnded;
  commands.has_ended = true;
}

}  // namespace backsight::evaluation
