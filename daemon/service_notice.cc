#include "daemon/service_notice.h"

#include <systemd/sd-daemon.h>

namespace backsight::daemon {

void notify_ready() { sd_notify(0, "READY=1"); }

void notify_reloading() { sd_notify(0, "RELOADING=1\nSTATUS=reading the config again"); }

void notify_stopping(const std::string& status) {
  sd_notify(0, ("STOPPING=1\nSTATUS=" + status).c_str());
}

void notify_state(const std::string& status, bool is_alive) {
  sd_notify(0, ("STATUS=" + status + (is_alive ? "\nWATCHDOG=1" : "")).c_str());
}

}  // namespace backsight::daemon
