#include "cli/stop.h"

#include <csignal>

namespace backsight::cli {

namespace {
volatile std::sig_atomic_t stopped = 0;
}  // namespace

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };
  sigemptyset(&action.sa_mask);  // no SA_RESTART: write() and poll() come back
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool is_stopped() noexcept { return stopped != 0; }

}  // namespace backsight::cli
