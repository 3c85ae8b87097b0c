#include "controller/measurement/measurement.h"

#include <algorithm>

#include "controller/measurement/responders.h"
#include "probes/ip/network.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::Kind;

// Failures that a probe from nearer might have spared.
bool is_of_the_network(FailReason reason) {
  return reason == FailReason::kUnresponsive || reason == FailReason::kGapLimit ||
         reason == FailReason::kUnreachable || reason == FailReason::kLoop;
}

}  // namespace

std::size_t Measurement::memory_bytes() const noexcept {
  return sizeof *this + path_.hops.capacity() * sizeof(ReverseHop) +
         pending_.capacity() * sizeof(Pending) + tried_.capacity() * sizeof(VpIndex) +
         way_there_.capacity() * sizeof(Ipv4Addr) + path_.label.capacity() + path_.uuid.capacity() +
         request_.label.capacity() + request_.uuid.capacity();
}

void Measurement::step(const Event& event, const Knowledge& known, const Now& now,
                       Commands& commands) {
  if (has_ended()) return;
  commands_ = &commands;
  switch (event.what) {
    case Event::What::kStart:
      if (request_.forward_traceroute) ask(source_, Kind::kTrace, request_.dst, 0);
      if (known.silence.is_known(Silence::Of::kAnything, request_.dst, now.steady)) {
        fail(FailReason::kUnresponsive, now, known);
        break;
      }
      go_on(0, known, now);
      break;
    case Event::What::kAnswer:
      on_answer(*event.answer, known, now);
      break;
    case Event::What::kSurvey:
      if (phase_ == Phase::kRoutes && waits_for_survey_) {
        waits_for_survey_ = known.ranking.is_surveying(path_.hops[hop_].address);
        if (!is_waiting_for_spoofer()) ask_round(known, now);
      }
      break;
    case Event::What::kWake:
      break;
    case Event::What::kTime:
      if (phase_ == Phase::kFinishing) {
        pending_.clear();
      } else {
        fail(FailReason::kOutOfTime, now, known);
      }
      break;
    case Event::What::kCancel:
      pending_.clear();
      fail(FailReason::kCancelled, now, known);
      pending_.clear();
      break;
  }
  end_if_done(now);
  commands_ = nullptr;
}

// --- answers -------------------------------------------------------------------------------------

void Measurement::on_answer(const Answer& answer, const Knowledge& known, const Now& now) {
  const auto at = std::ranges::find(pending_, answer.key, &Pending::key);
  if (at == pending_.end()) return;
  const std::size_t hop = at->hop;
  if (answer.has_ended()) {
    pending_.erase(at);
  } else {
    at->is_overdue = true;
  }
  if (phase_ == Phase::kEnded || has_failed()) return;
  const bool is_there = hop < path_.hops.size() && path_.hops[hop].address == answer.key.dst;
  const bool is_answered = answer.state == Answer::State::kAnswered;
  if (hop == hop_) (answer.was_asked() ? was_asked_ : was_held_back_) = true;
  if (is_there && is_answered && answer.key.sender == source_ && !answer.is_spoofed &&
      answer.rtt_ns > 0 && answer.key.kind != Kind::kTrace) {
    path_.hops[hop].rtt_us = static_cast<std::uint32_t>(answer.rtt_ns / 1000);
    path_.hops[hop].rtt_measurement_id = answer.id;
  }
  switch (answer.key.kind) {
    case Kind::kRecordRoute:
      if (!is_there) break;
      if (phase_ == Phase::kFinishing) {
        note_branch(answer, hop, known);
      } else {
        on_route(answer, hop, known, now);
      }
      break;
    case Kind::kTrace:
      if (answer.key.dst == request_.dst) path_.forward_traceroute_id = answer.id;
      if (answer.has_ended()) path_.probes += answer.packets;
      if (is_there && phase_ == Phase::kTracing && hop == hop_) on_trace(answer, hop, known, now);
      break;
    default:
      if (hop == hop_ && phase_ == Phase::kRoutes) {
        has_answered_ |= is_answered;
        is_ping_silent_ = !is_answered && answer.state != Answer::State::kFailed;
        if (!is_waiting(Kind::kRecordRoute)) ask_round(known, now);
      } else if (hop == hop_ && is_there && phase_ == Phase::kTracing &&
                 !is_waiting(Kind::kTrace)) {
        has_answered_ |= is_answered;
        is_ping_silent_ = !is_answered && answer.state != Answer::State::kFailed;
        begin_trace(known, now);
      }
      break;
  }
}

void Measurement::on_route(const Answer& answer, std::size_t hop, const Knowledge& known,
                           const Now& now) {
  if (answer.has_route()) {
    const RouteSplit split =
        split_route(answer.recorded, answer.key.dst, request_.src, known.aliases);
    if (hop == 0 && split.target_stamped && split.forward > 0) {
      const Ipv4Addr before = answer.recorded.addresses[split.forward - 1U];
      if (network_of(before) == network_of(request_.dst)) gateway_ = before;
    }
    if (append(hop, split, answer, known, now)) return;
  }
  if (phase_ != Phase::kRoutes || hop != hop_) return;
  has_answered_ |= answer.state == Answer::State::kAnswered;
  was_route_asked_ |= answer.was_asked() && answer.key.sender != source_;
  if (!is_waiting(Kind::kRecordRoute)) ask_round(known, now);
}

void Measurement::on_trace(const Answer& answer, std::size_t hop, const Knowledge& known,
                           const Now& now) {
  if (answer.state != Answer::State::kAnswered) {
    give_up_trace(answer.was_asked() ? FailReason::kGapLimit : FailReason::kNoVantagePoint, known,
                  now);
    return;
  }
  std::vector<Ipv4Addr> way = responders(answer.hops);
  if (hop == 0) note_alternative(way, known);
  if (answer.outcome != tasks::Outcome::kReached) {
    give_up_trace(answer.outcome == tasks::Outcome::kUnreachable ? FailReason::kUnreachable
                  : answer.outcome == tasks::Outcome::kLoop      ? FailReason::kLoop
                                                                 : FailReason::kGapLimit,
                  known, now);
    return;
  }
  has_answered_ = true;
  // The target's own replies end the way.
  const Ipv4Addr target = path_.hops[hop].address;
  while (!way.empty() && (way.back().is_unspecified() || known.aliases.same(way.back(), target))) {
    way.pop_back();
  }
  assume(way, answer.id, known, now);
}

// --- ends ----------------------------------------------------------------------------------------

void Measurement::finish(const Now& now, const Knowledge& known) {
  path_.stop_reason = StopReason::kReaches;
  path_.fail_reason = FailReason::kNone;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  phase_ = Phase::kFinishing;
  waits_for_survey_ = false;
  // Of what is under way, only the forward traceroute is still wanted.
  std::erase_if(pending_, [&](const Pending& it) {
    return it.key.kind != Kind::kTrace || it.key.dst != request_.dst ||
           !request_.forward_traceroute;
  });
  if (request_.find_branches) look_for_branches(known, now);
  if (!request_.ping_hops) return;
  for (std::size_t i = 0; i + 1 < path_.hops.size(); ++i) {
    const ReverseHop& hop = path_.hops[i];
    if (hop.rtt_us == 0 && known.may_be_asked(hop.address) &&
        known.vantage.of(source_).can(Capability::kPing)) {
      ask(source_, Kind::kPing, hop.address, i);
    }
  }
}

void Measurement::fail(FailReason reason, const Now& now, const Knowledge& known) {
  if (is_of_the_network(reason) && was_held_back_ && !was_asked_) {
    reason = FailReason::kNoVantagePoint;
  }
  path_.stop_reason = StopReason::kFailed;
  path_.fail_reason = reason;
  path_.fail_detail = explain(reason);
  // Half of the means were missing: that is what an operator can mend.
  auto why = known.vantage.why_no_spoofer(source_);
  if (known.denied.contains(request_.src)) {
    why = "the source is on the deny list of this controller: nobody sends in its name";
  }
  if (why && is_of_the_network(reason)) path_.fail_detail += "; " + *why;
  path_.runtime_us = (now.steady - started_at_) / 1000;
  waits_for_survey_ = false;
  // Silence is believed once the source's own vantage point has told how each of its probes ended:
  // if it is gone, nobody else is to blame.
  const bool is_silence = reason == FailReason::kUnresponsive || reason == FailReason::kGapLimit;
  std::erase_if(pending_, [&](const Pending& it) {
    return !is_silence || !it.is_overdue || it.key.sender != source_;
  });
  phase_ = Phase::kFinishing;
}

void Measurement::end_if_done(const Now& now) {
  if (phase_ != Phase::kFinishing) return;
  const bool waits = std::ranges::any_of(
      pending_, [&](const Pending& it) { return has_failed() || !it.is_overdue; });
  if (waits) return;
  if (!branches_.empty()) weave_branches();
  if (request_.find_branches || request_.ping_hops) {
    path_.runtime_us = (now.steady - started_at_) / 1000;
  }
  phase_ = Phase::kEnded;
  commands_->has_ended = true;
}

}  // namespace backsight::controller
