#include "engine/control/service_manager.h"

#include <fmt/format.h>

#include "daemon/service_notice.h"
#include "engine/control/status.h"

namespace backsight::engine {
ServiceManager::ServiceManager(const VantagePoint& vp)
    : vp_(vp), last_at_(std::chrono::steady_clock::now()) {}

void ServiceManager::ready() { daemon::notify_ready(); }

void ServiceManager::reloading() { daemon::notify_reloading(); }

void ServiceManager::stopping() {
  if (has_stopped_) return;
  has_stopped_ = true;
  daemon::notify_stopping("waiting for what is in flight");
}

void ServiceManager::tell_state(std::uint64_t spool_bytes) {
  if (vp_.is_stopping()) stopping();
  const auto faults = watch_.look(vp_);
  const std::string state = faults.empty() ? state_text(spool_bytes) : faults.front();
  daemon::notify_state(state, faults.empty());
}

std::string ServiceManager::state_text(std::uint64_t spool_bytes) {
  const Totals totals = totals_of(vp_);
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_at_).count();
  const double rate = seconds <= 0 ? 0 : static_cast<double>(totals.sent - last_sent_) / seconds;
  last_sent_ = totals.sent;
  last_at_ = now;
  const auto why = vp_.why_not_ready();
  return fmt::format("{}; {:.0f} probes/s, {} in flight, {} bytes in the spool",
                     why.empty() ? "ready" : why.front(), rate, totals.in_flight, spool_bytes);
}

}  // namespace backsight::engine
