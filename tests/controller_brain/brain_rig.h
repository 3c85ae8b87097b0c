// A brain before a scripted Internet, on time that the test lets pass.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/brain/brain.h"
#include "tests/controller_brain/report_queue.h"
#include "tests/controller_brain/scripted_internet.h"

namespace backsight::controller {

// A path beside its truth, for who reads why a test failed.
inline std::string shown(const ReversePath& path, const ScriptedInternet& internet) {
  std::string text = probes::to_string(path.dst) + " to " + probes::to_string(path.src) + ", " +
                     std::string(name(path.stop_reason)) + " " +
                     std::string(name(path.fail_reason)) + ":";
  for (const ReverseHop& hop : path.hops) {
    text += " " + probes::to_string(hop.address) + "=r" +
            std::to_string(internet.router_of(hop.address)) + "/" +
            std::to_string(static_cast<int>(hop.type));
  }
  text += "; truth:";
  for (const int router : internet.true_path(path.dst, path.src)) {
    text += " r" + std::to_string(router);
  }
  return text;
}

class BrainRig {
 public:
  BrainRig(std::uint64_t seed, bool with_aliases, const ScriptedInternet::Shape& shape = {},
           BrainConfig config = {})
      : internet(seed, shape) {
    config.first_probe_id = 1000;
    config_ = config;
    has_aliases_ = with_aliases;
    begin();
  }

  // The controller dies and lives again: it knows the requests that had not ended, and nothing
  // else.
  void restart() {
    config_.first_probe_id += 1'000'000;
    begin();
    for (const auto& [id, it] : asked_) {
      if (!ended.contains(id)) brain->submit(it, now);
    }
  }

  void announce() {
    for (std::size_t i = 0; i < internet.vp_count(); ++i) {
      if (gone.contains(i)) continue;
      const VpIndex index = brain->on_announcement(internet.announcement(i, now.steady), now);
      index_of_[i] = index;
      vp_at_[index] = i;
    }
    next_announcement_ = now.steady + kSecond;
  }

  Request request(std::size_t vp, Ipv4Addr dst) {
    Request it;
    it.id = next_id_ += 2;
    it.batch = it.id;
    it.src = internet.vp_address(vp);
    it.dst = dst;
    asked_[it.id] = it;
    return it;
  }
  std::uint64_t ask(std::size_t vp, Ipv4Addr dst) {
    const Request it = request(vp, dst);
    brain->submit(it, now);
    return it.id;
  }
  // Asks and lets time pass until it has ended.
  ReversePath measure(std::size_t vp, Ipv4Addr dst) { return wait_for(ask(vp, dst)); }
  ReversePath wait_for(std::uint64_t id, SteadyNs patience = 3 * kMinute) {
    const SteadyNs until = now.steady + patience;
    while (!ended.contains(id) && now.steady < until) turn(until);
    EXPECT_TRUE(ended.contains(id)) << "request " << id << " never ended";
    return ended[id];
  }
  void pass(SteadyNs time) {
    const SteadyNs until = now.steady + time;
    while (now.steady < until) turn(until);
  }

  // Hops that are on no true way, of the types that must never be wrong.
  std::vector<ReverseHop> wrong_hops(const ReversePath& path) const {
    const auto truth = internet.true_path(path.dst, path.src);
    std::vector<ReverseHop> wrong;
    for (const ReverseHop& hop : path.hops) {
      const int router = internet.router_of(hop.address);
      const bool is_measured = hop.type == HopType::kAtlasTraceroute ||
                               hop.type == HopType::kRecordRoute ||
                               hop.type == HopType::kSpoofedRecordRoute;
      if (is_measured && router >= 0 && std::ranges::count(truth, router) == 0) {
        wrong.push_back(hop);
      }
    }
    return wrong;
  }
  // Routers of the true way that the path shows, and how many there are.
  std::pair<std::size_t, std::size_t> coverage(const ReversePath& path) const {
    const auto truth = internet.true_path(path.dst, path.src);
    std::size_t found = 0;
    for (const int router : truth) {
      found += std::ranges::any_of(path.hops, [&](const ReverseHop& hop) {
        return internet.router_of(hop.address) == router;
      });
    }
    return {found, truth.size()};
  }

  ScriptedInternet internet;
  std::unique_ptr<Brain> brain;
  Now now{kSecond, 1'800'000'000'000'000};
  std::map<std::uint64_t, ReversePath> ended;
  std::vector<ReversePath> in_order;
  std::vector<Request> stand_ins;
  std::vector<PingRecord> pings;
  std::set<std::size_t> gone;  // announce nothing more
  std::uint64_t tasks = 0;
  // Of each report that comes: how likely it comes again, and how much later it may come.
  double twice = 0;
  SteadyNs most_delay = 0;
  std::mt19937_64 random{1};
  // What vantage points send a second, and say nothing of; 0: all at once. Until when they hold
  // everything back, by number.
  double pace_pps = 0;
  std::map<std::size_t, SteadyNs> held_until;

 private:
  void begin() {
    brain = std::make_unique<Brain>(config_, internet.prefixes(),
                                    has_aliases_ ? internet.aliases() : AliasTable());
    index_of_.clear();
    vp_at_.clear();
    announce();
  }

  void turn(SteadyNs until) {
    BrainOutput output;
    brain->advance(now, output);
    for (const auto& [vp, task] : output.tasks) {
      ++tasks;
      const std::size_t at = vp_at_.at(vp);
      const SteadyNs leaves_at = leave(at, task);
      for (auto& report : internet.run(at, task)) {
        report.after += leaves_at - now.steady;
        date(report.results, leaves_at);
        expect(std::move(report));
      }
    }
    for (ReversePath& path : output.ended) {
      EXPECT_FALSE(ended.contains(path.id)) << "request " << path.id << " ended twice";
      in_order.push_back(path);
      ended[path.id] = std::move(path);
    }
    stand_ins.insert(stand_ins.end(), output.stand_ins.begin(), output.stand_ins.end());
    pings.insert(pings.end(), output.pings.begin(), output.pings.end());
    const SteadyNs next =
        std::min({until, next_announcement_, brain->next_due(), coming_.next_due()});
    step_to(std::max(next, now.steady));
    if (now.steady >= next_announcement_) announce();
    coming_.take(now.steady, [&](const ScriptedInternet::Report& report) {
      // To a controller that has not heard of it, nobody hands its results.
      const auto index = index_of_.find(report.vp);
      if (index != index_of_.end()) brain->on_results(index->second, report.results, now);
    });
  }
  // When the task's first packet leaves.
  SteadyNs leave(std::size_t vp, const tasks::Task& task) {
    SteadyNs& free_at = free_at_[vp];
    const auto held = held_until.find(vp);
    free_at = std::max({free_at, now.steady, held == held_until.end() ? 0 : held->second});
    const SteadyNs leaves_at = free_at;
    if (pace_pps > 0) {
      const double packets =
          task.kind == probes::Kind::kTrace ? task.max_ttl - task.first_ttl + 1 : 1;
      free_at += static_cast<SteadyNs>(packets / pace_pps * kSecond);
    }
    return leaves_at;
  }
  // By the vantage points' clock.
  static void date(tasks::ResultBatch& results, SteadyNs leaves_at) {
    constexpr std::uint64_t kClockNs = 1'700'000'000'000'000'000;
    for (auto& it : results.probes) it.sent_at_ns = kClockNs + leaves_at;
    for (auto& it : results.traces) it.head.sent_at_ns = kClockNs + leaves_at;
  }
  // It will come, perhaps later, perhaps again.
  void expect(ScriptedInternet::Report report) {
    const auto shared = std::make_shared<const ScriptedInternet::Report>(std::move(report));
    const auto at = [&] {
      return now.steady + shared->after + (most_delay == 0 ? 0 : random() % most_delay);
    };
    coming_.add(at(), shared);
    if (twice > 0 && std::uniform_real_distribution<>(0, 1)(random) < twice) {
      coming_.add(at(), shared);
    }
  }
  void step_to(SteadyNs at) {
    // Time that does not move would be a loop without end.
    stuck_ = at == now.steady ? stuck_ + 1 : 0;
    ASSERT_LT(stuck_, 100'000) << "the brain is due again and again";
    now.unix_us += (at - now.steady) / 1000;
    now.steady = at;
  }

  std::map<std::size_t, VpIndex> index_of_;  // of the Internet's vantage points, in the brain
  std::map<VpIndex, std::size_t> vp_at_;
  std::map<std::size_t, SteadyNs> free_at_;  // to send the next packet
  BrainConfig config_;
  bool has_aliases_ = false;
  std::map<std::uint64_t, Request> asked_;
  std::uint64_t next_id_ = 0;
  std::uint64_t stuck_ = 0;
  SteadyNs next_announcement_ = 0;
  ReportQueue coming_;
};

}  // namespace backsight::controller
