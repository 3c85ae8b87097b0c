#include "engine/control/service_manager.h"

#include <fmt/format.h>

#include "daemon/service_notice.h"

namespace backsight::engine {

void ServiceManager::ready() { daemon::notify_ready(); }

void ServiceManager::reloading() { daemon::notify_reloading(); }

void ServiceManager::stopping() {
  if (has_stopped_) return;
  has_stopped_ = true;
  daemon::notify_stopping("waiting for what is in flight");
}

void ServiceManager::notify(const Snapshot& now, std::uint64_t spool_bytes) {
  if (now.is_stopping) stopping();
  const auto faults = watch_.look(now);
  const std::string state = faults.empty() ? state_text(now, spool_bytes) : faults.front();
  daemon::notify_state(state, faults.empty());
}

std::string ServiceManager::state_text(const Snapshot& now, std::uint64_t spool_bytes) {
  const std::uint64_t sent = now.sum(&WorkerCounters::sent);
  const auto at = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(at - last_at_).count();
  const double rate = seconds <= 0 ? 0 : static_cast<double>(sent - last_sent_) / seconds;
  last_sent_ = sent;
  last_at_ = at;
  return fmt::format("{}; {:.0f} probes/s, {} in flight, {} bytes in the spool",
                     now.why_not_ready.empty() ? "ready" : now.why_not_ready.front(), rate,
                     now.sum(&WorkerCounters::inflight), spool_bytes);
}

}  // namespace backsight::engine
