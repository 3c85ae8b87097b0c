#include "tasks/lines/stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <limits>

namespace backsight::tasks {

namespace {

// A blocking pipe that poll() calls writable takes so much at once (pipe(7)); of more it would wait
// for the rest.
std::size_t most_at_once(int descriptor) {
  struct stat status {};
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const bool is_blocking = (::fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0;
  return is_blocking && !is_file ? PIPE_BUF : std::numeric_limits<int>::max();
}

bool wait_for(int descriptor, short what, std::chrono::milliseconds patience) {
  pollfd waiting{descriptor, what, 0};
  return ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(patience.count(), -1))) > 0;
}

}  // namespace

void hold_standard_streams() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The other way round: reading from it and writing to it are errors, as they were. The lowest
    // free number is the stream's.
    (void)::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

tl::expected<std::size_t, int> write_some(int descriptor, std::string_view bytes) {
  const std::size_t most = most_at_once(descriptor);
  std::size_t done = 0;
  while (done < bytes.size() && wait_for(descriptor, POLLOUT, std::chrono::milliseconds(0))) {
    const ssize_t put =
        ::write(descriptor, bytes.data() + done, std::min(bytes.size() - done, most));
    if (put >= 0) {
      done += static_cast<std::size_t>(put);
    } else if (done > 0 || errno == EAGAIN || errno == EINTR) {
      break;
    } else {
      return tl::unexpected(errno);
    }
  }
  return done;
}

bool wait_writable(int descriptor, std::chrono::milliseconds patience) {
  return wait_for(descriptor, POLLOUT, patience);
}

bool wait_readable(int descriptor, std::chrono::milliseconds patience) {
  return wait_for(descriptor, POLLIN, patience);
}

Expected<void> print(std::string_view text) {
  while (!text.empty()) {
    const auto put = write_some(STDOUT_FILENO, text);
    if (!put) {
      return run_failed(
          fmt::format("standard output cannot be written: {}", std::strerror(put.error())));
    }
    text.remove_prefix(*put);
    if (!text.empty()) wait_writable(STDOUT_FILENO, std::chrono::milliseconds(-1));
  }
  return {};
}

}  // namespace backsight::tasks
