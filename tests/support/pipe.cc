#include "tests/support/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace backsight {
namespace {

bool has_ended(pid_t child) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == child;
}

}  // namespace

bool wait_until_full(int reading_end, pid_t writer) {
  const std::string pipe = "/proc/self/fd/" + std::to_string(reading_end);
  const int writing_end = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
  pollfd room{writing_end, POLLOUT, 0};
  bool is_full = false;
  do {
    const bool is_over = has_ended(writer);  // before the look: what it wrote last counts
    is_full = poll(&room, 1, 0) == 0;
    if (is_over) break;
    if (!is_full) sched_yield();
  } while (!is_full);
  close(writing_end);
  return is_full;
}

}  // namespace backsight
