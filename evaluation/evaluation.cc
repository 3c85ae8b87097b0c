#include "evaluation/evaluation.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>

#include "controller/brain/brain.h"
#include "evaluation/baseline.h"
#include "evaluation/kept_archive.h"
#include "evaluation/simulated_fleet.h"
#include "evaluation/surroundings.h"
#include "evaluation/truth.h"
#include "sim/world.h"

namespace backsight::evaluation {

namespace {

using controller::Brain;
using controller::BrainConfig;
using controller::BrainOutput;
using controller::kMillisecond;
using controller::kMinute;
using controller::kSecond;
using controller::Now;
using controller::Request;
using controller::ReversePath;
using controller::StopReason;
using probes::Ipv4Addr;
using Wall = std::chrono::steady_clock;

constexpr SteadyNs kWarmUpAtMost = 10 * kMinute;
constexpr SteadyNs kAnnounceEvery = 2 * kSecond;
// The controller takes what has come since it last looked, as its program does.
constexpr SteadyNs kTurn = 2 * kMillisecond;

double seconds(Wall::duration span) { return std::chrono::duration<double>(span).count(); }

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Of this process, now: the second number of /proc/self/statm (proc(5)), in pages.
std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// What a stretch of a run is measured between.
struct Instant {
  SteadyNs simulated = 0;
  SimulatedFleet::Figures fleet;
  Wall::time_point wall;
  double cpu_s = 0;
};

class Run {
 public:
  Run(const EvaluationConfig& config, sim::World& world, std::unique_ptr<SimulatedFleet> fleet,
      const std::function<void(const std::string&)>& progress)
      : config_(config),
        world_(world),
        progress_(progress),
        random_(config.seed),
        fleet_(std::move(fleet)) {
    BrainConfig brain;
    brain.keeps_all_atlases = false;
    brain.measurement.most_time = (config.is_baseline ? 30 : 1) * kMinute;
    if (config.is_baseline) {
      brain.probing.splits_traces = false;
      brain.admits_by_room = false;
      brain.make_planner = [](const Request& request, controller::VpIndex source,
                              const controller::MeasurementLimits& limits, const Now& now) {
        return std::make_unique<Baseline>(request, source, limits, now);
      };
    }
    brain_ = std::make_unique<Brain>(brain, prefixes_of(world), controller::AliasTable());
    truth_ = std::make_unique<Truth>(world, brain_->prefixes());
  }

  Expected<Evaluation> evaluate() {
    announce();
    choose_sources();
    import_atlas();
    warm_up();
    if (!config_.archive.empty()) {
      auto archive = KeptArchive::open(config_.archive, prefixes_of(world_), now_.unix_us);
      if (!archive) return tl::unexpected(archive.error());
      archive_ = std::move(*archive);
    }
    measure();
    if (archive_) {
      const auto figures = archive_->close();
      if (!figures) return tl::unexpected(figures.error());
      result_.archive_rows = figures->rows;
      result_.archive_bytes = figures->packed_bytes;
    }
    return std::move(result_);
  }

 private:
  void announce() {
    for (std::size_t i = 0; i < fleet_->size(); ++i) {
      brain_->on_announcement(fleet_->announcement(i, now_.steady), now_);
    }
    announce_at_ = now_.steady + kAnnounceEvery;
  }

  void choose_sources() {
    std::vector<std::size_t> all(fleet_->size());
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
        if (auto trace =
                trace_by(world_, *probe, world_.vantage_points()[vp].address, kEpochNs, id++)) {
          traces.push_back(std::move(*trace));
        }
      }
    }
    brain_->import_atlas(std::move(traces));
    for (const std::size_t vp : sources_) {
      brain_->keep_atlas(*brain_->source_of(world_.vantage_points()[vp].address), now_);
    }
  }

  // One step of simulated time, to what happens next or `until`.
  void turn(SteadyNs until) {
    output_.clear();
    in_controller([&] { brain_->advance(now_, output_); });
    for (const auto& [vp, task] : output_.tasks) fleet_->put(vp, task, now_.steady);
    for (const ReversePath& path : output_.ended) end(path);
    if (archive_) archive_->take(output_, now_.unix_us);
    const SteadyNs next = std::min(
        {until, announce_at_, std::max(brain_->next_due(), now_.steady), fleet_->next_due()});
    const SteadyNs until_next = std::max(next, now_.steady + kTurn) - now_.steady;
    now_.unix_us += until_next / 1000;
    now_.steady += until_next;
    if (now_.steady >= announce_at_) announce();
    fleet_->advance(now_.steady, [&](std::size_t vp, const tasks::ResultBatch& results) {
      in_controller(
          [&] { brain_->on_results(static_cast<controller::VpIndex>(vp), results, now_); });
    });
    tell();
  }

  void in_controller(const auto& work) {
    const auto begun = Wall::now();
    work();
    in_controller_ += Wall::now() - begun;
  }

  void tell() {
    const auto wall = Wall::now();
    if (wall < tell_at_) return;
    tell_at_ = wall + std::chrono::seconds(1);
    progress_(fmt::format("{:.0f} s simulated, {} packets, {} of {} reverse traceroutes ended",
                          static_cast<double>(now_.steady) / kSecond, fleet_->figures().packets,
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
    result_.background_probes = fleet_->figures().packets;
  }

  void submit(std::uint64_t number) {
    const auto dst = world_.draw_host(random_(), [](const auto& host) {
      return host.exists && host.answers_ping && host.answers_options;
    });
    if (!dst) return;
    if (const auto asn = world_.origin(*dst)) destination_ases_.insert(*asn);
    Request request;
    request.id = 2 + 2 * number;
    request.src = world_.vantage_points()[sources_[number % sources_.size()]].address;
    request.dst = *dst;
    request.retry_from_destination_as = false;
    asked_at_[request.id] = now_.steady;
    in_controller([&] { brain_->submit(request, now_); });
  }

  void measure() {
    in_controller_ = {};
    const Instant begun = part_begun_ = instant();
    const auto sent_before = fleet_->packets_by_vp();
    while (result_.requests < config_.requests) {
      for (; submitted_ < config_.requests && next_at(begun.simulated) <= now_.steady;
           ++submitted_) {
        if (part_of(submitted_) != part_) end_part();
        submit(submitted_);
      }
      turn(std::min(next_at(begun.simulated), now_.steady + kMinute));
    }
    end_part();
    finish(begun, instant());
    const auto sent = fleet_->packets_by_vp();
    for (std::size_t vp = 0; vp < sent.size(); ++vp) {
      result_.busiest_packets = std::max(result_.busiest_packets, sent[vp] - sent_before[vp]);
    }
  }

  // When the next request comes; ~0: not before another one has ended, or never.
  [[nodiscard]] SteadyNs next_at(SteadyNs begun) const {
    if (submitted_ == config_.requests) return ~SteadyNs{0};
    if (config_.at_once == 0) {
      const auto every = static_cast<SteadyNs>(kSecond / config_.requests_per_second);
      return begun + submitted_ * every;
    }
    return submitted_ - result_.requests < config_.at_once ? begun : ~SteadyNs{0};
  }

  void finish(const Instant& begun, const Instant& ended) {
    result_.vantage_points = fleet_->size();
    result_.destination_ases = destination_ases_.size();
    result_.simulated_s = static_cast<double>(ended.simulated - begun.simulated) / kSecond;
    result_.packets = ended.fleet.packets - begun.fleet.packets;
    result_.tasks = ended.fleet.tasks - begun.fleet.tasks;
    result_.records = ended.fleet.records - begun.fleet.records;
    result_.record_bytes = ended.fleet.record_bytes - begun.fleet.record_bytes;
    result_.messages = ended.fleet.messages - begun.fleet.messages;
    result_.wall_s = seconds(ended.wall - begun.wall);
    result_.cpu_s = ended.cpu_s - begun.cpu_s;
    result_.controller_s = seconds(in_controller_);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result_.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  }

  void end(const ReversePath& path) {
    ++result_.requests;
    const SteadyNs asked_at = asked_at_.extract(path.id).mapped();
    Part& part = result_.parts[part_of((path.id - 2) / 2)];
    ++part.requests;
    if (path.stop_reason == StopReason::kFailed) {
      ++result_.failures[std::string(name(path.fail_reason))];
      return;
    }
    ++result_.reached;
    const double latency_s = static_cast<double>(now_.steady - asked_at) / kSecond;
    result_.latency.add(latency_s);
    part.latency.add(latency_s);
    truth_->score(path, kEpochNs + now_.steady, result_);
  }

  [[nodiscard]] std::size_t part_of(std::uint64_t request) const {
    return request * result_.parts.size() / config_.requests;
  }

  void end_part() {
    Part& part = result_.parts[part_++];
    const Instant now = instant();
    part.packets = now.fleet.packets - part_begun_.fleet.packets;
    part.simulated_s = static_cast<double>(now.simulated - part_begun_.simulated) / kSecond;
    part.wall_s = seconds(now.wall - part_begun_.wall);
    part.resident_bytes = resident_bytes();
    part_begun_ = now;
  }

  [[nodiscard]] Instant instant() const {
    return {now_.steady, fleet_->figures(), Wall::now(), cpu_seconds()};
  }

  const EvaluationConfig& config_;
  sim::World& world_;
  const std::function<void(const std::string&)>& progress_;
  std::mt19937_64 random_;
  std::unique_ptr<SimulatedFleet> fleet_;
  std::unique_ptr<Brain> brain_;
  std::unique_ptr<Truth> truth_;
  std::vector<std::size_t> sources_;
  Now now_{kSecond, kEpochNs / 1000};
  SteadyNs announce_at_ = 0;
  std::unique_ptr<KeptArchive> archive_;
  BrainOutput output_;
  Evaluation result_;
  std::set<std::uint32_t> destination_ases_;
  std::uint64_t submitted_ = 0;
  std::unordered_map<std::uint64_t, SteadyNs> asked_at_;  // requests that have not ended
  std::size_t part_ = 0;  // of the result, in which requests are made now
  Instant part_begun_;
  Wall::duration in_controller_{};
  Wall::time_point tell_at_{};
};

}  // namespace

Expected<Evaluation> evaluate(const EvaluationConfig& config,
                              const std::function<void(const std::string&)>& progress) {
  auto world = sim::World::make(config.world);
  if (!world) return tl::unexpected(world.error());
  SimulatedFleet::Options options;
  options.rates.total_pps = config.vp_pps;
  auto fleet = SimulatedFleet::make(**world, options);
  if (!fleet) return tl::unexpected(fleet.error());
  return Run(config, **world, std::move(*fleet), progress).evaluate();
}

}  // namespace backsight::evaluation
