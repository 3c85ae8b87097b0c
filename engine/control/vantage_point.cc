#include "engine/control/vantage_point.h"

#include <fmt/format.h>
#include <pthread.h>
#include <rte_launch.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <thread>
#include <utility>

#include "daemon/wall_clock.h"
#include "engine/control/reload.h"
#include "probes/identity/identity.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto kOrderNap = 200us;

probes::TagKey random_key() {
  std::random_device random;
  const auto word = [&random] { return std::uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

int run_worker(void* worker) {
  static_cast<Worker*>(worker)->run();
  return 0;
}

}  // namespace

VantagePoint::VantagePoint(const config::VpConfig& config, const Signals& signals,
                           config::FleetKey key, Admission admission)
    : config_(config),
      signals_(signals),
      key_(key),
      admission_(std::move(admission)),
      clock_(1),
      total_(config.rates.total_pps, 1) {}

Expected<std::unique_ptr<VantagePoint>> VantagePoint::start(const config::VpConfig& config,
                                                            const Signals& signals) {
  config::FileLook list_files;
  list_files.know({config.deny_file, config.enrolled_file});
  auto key = config::load_fleet_key(config.key_file);
  if (!key) return tl::unexpected(key.error());
  auto deny = config::load_deny_list(config.deny_file);
  if (!deny) return tl::unexpected(config::as_error(deny.error()));
  auto enrolment = config::load_enrolment(config.enrolled_file);
  if (!enrolment) return tl::unexpected(config::as_error(enrolment.error()));
  EalUser user{.name = config.name, .devices = {}};
  for (const config::PortConfig& port : config.ports) user.devices.push_back(port.device);
  const auto plan = plan_eal(config.engine, user);
  if (!plan) return tl::unexpected(plan.error());
  std::unique_ptr<VantagePoint> vp(new VantagePoint(
      config, signals, *key, Admission(config, std::move(*deny), std::move(*enrolment))));
  vp->list_files_ = std::move(list_files);
  try {
    if (auto opened = vp->open(*plan); !opened) return tl::unexpected(opened.error());
  } catch (const std::bad_alloc&) {
    return bad_usage(
        "engine: not enough memory for its tables; lower engine.inflight, engine.waiting or "
        "engine.traces");
  }
  return vp;
}

Expected<void> VantagePoint::open(const EalPlan& plan) {
  auto eal = Eal::start(plan);
  if (!eal) return tl::unexpected(eal.error());
  eal_.emplace(std::move(*eal));
  clock_.set_rate(measure_tsc_hz());
  total_.set_rate(config_.rates.total_pps, clock_.hz(), clock_.now());
  sync_clock();
  for (const config::PortConfig& port : config_.ports) {
    auto opened = Port::open(port, config_.engine.workers.size(), clock_);
    if (!opened) return tl::unexpected(opened.error());
    ports_.push_back(std::move(*opened));
  }
  auto watch = PortWatch::open(ports_);
  if (!watch) return tl::unexpected(watch.error());
  port_watch_ = std::move(*watch);
  shared_.emplace(clock_, total_, config_.id, probes::HandleCipher(random_key()));
  for (const auto& port : ports_) shared_->ports.push_back(port.get());
  put_policy_in_force();
  epoch_ = config::epoch_of(unix_ns() / 1'000'000'000);

  const auto count = static_cast<unsigned>(config_.engine.workers.size());
  std::vector<Worker*> all;
  for (unsigned i = 0; i < count; ++i) {
    const WorkerSetup setup{.index = i,
                            .workers = count,
                            .engine = config_.engine,
                            .limits = limits_per_worker(config_.rates, count),
                            .places = schedule_places(config_.engine, config_.rates),
                            .keys = keys_of(epoch_),
                            .want_huge = plan.uses_hugepages};
    workers_.push_back(std::make_unique<Worker>(setup, *shared_));
    clients_.emplace_back(*workers_.back(), clock_, config_.engine.traces);
    all.push_back(workers_.back().get());
  }
  neighbour_watch_.emplace(ports_, Clock::now());
  for (unsigned i = 0; i < count; ++i) {
    workers_[i]->connect(all);
    if (rte_eal_remote_launch(run_worker, all[i], lcore_of_worker(i)) != 0) {
      return run_failed(fmt::format("engine.workers: worker {} could not be launched", i));
    }
  }
  port_watch_->start();
  counters_.started_unix_seconds.set(static_cast<std::uint64_t>(unix_seconds()));
  return {};
}

VantagePoint::~VantagePoint() {
  port_watch_.reset();
  if (shared_) shared_->is_stopping.store(true, std::memory_order_relaxed);
  if (eal_) rte_eal_mp_wait_lcore();
  workers_.clear();
  ports_.clear();
}

TagKeys VantagePoint::keys_of(std::uint64_t epoch) const {
  const probes::TagKey current = key_.tag_key(epoch);
  return {.current = current,
          .accepted = {current, key_.tag_key(epoch - 1), key_.tag_key(epoch + 1)}};
}

void VantagePoint::order_all(const Order& order) {
  for (const auto& worker : workers_) {
    while (!worker->orders().try_push(order)) std::this_thread::sleep_for(kOrderNap);
  }
}

Expected<Reloaded> VantagePoint::reload(const Expected<config::VpConfig>& fresh) {
  auto reloaded = fresh.and_then([this](const auto& loaded) { return take_over(loaded); });
  ++(reloaded ? counters_.reloads : counters_.reload_failures);
  return reloaded;
}

// Lists that somebody replaced hold from then on, without a signal. A fault leaves all as it was.
void VantagePoint::take_up_lists() {
  if (!list_files_.has_news({config_.deny_file, config_.enrolled_file})) return;
  if (const auto reloaded = reload(config_)) {
    spdlog::info("a list was replaced: {}", describe_reload(config_, config_, *reloaded));
  } else {
    std::istringstream faults(reloaded.error().sentence);
    for (std::string fault; std::getline(faults, fault);) spdlog::error("not taken up: {}", fault);
  }
}

Expected<Reloaded> VantagePoint::take_over(const config::VpConfig& fresh) {
  list_files_.know({fresh.deny_file, fresh.enrolled_file});
  auto deny = config::load_deny_list(fresh.deny_file);
  if (!deny) return tl::unexpected(config::as_error(deny.error()));
  auto enrolment = config::load_enrolment(fresh.enrolled_file);
  if (!enrolment) return tl::unexpected(config::as_error(enrolment.error()));
  const Reloaded reloaded{deny->range_count(), !enrolment->is_empty()};
  admission_.replace(std::move(*deny), std::move(*enrolment));
  put_policy_in_force();
  config_.rates = fresh.rates;
  config_.deny_file = fresh.deny_file;
  config_.enrolled_file = fresh.enrolled_file;
  total_.set_rate(fresh.rates.total_pps, clock_.hz(), clock_.now());
  Order order;
  order.what = Order::What::kLimits;
  order.limits = limits_per_worker(fresh.rates, workers_.size());
  order_all(order);
  return reloaded;
}

// Workers look at it each round. Older ones go when every worker has begun another round since.
void VantagePoint::put_policy_in_force() {
  const auto has_passed = [this](const PastPolicy& it) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i]->counters().rounds.value() < it.rounds[i] + 2) return false;
    }
    return true;
  };
  std::erase_if(past_policies_, has_passed);
  if (policy_in_force_ == admission_.policy()) return;
  // Release: the lists are whole before a worker can see them.
  shared_->policy.store(admission_.policy().get(), std::memory_order_release);
  PastPolicy past{std::exchange(policy_in_force_, admission_.policy()), {}};
  for (const auto& worker : workers_) past.rounds.push_back(worker->counters().rounds.value());
  if (past.policy) past_policies_.push_back(std::move(past));
}

void VantagePoint::set_queue_troubles(std::vector<std::string> troubles) {
  const std::lock_guard lock(queue_mutex_);
  queue_troubles_ = std::move(troubles);
}

std::vector<std::string> VantagePoint::why_not_ready() const {
  std::vector<std::string> why;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const auto& port = ports_[i];
    if (std::string trouble = port_watch_->trouble(i); !trouble.empty()) {
      why.push_back(std::move(trouble));
    } else if (!port->neighbours().gateway_is_known()) {
      why.push_back(fmt::format("port {}: gateway {} does not answer ARP", port->config().device,
                                probes::to_string(*port->config().gateway)));
    }
  }
  if (sink_is_failing_.load(std::memory_order_relaxed)) {
    why.emplace_back("results cannot be written");
  }
  {
    const std::lock_guard lock(queue_mutex_);
    why.insert(why.end(), queue_troubles_.begin(), queue_troubles_.end());
  }
  if (is_silenced()) why.emplace_back("the kill switch is on (SIGUSR1; SIGUSR2 lifts it)");
  if (is_stopping()) why.emplace_back("stopping");
  return why;
}

}  // namespace backsight::engine
