#include "controller/brain/brain.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/request_numbers.h"

namespace backsight::controller {

namespace {

constexpr SteadyNs kLookForLost = kSecond;
constexpr std::size_t kMostAlternatives = 1 << 20;

template <typename T>
void move_into(std::vector<T>& from, std::vector<T>& to) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

// Failures that say that nothing there answers.
bool is_silence(FailReason reason) {
  return reason == FailReason::kUnresponsive || reason == FailReason::kGapLimit;
}

// Failures that a source which cannot measure brings about, too.
bool may_be_the_sources(FailReason reason) {
  return is_silence(reason) || reason == FailReason::kUnreachable || reason == FailReason::kLoop ||
         reason == FailReason::kOutOfTime || reason == FailReason::kNoVantagePoint;
}

}  // namespace

void BrainOutput::clear() {
  tasks.clear();
  ended.clear();
  stand_ins.clear();
  pings.clear();
  traces.clear();
  rankings.clear();
}

Brain::Brain(const BrainConfig& config, PrefixTable prefixes, AliasTable aliases)
    : config_(config),
      prefixes_(std::move(prefixes)),
      aliases_(std::move(aliases)),
      prober_(config.probing, config.first_probe_id),
      keeper_(prober_, ranking_, vantage_, aliases_, config.atlas_max_age),
      source_waits_(config.source_patience),
      output_(&kept_) {}

// --- what comes in -------------------------------------------------------------------------------

VpIndex Brain::on_announcement(const Announcement& announcement, const Now& now) {
  const auto heard = vantage_.hear(announcement, now.steady);
  prober_.limit_vp(heard.vp, announcement.pps);
  admission_.expect(announcement.address, announcement.pps);
  // Who is not ready may miss replies: it does not vouch for silence.
  if (announcement.is_ready && !announcement.is_old) {
    prober_.on_heard(heard.vp, vantage_.of(heard.vp).heard_at);
  }
  const bool comes = heard.is_new || heard.is_back;
  if (comes) tester_.expect(heard.vp, now);
  if (config_.keeps_all_atlases) keeper_.want(heard.vp, now);
  if (comes) keeper_.look_soon(now);
  begin_where_sources_are_back();
  return heard.vp;
}

void Brain::deny(config::PrefixSet denied, const Now& now) {
  prober_.deny(std::move(denied), now);
  keeper_.look_again(now);
}

void Brain::on_results(VpIndex vp, const tasks::ResultBatch& results, const Now& now) {
  prober_.on_heard(vp, now.steady);
  for (const auto& it : results.probes) prober_.on_result(vp, it, now);
  for (const auto& it : results.traces) prober_.on_trace(vp, it, now);
  for (const auto& it : results.observations) {
    const auto sender = vantage_.by_number(it.probe_vp);
    prober_.on_observation(vp, sender.value_or(kNoVp), it, now);
  }
}

void Brain::set_link(VpIndex vp, const std::string& trouble, const Now& now) {
  vantage_.set_link(vp, trouble);
  if (!trouble.empty()) {
    put_back_all_of(vp, now);
    prober_.on_vp_lost(vp, now);
    return;
  }
  begin_where_sources_are_back();
  tester_.expect(vp, now);
  keeper_.look_soon(now);
}

void Brain::submit(const Request& request, const Now& now) {
  if (!request.refused.empty()) {
    ReversePath path = ended_as(request, FailReason::kRefused, now.unix_us);
    path.fail_detail = request.refused;
    return answer(std::move(path));
  }
  auto verdict = cache_.ask(request, now);
  switch (verdict.what) {
    case PathCache::Verdict::What::kAnswer:
      ++figures_.from_cache;
      answer_and_stand_in(request, std::move(verdict.path), now);
      return;
    case PathCache::Verdict::What::kWait:
      return;
    case PathCache::Verdict::What::kMeasure:
      admission_.push(request);
      return;
  }
}

void Brain::cancel(std::uint64_t id, const Now& now) {
  if (running_.contains(id)) {
    due_.push_front({id, Event::What::kCancel, nullptr});  // before anything more is asked for it
  } else if (const auto held = source_waits_.take(id)) {
    refuse(*held, ended_as(*held, FailReason::kCancelled, now.unix_us), now);
  } else if (const auto queued = admission_.take_back(id)) {
    refuse(*queued, ended_as(*queued, FailReason::kCancelled, now.unix_us), now);
  } else if (const auto waiting = cache_.forget(id)) {
    answer(ended_as(*waiting, FailReason::kCancelled, now.unix_us));
  }
}

// --- measurements --------------------------------------------------------------------------------

void Brain::begin(const Request& request, const Now& now) {
  if (prober_.denied().contains(request.dst)) {
    return refuse(request, ended_as(request, FailReason::kDenied, now.unix_us), now);
  }
  const auto source = vantage_.by_address(request.src);
  if (!source || !vantage_.is_usable(*source)) return source_waits_.add(request, now);
  if (circuits_.try_pass(request.dst, now.steady)) {
    return refuse(request, ended_as(request, FailReason::kCircuitOpen, now.unix_us), now);
  }
  std::unique_ptr<Planner> measurement;
  if (config_.make_planner) {
    measurement = config_.make_planner(request, *source, config_.measurement, now);
  } else {
    measurement = std::make_unique<Measurement>(request, *source, config_.measurement, now);
  }
  ++figures_.begun;
  keeper_.want(*source, now);
  alarms_.push({measurement->ends_at(now), request.id, Event::What::kTime});
  admission_.on_begun(request.src);
  running_.emplace(request.id, std::move(measurement));
  due_.push_back({request.id, Event::What::kStart, nullptr});
}

// It ends without a measurement of its own.
void Brain::refuse(const Request& request, ReversePath path, const Now& now) {
  auto waiting = cache_.on_ended(request, path, {}, now);
  answer(std::move(path));
  settle(std::move(waiting), now);
}

// --- sources that come and go --------------------------------------------------------------------

void Brain::begin_where_sources_are_back() {
  for (const SourceWaits::Line& line : source_waits_.lines()) {
    const auto source = vantage_.by_address(line.source);
    if (!source || !vantage_.is_usable(*source)) continue;
    for (const Request& it : source_waits_.take_all_of(line.source)) admission_.push(it);
  }
}

void Brain::give_up_sources(const Now& now) {
  for (const Request& it : source_waits_.take_overdue(now)) {
    ReversePath path = ended_as(it, FailReason::kNoVantagePoint, now.unix_us);
    path.runtime_us = source_waits_.patience() / 1000;
    const auto source = vantage_.by_address(it.src);
    path.fail_detail = fmt::format(
        "the source was waited for for {} s: {}", source_waits_.patience() / kSecond,
        source
            ? vantage_.why_no_source(*source).value_or("it could not measure")
            : "no vantage point of this address has announced itself since the controller began");
    refuse(it, std::move(path), now);
  }
}

// The source is gone: what was measured for it begins anew when it is back.
void Brain::put_back_all_of(VpIndex source, const Now& now) {
  std::vector<std::uint64_t> its;
  for (const auto& [id, measurement] : running_) {
    const bool has_reached = measurement->path().stop_reason == StopReason::kReaches;
    if (measurement->source() == source && !has_reached) its.push_back(id);
  }
  std::ranges::sort(its);
  for (const std::uint64_t id : its) {
    const Request request = running_.extract(id).mapped()->request();
    admission_.on_ended(request.src);
    source_waits_.add(request, now);
  }
}

// It failed while its source could not measure.
bool Brain::is_doubtful(const Planner& measurement) const {
  const ReversePath& path = measurement.path();
  return path.stop_reason == StopReason::kFailed && may_be_the_sources(path.fail_reason) &&
         !vantage_.is_usable(measurement.source());
}

void Brain::step(const Due& due, const Now& now) {
  const auto at = running_.find(due.id);
  if (at == running_.end()) return;
  Planner& measurement = *at->second;
  if (due.what == Event::What::kTime && now.steady < measurement.ends_at(now)) {
    alarms_.push({measurement.ends_at(now), due.id, due.what});
    return;
  }
  const Knowledge known{prefixes_,
                        aliases_,
                        ranking_,
                        silence_,
                        vantage_,
                        prober_.denied(),
                        keeper_.of(measurement.source())};
  Commands commands;
  measurement.step({due.what, due.answer.get()}, known, now, commands);
  carry_out(measurement, commands, now);
  if (commands.has_ended) end(due.id, now);
}

void Brain::carry_out(Planner& measurement, Commands& commands, const Now& now) {
  const Request& request = measurement.request();
  const SteadyNs max_age = SteadyNs{request.staleness_minutes} * kMinute;
  for (const Wanted& it : commands.probes) {
    const auto asked = prober_.ask({.sender = it.sender,
                                    .receiver = measurement.source(),
                                    .kind = it.kind,
                                    .src = request.src,
                                    .dst = it.dst,
                                    .max_age = request.use_cache ? max_age : 0,
                                    .priority = Priority::kMeasurement,
                                    .waiter = request.id,
                                    .revtr = request.id},
                                   now);
    if (asked.is_new) {
      measurement.count_probe();
      ++figures_.probes;
    }
    if (commands.ranked) {
      for (auto& spoofer : commands.ranked->spoofers) {
        if (spoofer.address == vantage_.of(it.sender).said.address) spoofer.ping = asked.answer->id;
      }
    }
    if (asked.answer->left_at != 0 && !asked.answer->has_ended()) {
      measurement.note_left(asked.answer->left_at, now);
    }
    if (asked.answer->state != Answer::State::kWaiting) {
      due_.push_back({request.id, Event::What::kAnswer, asked.answer});
    }
  }
  if (commands.survey) {
    const bool was_wanted = ranking_.wants_survey(*commands.survey, now.steady);
    surveyor_.begin(*commands.survey, request.id, now);
    if (was_wanted) ++figures_.surveys;
    if (!ranking_.is_surveying(*commands.survey)) {
      due_.push_back({request.id, Event::What::kSurvey, nullptr});
    }
  } else if (measurement.waits_for_survey()) {
    surveyor_.join(measurement.target(), request.id);
  }
  for (const auto& [from, to] : commands.seen_in_a_row) {
    keeper_.on_seen_in_a_row(measurement.source(), from, to, now);
  }
  // While the source hears nothing, nobody is silent.
  if (!vantage_.is_usable(measurement.source())) {
    commands.without_record_route.reset();
    commands.without_answer.reset();
  }
  if (commands.without_record_route) {
    silence_.learn(Silence::Of::kRecordRoute, *commands.without_record_route, now.steady);
  }
  if (commands.without_answer) {
    silence_.learn(Silence::Of::kAnything, *commands.without_answer, now.steady);
  }
  if (commands.wake_at) alarms_.push({*commands.wake_at, request.id, Event::What::kWake});
  if (commands.ranked) {
    commands.ranked->unix_us = now.unix_us;
    output_->rankings.push_back(std::move(*commands.ranked));
  }
}

void Brain::end(std::uint64_t id, const Now& now) {
  auto node = running_.extract(id);
  Planner& measurement = *node.mapped();
  const Request request = measurement.request();
  admission_.on_ended(request.src);
  if (is_doubtful(measurement)) return source_waits_.add(request, now);
  const ReversePath& path = measurement.path();
  const bool has_failed = path.stop_reason == StopReason::kFailed;
  if (const auto alternative = measurement.alternative()) {
    if (alternatives_.size() >= kMostAlternatives) alternatives_.clear();
    alternatives_[request.dst] = *alternative;
  }
  if (!has_failed || is_silence(path.fail_reason)) {
    const bool somebody_answers = !has_failed || alternatives_.contains(request.dst);
    circuits_.learn(request.dst, somebody_answers, now.steady);
  }
  auto waiting = cache_.on_ended(request, path, measurement.gateway(), now);
  answer_and_stand_in(request, path, now);
  settle(std::move(waiting), now);
}

void Brain::settle(PathCache::Outcome outcome, const Now& now) {
  for (auto& it : outcome.answers) {
    ++figures_.from_cache;
    answer_and_stand_in(it.request, std::move(it.path), now);
  }
  for (const Request& it : outcome.to_measure) admission_.push(it);
}

// When it failed, a router that answers in the destination's AS is asked in its stead.
void Brain::answer_and_stand_in(const Request& request, ReversePath path, const Now& now) {
  const bool has_failed =
      path.stop_reason == StopReason::kFailed && path.fail_reason != FailReason::kCancelled;
  const bool is_stand_in = stand_ins_.contains(request.id);
  answer(std::move(path));
  const auto alternative = alternatives_.find(request.dst);
  if (!has_failed || is_stand_in || !request.retry_from_destination_as ||
      alternative == alternatives_.end() || prober_.denied().contains(request.dst) ||
      prober_.denied().contains(alternative->second)) {
    return;
  }
  ++figures_.stand_ins;
  Request stand_in = request;
  stand_in.dst = alternative->second;
  stand_in.id = stand_in_number(request.id);
  stand_ins_[stand_in.id] = request.id;
  output_->stand_ins.push_back(stand_in);
  submit(stand_in, now);
}

void Brain::answer(ReversePath path) {
  source_waits_.forget(path.id);
  if (const auto at = stand_ins_.find(path.id); at != stand_ins_.end()) {
    path.is_try_from_destination_as = true;
    path.ids_from_destination_as = {at->second};
    stand_ins_.erase(at);
  }
  if (path.stop_reason == StopReason::kReaches) {
    ++figures_.reached;
  } else {
    ++figures_.failed[static_cast<std::size_t>(path.fail_reason)];
    if (path.fail_detail.empty()) path.fail_detail = explain(path.fail_reason);
  }
  for (const ReverseHop& hop : path.hops) ++figures_.hops[static_cast<std::size_t>(hop.type) & 15U];
  output_->ended.push_back(std::move(path));
}

// --- time ----------------------------------------------------------------------------------------

void Brain::advance(const Now& now, BrainOutput& output) {
  move_into(kept_.ended, output.ended);
  move_into(kept_.stand_ins, output.stand_ins);
  output_ = &output;
  if (now.steady >= look_for_lost_at_) {
    look_for_lost_at_ = now.steady + kLookForLost;
    for (const VpIndex vp : vantage_.find_lost(now.steady, config_.vp_patience)) {
      put_back_all_of(vp, now);
      prober_.on_vp_lost(vp, now);
    }
    begin_where_sources_are_back();
    give_up_sources(now);
  }
  tester_.advance(now);
  keeper_.advance(now);
  while (!alarms_.empty() && alarms_.top().at <= now.steady) {
    due_.push_back({alarms_.top().id, alarms_.top().what, nullptr});
    alarms_.pop();
  }
  if (now.steady >= look_at_waits_at_) {
    look_at_waits_at_ = now.steady + Admission::kEvery;
    look_at_waits(now);
  }
  admit(now);
  prober_.advance(now, output.tasks);
  for (;;) {
    for (const Left& it : prober_.take_left()) note_left(it, now);
    std::vector<std::uint64_t> look_again;
    for (const AnswerPtr& it : prober_.take_ended()) {
      learn(*it, now);
      archive(*it);
    }
    for (const News& news : prober_.take_news()) {
      if (Surveyor::is_mine(news.waiter)) {
        surveyor_.on_news(news, now, look_again);
      } else if (CapabilityTester::is_mine(news.waiter)) {
        tester_.on_news(news, now);
      } else {
        due_.push_back({news.waiter, Event::What::kAnswer, news.answer});
      }
    }
    for (const std::uint64_t id : look_again) due_.push_back({id, Event::What::kSurvey, nullptr});
    if (due_.empty()) break;
    while (!due_.empty()) {
      const Due due = std::move(due_.front());
      due_.pop_front();
      step(due, now);
    }
    admit(now);
    keeper_.advance(now);
    prober_.advance(now, output.tasks);
  }
  output_ = &kept_;
}

SteadyNs Brain::next_due() const {
  SteadyNs at = look_for_lost_at_;
  if (admission_.waiting() > 0) at = std::min(at, look_at_waits_at_);
  if (!due_.empty() || !kept_.ended.empty() || admission_.has_next()) return 0;
  if (!alarms_.empty()) at = std::min(at, alarms_.top().at);
  if (const auto probing = prober_.next_due()) at = std::min(at, *probing);
  at = std::min(at, tester_.next_due());
  at = std::min(at, keeper_.next_due());
  return at;
}

std::size_t Brain::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, measurement] : running_) {
    bytes += measurement->memory_bytes() + 2 * sizeof(void*) + sizeof id;
  }
  return bytes;
}

}  // namespace backsight::controller
