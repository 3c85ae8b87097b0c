#include "controller/brain/path_cache.h"

#include <algorithm>
#include <utility>

namespace backsight::controller {

namespace {

constexpr std::size_t kScouts = 2;
constexpr std::uint8_t kAgreeing = 2;
// A failure is believed for this long; silence and circuits know more (measurement/silence.h).
constexpr SteadyNs kFailureFresh = kMinute;
constexpr std::size_t kMostKept = 1 << 18;

bool agree(const ReversePath& a, const ReversePath& b) {
  // Behind the destination, the routers must be the same.
  if (a.hops.size() < 2 || b.hops.size() < 2) return false;
  return a.hops[1].address == b.hops[1].address;
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
  const bool is_plain = request.use_cache && !request.ping_hops && !request.forward_traceroute &&
                        !request.find_branches;
  if (request.use_cache) {
    const auto kept = by_pair_.find(pair_of(request));
    if (kept != by_pair_.end() && is_fresh(kept->second, request, now)) {
      verdict.what = Verdict::What::kAnswer;
      verdict.path = copy(kept->second.path, request, now);
      return verdict;
    }
    const auto [under_way, is_first] = followers_.try_emplace(pair_of(request));
    if (!is_first) {
      under_way->second.push_back(request);
      ++waiting_count_;
      verdict.what = Verdict::What::kWait;
      return verdict;
    }
  }
  if (!is_plain) return verdict;
  Network& network = networks_[network_of(request)];
  if (network.agreeing >= kAgreeing && is_fresh(network.model, request, now)) {
    followers_.erase(pair_of(request));
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
  ++waiting_count_;
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

PathCache::Outcome PathCache::on_ended(const Request& request, const ReversePath& path,
                                       probes::Ipv4Addr gateway, const Now& now) {
  Outcome outcome;
  const std::uint64_t pair = pair_of(request);
  if (path.fail_reason != FailReason::kCancelled) {
    if (!by_pair_.contains(pair)) by_age_.push_back(pair);
    by_pair_[pair] = {path, now.steady};
    while (by_age_.size() > kMostKept) {
      by_pair_.erase(by_age_.front());
      by_age_.pop_front();
    }
  }
  if (const auto at = followers_.find(pair); at != followers_.end()) {
    const auto followers = std::move(at->second);
    followers_.erase(at);
    waiting_count_ -= followers.size();
    for (const Request& it : followers) {
      if (path.fail_reason == FailReason::kCancelled) {
        outcome.to_measure.push_back(it);
      } else {
        outcome.answers.push_back({it, copy(path, it, now)});
      }
    }
  }
  const auto at = networks_.find(network_of(request));
  if (at == networks_.end()) return outcome;
  Network& network = at->second;
  const bool was_scout = std::erase(network.scouts, request.id) > 0;
  if (was_scout) learn_network(network, path, gateway, now);
  const auto waiting = std::exchange(network.waiting, {});
  waiting_count_ -= waiting.size();
  for (const Request& it : waiting) {
    const bool is_told = network.agreeing >= kAgreeing && !network.disagrees;
    if (is_told) {
      outcome.answers.push_back({it, copy(network.model.path, it, now)});
      const auto same = followers_.extract(pair_of(it));
      if (same.empty()) continue;
      waiting_count_ -= same.mapped().size();
      for (const Request& follower : same.mapped()) {
        outcome.answers.push_back({follower, copy(network.model.path, follower, now)});
      }
    } else if (network.disagrees || network.scouts.size() < kScouts) {
      if (!network.disagrees) network.scouts.push_back(it.id);
      outcome.to_measure.push_back(it);
    } else {
      network.waiting.push_back(it);
      ++waiting_count_;
    }
  }
  const bool is_idle = network.scouts.empty() && network.waiting.empty();
  if (is_idle && (network.agreeing == 0 || network.disagrees || networks_.size() > kMostKept)) {
    networks_.erase(at);
  }
  return outcome;
}

bool PathCache::forget(std::uint64_t id) {
  const auto take_from = [&](std::vector<Request>& requests) {
    return std::erase_if(requests, [&](const Request& it) { return it.id == id; }) > 0;
  };
  for (auto& [pair, requests] : followers_) {
    if (take_from(requests)) {
      --waiting_count_;
      return true;
    }
  }
  for (auto& [key, network] : networks_) {
    for (const Request& it : network.waiting) {
      if (it.id == id) followers_.erase(pair_of(it));
    }
    if (take_from(network.waiting)) {
      --waiting_count_;
      return true;
    }
  }
  return false;
}

}  // namespace backsight::controller
