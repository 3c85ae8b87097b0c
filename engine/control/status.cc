#include "engine/control/status.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/wall_clock.h"
#include "probes/address.h"

namespace backsight::engine {
namespace {

using Json = nlohmann::ordered_json;

template <typename Address>
Json text_or_null(const std::optional<Address>& address) {
  return address ? Json(probes::to_string(*address)) : Json(nullptr);
}

Json ports_of(const VantagePoint& vp) {
  Json ports = Json::array();
  for (const auto& port : vp.ports()) {
    const config::PortConfig& config = port->config();
    ports.push_back({{"device", config.device},
                     {"address", probes::to_string(config.address)},
                     {"mac", probes::to_string(port->mac())},
                     {"gateway", text_or_null(config.gateway)},
                     {"gateway_mac", text_or_null(port->neighbours().gateway_mac())}});
  }
  return ports;
}

}  // namespace

Totals totals_of(const VantagePoint& vp) {
  Totals totals;
  for (const auto& worker : vp.workers()) {
    const WorkerCounters& counters = worker->counters();
    totals.done += counters.results.sum();
    totals.sent += counters.sent.sum();
    totals.waiting += counters.waiting.value();
    totals.in_flight += counters.inflight.value();
    totals.in_flight_capacity += worker->inflight_capacity();
    totals.inflight_full += counters.inflight_full.value();
  }
  totals.accepted = vp.counters().assigned.value();
  totals.refused = vp.counters().refused.sum();
  return totals;
}

std::uint64_t results_of(const VantagePoint& vp, tasks::Outcome outcome) {
  std::uint64_t total = 0;
  for (const auto& worker : vp.workers()) total += worker->counters().results[outcome].value();
  return total;
}

StatusReport::StatusReport(const VantagePoint& vp, std::string version)
    : vp_(vp), version_(std::move(version)), last_at_(Clock::now()) {}

std::uint64_t StatusReport::sent_pps(std::uint64_t sent) {
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_at_).count();
  const auto count = static_cast<double>(sent - last_sent_);
  last_at_ = now;
  last_sent_ = sent;
  return seconds <= 0 ? 0 : static_cast<std::uint64_t>(std::llround(count / seconds));
}

std::string StatusReport::json(const QueueFigures& queue) {
  const Totals totals = totals_of(vp_);
  const auto why = vp_.why_not_ready();
  const char* state = vp_.is_stopping() ? "stopping" : why.empty() ? "ready" : "not_ready";
  Json status = {
      {"vp", vp_.config().name},
      {"id", vp_.config().id},
      {"version", version_},
      {"state", state},
      {"why", why},
      {"started_at_ns", vp_.counters().started_unix_seconds.load() * 1'000'000'000},
      {"updated_at_ns", system_unix_ns()},
      {"ports", ports_of(vp_)},
      {"rates", {{"asked_pps", vp_.rate_pps()}, {"sent_pps", sent_pps(totals.sent)}}},
      {"tasks",
       {{"accepted", totals.accepted}, {"refused", totals.refused}, {"done", totals.done}}},
      {"in_flight", totals.in_flight},
      {"in_flight_capacity", totals.in_flight_capacity},
      {"spool_bytes", queue.spool.bytes},
      {"spool_results", queue.spool.results}};
  const queue::QueueHealth& health = queue.health;
  if (health.has_broker) {
    status["queue"] = {
        {"connected", health.is_connected},      {"spool_limit_bytes", health.spool_limit_bytes},
        {"batches_sent", health.batches_sent},   {"batches_again", health.batches_again},
        {"send_failures", health.send_failures}, {"dead_letters", health.dead_letters}};
  }
  // What is not UTF-8 in a device's name must not keep the rest from being told.
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace backsight::engine
