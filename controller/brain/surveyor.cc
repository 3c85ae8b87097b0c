#include "controller/brain/surveyor.h"

#include <algorithm>

#include "controller/measurement/route_split.h"
#include "probes/ip/network.h"

namespace backsight::controller {

namespace {

constexpr std::size_t kTargets = 2;
constexpr SteadyNs kFresh = 24 * kHour;
constexpr std::size_t kMostKnownPrefixes = 2 << 20;

}  // namespace

void Surveyor::remember(probes::Ipv4Addr address) {
  if (known_.size() >= kMostKnownPrefixes) known_.clear();
  auto& known = known_[ranking_.prefix_of(address)];
  if (known.size() < kTargets && std::ranges::count(known, address) == 0) known.push_back(address);
}

void Surveyor::ask(std::uint64_t id, Survey& survey, VpIndex vp, probes::Ipv4Addr dst,
                   const Now& now) {
  const auto asked = prober_.ask({.sender = vp,
                                  .receiver = vp,
                                  .kind = probes::Kind::kRecordRoute,
                                  .src = vantage_.of(vp).said.address,
                                  .dst = dst,
                                  .max_age = kFresh,
                                  .priority = Priority::kMeasurement,
                                  .waiter = kClass << 60 | id},
                                 now);
  if (asked.answer->has_ended()) {
    learn(*asked.answer, survey.target, now);
  } else {
    survey.under_way.insert(asked.answer->id);
  }
}

void Surveyor::begin(probes::Ipv4Addr target, std::uint64_t revtr, const Now& now) {
  if (!ranking_.wants_survey(target, now.steady)) return join(target, revtr);
  ranking_.begin_survey(target, now.steady);
  const std::uint64_t id = next_id_++;
  Survey& survey = surveys_[id];
  survey.target = target;
  survey.waiting.push_back(revtr);
  by_prefix_[ranking_.prefix_of(target)] = id;

  std::vector<VpIndex> vps;
  for (std::size_t i = 0; i < vantage_.size(); ++i) {
    const auto vp = static_cast<VpIndex>(i);
    if (vantage_.is_usable(vp) && vantage_.of(vp).can(Capability::kRecordRoute)) vps.push_back(vp);
  }
  // A sample that differs from prefix to prefix, so that all come to be known somewhere.
  const std::size_t stride = (vps.size() + kMostVps - 1) / kMostVps;
  const std::size_t offset = stride > 1 ? probes::network_of(target) % stride : 0;
  std::vector<probes::Ipv4Addr> targets{target};
  for (const auto known : known_[ranking_.prefix_of(target)]) {
    if (known != target && targets.size() < kTargets) targets.push_back(known);
  }
  for (std::size_t i = offset; i < vps.size(); i += std::max<std::size_t>(stride, 1)) {
    for (const auto dst : targets) ask(id, survey, vps[i], dst, now);
  }
  if (survey.under_way.empty()) {
    ranking_.end_survey(target);
    by_prefix_.erase(ranking_.prefix_of(target));
    surveys_.erase(id);
  }
}

void Surveyor::join(probes::Ipv4Addr target, std::uint64_t revtr) {
  const auto at = by_prefix_.find(ranking_.prefix_of(target));
  if (at == by_prefix_.end()) return;
  auto& waiting = surveys_.at(at->second).waiting;
  if (std::ranges::count(waiting, revtr) == 0) waiting.push_back(revtr);
}

void Surveyor::learn(const Answer& answer, probes::Ipv4Addr target, const Now& now) {
  if (!answer.has_route()) return;
  static const AliasTable kNoAliases;
  const RouteSplit split = split_route(answer.recorded, answer.key.dst, answer.key.src, kNoAliases);
  if (split.by != RouteSplit::By::kTarget && split.by != RouteSplit::By::kLastMile) return;
  const std::span<const probes::Ipv4Addr> slots(answer.recorded.addresses.data(), split.forward);
  ranking_.learn_survey(answer.key.sender, target, slots, split.used, now.steady);
}

void Surveyor::on_news(const News& news, const Now& now, std::vector<std::uint64_t>& look_again) {
  const std::uint64_t id = news.waiter & ((std::uint64_t{1} << 60) - 1);
  const auto at = surveys_.find(id);
  if (at == surveys_.end()) return;
  Survey& survey = at->second;
  if (news.answer->has_ended()) learn(*news.answer, survey.target, now);
  survey.was_asked |= news.answer->state != Answer::State::kFailed;
  survey.under_way.erase(news.answer->id);
  const bool is_over = survey.under_way.empty();
  if (is_over) ranking_.end_survey(survey.target);
  if (is_over && !survey.was_asked) ranking_.want_survey_at(survey.target, now.steady + kMinute);
  if (is_over || news.answer->has_route()) {
    look_again.insert(look_again.end(), survey.waiting.begin(), survey.waiting.end());
  }
  if (!is_over) return;
  by_prefix_.erase(ranking_.prefix_of(survey.target));
  surveys_.erase(at);
}

}  // namespace backsight::controller
