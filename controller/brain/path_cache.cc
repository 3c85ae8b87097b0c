#include "controller/brain/path_cache.h"

#include <algorithm>
#include <utility>

#include "probes/ip/special_purpose.h"

namespace backsight::controller {

namespace {

constexpr std::size_t kScouts = 2;
constexpr std::uint8_t kAgreeing = 2;
// A failure is believed for this long; silence and circuits know more (measurement/silence.h).
constexpr SteadyNs kFailureFresh = kMinute;
constexpr std::size_t kMostKept = 1 << 18;

// It says something of the way from the destination: others may live by it. What failed by us, by
// the source or by who asked says nothing.
bool is_of_the_destination(const ReversePath& path) {
  switch (path.fail_reason) {
    case FailReason::kNoVantagePoint:
    case FailReason::kCancelled:
    case FailReason::kLost:
      return false;
    default:
      return true;
  }
}

bool agree(const ReversePath& a, const ReversePath& b) {
  // Behind the destination, the routers must be the same.
  if (a.hops.size() < 2 || b.hops.size() < 2) return false;
  return a.hops[1].address == b.hops[1].address && !probes::names_nobody(a.hops[1].address);
}

}  // namespace

bool PathCache::is_fresh(const Kept& kept, const Request& request, const Now& now) {
  const SteadyNs age = now.steady - kept.at;
  if (kept.path.stop_reason == StopReason::kFailed) return age < kFailureFresh;
  return age < SteadyNs{request.staleness_minutes} * kMinute;
}

ReversePath PathCache::copy(const ReversePath& path, const Request& request, const Now& now) {
  ReversePath answer = path;
  answer.id = request.id;
  answer.batch = request.batch;
  answer.label = request.label;
  answer.uuid = request.uuid;
  answer.dst = request.dst;
  answer.started_unix_us = now.unix_us;
  answer.runtime_us = 0;
  answer.probes = 0;
  answer.is_from_cache = true;
  if (!answer.hops.empty() && answer.hops.front().address != request.dst) {
    answer.hops.front() = {.address = request.dst, .type = HopType::kDestination};
    answer.forward_traceroute_id = 0;
  }
  for (ReverseHop& hop : answer.hops) hop.is_from_cache = true;
  return answer;
}

PathCache::Verdict PathCache::ask(const Request& request, const Now& now) {
  Verdict verdict;
  const std::uint64_t pair = pair_of(request);
  const bool is_plain = request.use_cache && !request.ping_hops && !request.forward_traceroute &&
                        !request.find_branches;
  if (request.use_cache) {
    const auto kept = by_pair_.find(pair);
    if (kept != by_pair_.end() && is_fresh(kept->second, request, now)) {
      verdict.what = Verdict::What::kAnswer;
      verdict.path = copy(kept->second.path, request, now);
      return verdict;
    }
    const auto [under_way, is_first] = under_way_.try_emplace(pair, UnderWay{request.id, {}});
    if (!is_first) {
      under_way->second.followers.push_back(request);
      pair_of_waiting_.emplace(request.id, pair);
      verdict.what = Verdict::What::kWait;
      return verdict;
    }
  }
  if (!is_plain) return verdict;
  Network& network = networks_[network_of(request)];
  if (network.agreeing >= kAgreeing && is_fresh(network.model, request, now)) {
    under_way_.erase(pair);
    verdict.what = Verdict::What::kAnswer;
    verdict.path = copy(network.model.path, request, now);
    return verdict;
  }
  if (network.disagrees) return verdict;
  if (network.scouts.size() < kScouts) {
    network.scouts.push_back(request.id);
    return verdict;
  }
  network.waiting.push_back(request);
  pair_of_waiting_.emplace(request.id, pair);
  verdict.what = Verdict::What::kWait;
  return verdict;
}

void PathCache::learn_network(Network& network, const ReversePath& path, probes::Ipv4Addr gateway,
                              const Now& now) {
  if (path.stop_reason != StopReason::kReaches) return;
  if (gateway.is_unspecified()) {
    network.disagrees = true;
    return;
  }
  if (network.agreeing == 0) {
    network.gateway = gateway;
    network.agreeing = 1;
    network.model = {path, now.steady};
    return;
  }
  if (network.gateway != gateway || !agree(network.model.path, path)) {
    network.disagrees = true;
    return;
  }
  network.agreeing = kAgreeing;
  network.model = {path, now.steady};
}

void PathCache::keep(std::uint64_t pair, const ReversePath& path, const Now& now) {
  if (!by_pair_.contains(pair)) by_age_.push_back(pair);
  by_pair_[pair] = {path, now.steady};
  while (by_age_.size() > kMostKept) {
    by_pair_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

void PathCache::answer(const Request& request, const ReversePath& path, Outcome& outcome,
                       const Now& now) {
  pair_of_waiting_.erase(request.id);
  outcome.answers.push_back({request, copy(path, request, now)});
}

PathCache::Outcome PathCache::on_ended(const Request& request, const ReversePath& path,
                                       probes::Ipv4Addr gateway, const Now& now) {
  Outcome outcome;
  if (is_of_the_destination(path)) keep(pair_of(request), path, now);
  tell_followers(request, path, outcome, now);
  tell_network(request, path, gateway, outcome, now);
  return outcome;
}

void PathCache::tell_followers(const Request& ended, const ReversePath& path, Outcome& outcome,
                               const Now& now) {
  const auto at = under_way_.find(pair_of(ended));
  if (at == under_way_.end()) return;
  UnderWay& under_way = at->second;
  const bool was_leader = under_way.leader == ended.id;
  if (path.fail_reason != FailReason::kCancelled) {
    for (const Request& it : std::exchange(under_way.followers, {})) {
      answer(it, path, outcome, now);
    }
    if (was_leader) under_way_.erase(at);
    return;
  }
  if (!was_leader) return;  // what they wait for goes on
  if (under_way.followers.empty()) {
    under_way_.erase(at);
    return;
  }
  // The first of them is measured in its stead.
  outcome.to_measure.push_back(under_way.followers.front());
  under_way.leader = under_way.followers.front().id;
  pair_of_waiting_.erase(under_way.leader);
  under_way.followers.erase(under_way.followers.begin());
}

void PathCache::tell_network(const Request& ended, const ReversePath& path,
                             probes::Ipv4Addr gateway, Outcome& outcome, const Now& now) {
  const auto at = networks_.find(network_of(ended));
  if (at == networks_.end()) return;
  Network& network = at->second;
  const bool was_scout = std::erase(network.scouts, ended.id) > 0;
  if (was_scout) learn_network(network, path, gateway, now);
  for (const Request& it : std::exchange(network.waiting, {})) {
    const bool is_told = network.agreeing >= kAgreeing && !network.disagrees;
    if (is_told) {
      answer(it, network.model.path, outcome, now);
      const auto same = under_way_.extract(pair_of(it));
      if (same.empty()) continue;
      for (const Request& follower : same.mapped().followers) {
        answer(follower, network.model.path, outcome, now);
      }
    } else if (network.disagrees || network.scouts.size() < kScouts) {
      if (!network.disagrees) network.scouts.push_back(it.id);
      pair_of_waiting_.erase(it.id);
      outcome.to_measure.push_back(it);
    } else {
      network.waiting.push_back(it);
    }
  }
  const bool is_idle = network.scouts.empty() && network.waiting.empty();
  if (is_idle && (network.agreeing == 0 || network.disagrees || networks_.size() > kMostKept)) {
    networks_.erase(at);
  }
}

std::optional<Request> PathCache::forget(std::uint64_t id) {
  const auto waits = pair_of_waiting_.find(id);
  if (waits == pair_of_waiting_.end()) return std::nullopt;
  const auto at = under_way_.find(waits->second);
  UnderWay& under_way = at->second;
  auto& followers = under_way.followers;
  pair_of_waiting_.erase(waits);
  if (under_way.leader != id) {
    const auto its = std::ranges::find(followers, id, &Request::id);
    Request forgotten = std::move(*its);
    followers.erase(its);
    return forgotten;
  }
  // It waits for its network, and others for it.
  const auto network = networks_.find(network_of_pair(at->first));
  const auto its = std::ranges::find(network->second.waiting, id, &Request::id);
  Request forgotten = std::move(*its);
  if (followers.empty()) {
    network->second.waiting.erase(its);
    under_way_.erase(at);
  } else {
    *its = std::move(followers.front());
    followers.erase(followers.begin());
    under_way.leader = its->id;
  }
  return forgotten;
}

}  // namespace backsight::controller
