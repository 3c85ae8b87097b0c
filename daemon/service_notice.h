// What systemd is told of this process (sd_notify(3)). Says nothing when nobody listens (no
// NOTIFY_SOCKET). Thread: one at a time.
#pragma once

#include <string>

namespace backsight::daemon {

void notify_ready();  // after notify_reloading(), too
void notify_reloading();
void notify_stopping(const std::string& status);
// One line for `systemctl status`; `is_alive` feeds the watchdog (WatchdogSec= of the unit).
void notify_state(const std::string& status, bool is_alive);

}  // namespace backsight::daemon
