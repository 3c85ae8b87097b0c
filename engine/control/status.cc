#include "engine/control/status.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/wall_clock.h"
#include "probes/ip/address.h"

namespace backsight::engine {
namespace {

using Json = nlohmann::ordered_json;

template <typename Address>
Json text_or_null(const std::optional<Address>& address) {
  return address ? Json(probes::to_string(*address)) : Json(nullptr);
}

Json ports_of(const Snapshot& now) {
  Json ports = Json::array();
  for (const PortSnapshot& port : now.ports) {
    ports.push_back({{"device", port.config.device},
                     {"address", probes::to_string(port.config.address)},
                     {"mac", probes::to_string(port.mac)},
                     {"gateway", text_or_null(port.config.gateway)},
                     {"gateway_mac", text_or_null(port.gateway_mac)}});
  }
  return ports;
}

}  // namespace

StatusReport::StatusReport(std::string version)
    : version_(std::move(version)), last_at_(Clock::now()) {}

std::uint64_t StatusReport::sent_pps(std::uint64_t sent) {
  const Clock::time_point now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_at_).count();
  const auto count = static_cast<double>(sent - last_sent_);
  last_at_ = now;
  last_sent_ = sent;
  return seconds <= 0 ? 0 : static_cast<std::uint64_t>(std::llround(count / seconds));
}

std::string StatusReport::json(const Snapshot& now, const QueueFigures& queue) {
  const char* state = now.is_stopping             ? "stopping"
                      : now.why_not_ready.empty() ? "ready"
                                                  : "not_ready";
  const std::uint64_t sent = now.sum(&WorkerCounters::sent);
  Json status = {{"vp", now.vp},
                 {"id", now.id},
                 {"version", version_},
                 {"state", state},
                 {"why", now.why_not_ready},
                 {"started_at_ns", now.control.started_unix_seconds.value() * 1'000'000'000},
                 {"updated_at_ns", system_unix_ns()},
                 {"ports", ports_of(now)},
                 {"rates", {{"asked_pps", now.rate_limit_pps}, {"sent_pps", sent_pps(sent)}}},
                 {"tasks",
                  {{"accepted", now.control.assigned.value()},
                   {"refused", now.control.refused.sum()},
                   {"done", now.sum(&WorkerCounters::results)}}},
                 {"in_flight", now.sum(&WorkerCounters::inflight)},
                 {"in_flight_capacity", now.inflight_capacity()},
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
