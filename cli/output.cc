#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/stop.h"

namespace backsight::cli {

void tell(std::string_view sentence) { fmt::print(stderr, "backsight: {}\n", sentence); }

Expected<Written> write_out(std::string_view data) {
  while (!data.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, data.data(), data.size());
    if (put >= 0) {
      data.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EPIPE) return Written::kClosed;
    if (errno != EINTR) {
      return run_failed(fmt::format("stdout: cannot write: {}", std::strerror(errno)));
    }
    if (is_stopped()) return Written::kStopped;
  }
  return Written::kAll;
}

}  // namespace backsight::cli
