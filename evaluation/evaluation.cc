#include "evaluation/evaluation.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "controller/brain/brain.h"
#include "evaluation/baseline.h"
#include "evaluation/simulated_fleet.h"
#include "evaluation/truth.h"
#include "sim/world.h"

namespace backsight::evaluation {

namespace {

using controller::Brain;
using controller::BrainConfig;
using controller::BrainOutput;
using controller::kMinute;
using controller::kSecond;
using controller::Now;
using controller::Request;
using controller::ReversePath;
using controller::StopReason;
using probes::Ipv4Addr;
using Wall = std::chrono::steady_clock;

constexpr std::uint64_t kEpochNs = 1'800'000'000'000'000'000U;
constexpr SteadyNs kWarmUpAtMost = 10 * kMinute;
constexpr SteadyNs kAnnounceEvery = 2 * kSecond;

controller::PrefixTable prefixes_of(const sim::World& world) {
  std::vector<controller::Origin> origins;
  for (const auto& prefix : world.prefixes()) {
    const Ipv4Addr base = prefix.prefix.base;
    if (const auto asn = world.origin(base)) origins.push_back({prefix.prefix, *asn});
  }
  return controller::PrefixTable::of(std::move(origins));
}

// What a probe of somebody else's would trace to the source: what the routers on its way show.
std::optional<controller::TraceRecord> trace_by(sim::World& world, Ipv4Addr from, Ipv4Addr source,
                                                std::uint64_t id) {
  const sim::Path path = world.path(from, source, kEpochNs);
  if (!path.exists) return std::nullopt;
  controller::TraceRecord record;
  record.id = id;
  record.platform = "ripe";
  record.src = from;
  record.dst = source;
  record.outcome = queue::Outcome::kReached;
  std::uint8_t ttl = 0;
  const auto add = [&](Ipv4Addr shows) {
    queue::Hop hop;
    hop.ttl = ++ttl;
    hop.attempt = 1;
    hop.has_reply = !shows.is_unspecified();
    hop.reply.from = shows;
    record.hops.push_back(hop);
  };
  for (const sim::Hop& hop : path.hops) {
    if (!hop.is_hidden) add(hop.shows);
  }
  add(source);
  return record;
}

class Run {
 public:
  Run(const EvaluationConfig& config, sim::World& world,
      const std::function<void(const std::string&)>& progress)
      : config_(config),
        world_(world),
        progress_(progress),
        random_(config.seed),
        fleet_(world, {.pps = config.vp_pps}),
        truth_(world) {
    BrainConfig brain;
    brain.keeps_all_atlases = false;
    brain.measurement.most_time = (config.is_baseline ? 30 : 1) * kMinute;
    if (config.is_baseline) {
      brain.make_planner = [](const Request& request, controller::VpIndex source,
                              const controller::MeasurementLimits& limits, const Now& now) {
        return std::make_unique<Baseline>(request, source, limits, now);
      };
    }
    brain_ = std::make_unique<Brain>(brain, prefixes_of(world), controller::AliasTable());
  }

  Evaluation evaluate() {
    announce();
    choose_sources();
    import_atlas();
    warm_up();
    measure();
    return std::move(result_);
  }

 private:
  void announce() {
    for (std::size_t i = 0; i < fleet_.size(); ++i) {
      brain_->hear(fleet_.announcement(i, now_.steady), now_);
    }
    announce_at_ = now_.steady + kAnnounceEvery;
  }

  void choose_sources() {
    std::vector<std::size_t> all(fleet_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    std::ranges::shuffle(all, random_);
    all.resize(std::min<std::size_t>(config_.sources, all.size()));
    sources_ = all;
  }

  void import_atlas() {
    std::vector<controller::TraceRecord> traces;
    std::uint64_t id = std::uint64_t{1} << 40;
    for (const std::size_t vp : sources_) {
      for (std::uint32_t i = 0; i < config_.atlas_probes; ++i) {
        const auto probe =
            world_.draw_host(random_(), [](const auto& host) { return host.exists; });
        if (!probe) continue;
        if (auto trace = trace_by(world_, *probe, world_.vantage_points()[vp].address, id++)) {
          traces.push_back(std::move(*trace));
        }
      }
    }
    brain_->import_atlas(std::move(traces));
    for (const std::size_t vp : sources_) {
      brain_->keep_atlas(*brain_->source_of(world_.vantage_points()[vp].address), now_);
    }
  }

  // One step of simulated time, not beyond `until`.
  void turn(SteadyNs until) {
    output_.clear();
    brain_->advance(now_, output_);
    for (const auto& [vp, task] : output_.tasks) fleet_.put(vp, task, now_.steady);
    for (const ReversePath& path : output_.ended) end(path);
    const SteadyNs next = std::min(
        {until, announce_at_, std::max(brain_->next_due(), now_.steady), fleet_.next_due()});
    now_.unix_us += (next - now_.steady) / 1000;
    now_.steady = std::max(next, now_.steady);
    if (now_.steady >= announce_at_) announce();
    fleet_.advance(now_.steady, [&](std::size_t vp, const queue::ResultBatch& results) {
      brain_->on_results(static_cast<controller::VpIndex>(vp), results, now_);
    });
    tell();
  }

  void tell() {
    const auto wall = Wall::now();
    if (wall < tell_at_) return;
    tell_at_ = wall + std::chrono::seconds(1);
    progress_(fmt::format("{:.0f} s simulated, {} packets, {} of {} reverse traceroutes ended",
                          static_cast<double>(now_.steady) / kSecond, fleet_.figures().packets,
                          result_.requests, config_.requests));
  }

  // Until the atlases are built: nothing new has been asked for a while.
  void warm_up() {
    std::uint64_t asked = 0;
    SteadyNs quiet_since = now_.steady;
    while (now_.steady < kWarmUpAtMost && now_.steady - quiet_since < 15 * kSecond) {
      turn(now_.steady + kSecond);
      const std::uint64_t tasks = brain_->probing().tasks + brain_->probing().held_back;
      if (tasks != asked) quiet_since = now_.steady;
      asked = tasks;
    }
    result_.background_probes = static_cast<double>(fleet_.figures().packets);
  }

  void measure() {
    const auto begun = Wall::now();
    const SteadyNs begun_at = now_.steady;
    const std::uint64_t packets = fleet_.figures().packets;
    std::uint64_t submitted = 0;
    std::set<std::uint32_t> ases;
    const auto every = static_cast<SteadyNs>(kSecond / config_.requests_per_second);
    while (result_.requests < config_.requests) {
      while (submitted < config_.requests && begun_at + submitted * every <= now_.steady) {
        const auto dst = world_.draw_host(random_(), [](const auto& host) {
          return host.exists && host.answers_ping && host.answers_options;
        });
        if (!dst) break;
        if (const auto asn = world_.origin(*dst)) ases.insert(*asn);
        Request request;
        request.id = 2 + 2 * submitted;
        request.src = world_.vantage_points()[sources_[submitted % sources_.size()]].address;
        request.dst = *dst;
        request.retry_from_destination_as = false;
        brain_->submit(request, now_);
        ++submitted;
      }
      turn(submitted < config_.requests ? begun_at + submitted * every : now_.steady + kMinute);
    }
    result_.destinations_ases = ases.size();
    result_.simulated_s = static_cast<double>(now_.steady - begun_at) / kSecond;
    result_.wall_s = std::chrono::duration<double>(Wall::now() - begun).count();
    result_.revtrs_per_second = static_cast<double>(result_.requests) / result_.wall_s;
    const auto sent = static_cast<double>(fleet_.figures().packets - packets);
    result_.probes_per_revtr = sent / static_cast<double>(result_.requests);
    result_.packets_per_second_and_vp =
        sent / result_.simulated_s / static_cast<double>(fleet_.size());
    std::ranges::sort(result_.latency_s);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result_.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  }

  void end(const ReversePath& path) {
    ++result_.requests;
    if (path.stop_reason == StopReason::kFailed) {
      ++result_.failures[std::string(name(path.fail_reason))];
      return;
    }
    ++result_.reached;
    result_.latency_s.push_back(static_cast<double>(path.runtime_us) / 1e6);
    truth_.score(path, kEpochNs + now_.steady, result_);
  }

  const EvaluationConfig& config_;
  sim::World& world_;
  const std::function<void(const std::string&)>& progress_;
  std::mt19937_64 random_;
  SimulatedFleet fleet_;
  Truth truth_;
  std::unique_ptr<Brain> brain_;
  std::vector<std::size_t> sources_;
  Now now_{kSecond, kEpochNs / 1000};
  SteadyNs announce_at_ = 0;
  BrainOutput output_;
  Evaluation result_;
  Wall::time_point tell_at_{};
};

nlohmann::ordered_json share(std::uint64_t part, std::uint64_t of) {
  if (of == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(of);
}

}  // namespace

double Evaluation::latency(double quantile) const {
  if (latency_s.empty()) return 0;
  const auto last = static_cast<double>(latency_s.size() - 1);
  return latency_s[static_cast<std::size_t>(quantile * last)];
}

Expected<Evaluation> evaluate(const EvaluationConfig& config,
                              const std::function<void(const std::string&)>& progress) {
  auto world = sim::World::make(config.world);
  if (!world) return tl::unexpected(world.error());
  return Run(config, **world, progress).evaluate();
}

std::string to_json(const EvaluationConfig& config, const Evaluation& result) {
  using Json = nlohmann::ordered_json;
  const auto as_scores = [](const AsScore& score) {
    return Json{{"paths", score.paths},
                {"complete", share(score.complete, score.paths)},
                {"missing_one", share(score.missing_one, score.paths)},
                {"missing_more", share(score.missing_more, score.paths)},
                {"wrong", share(score.wrong, score.paths)}};
  };
  std::uint64_t right = 0, judged = 0;
  Json by_type = Json::object();
  for (const auto& [type, score] : result.hops) {
    right += score.right;
    judged += score.right + score.wrong;
    by_type[std::to_string(type)] = {
        {"right", score.right},
        {"wrong", score.wrong},
        {"unknown", score.unknown},
        {"share_right", share(score.right, score.right + score.wrong)}};
  }
  Json json = {{"planner", config.is_baseline ? "revtr2" : "backsight"},
               {"ases", config.world.topology.ases},
               {"vantage_points", config.world.topology.vantage_points},
               {"seed", config.seed},
               {"requests", result.requests},
               {"destination_ases", result.destinations_ases},
               {"as_complete", share(result.of_measured.complete, result.of_measured.paths)},
               {"as_missing_one", share(result.of_measured.missing_one, result.of_measured.paths)},
               {"as_wrong", share(result.of_measured.wrong, result.of_measured.paths)},
               {"as_of_measured", as_scores(result.of_measured)},
               {"as_of_measured_strict", as_scores(result.of_measured_strict)},
               {"as_of_all", as_scores(result.all)},
               {"router_right", share(right, judged)},
               {"routers_found", share(result.routers_found, result.routers)},
               {"hops_by_type", by_type},
               {"coverage", share(result.reached, result.requests)},
               {"coverage_measured", share(result.measured, result.requests)},
               {"failures", result.failures},
               {"latency_p50_s", result.latency(0.5)},
               {"latency_p90_s", result.latency(0.9)},
               {"latency_p99_s", result.latency(0.99)},
               {"probes_per_revtr", result.probes_per_revtr},
               {"background_probes", result.background_probes},
               {"vp_pps", result.packets_per_second_and_vp},
               {"simulated_s", result.simulated_s},
               {"wall_s", result.wall_s},
               {"revtrs_per_second", result.revtrs_per_second},
               {"memory_mib", result.memory_bytes >> 20}};
  Json latencies = Json::array();
  for (int percent = 1; percent < 100; ++percent)
    latencies.push_back(result.latency(percent / 100.0));
  json["latency_percentiles_s"] = latencies;
  return json.dump();
}

}  // namespace backsight::evaluation
