#include "cli/output.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cli/stop.h"
#include "tasks/lines/stream.h"

namespace backsight::cli {

namespace {

// How often a signal is asked for that came just before waiting.
constexpr std::chrono::milliseconds kLook{200};
// Once we are told to stop, a reader that takes nothing for so long is not waited for any more.
constexpr std::chrono::milliseconds kLastPatience{1000};

void say(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

// Cuts the last bytes off stdout, if it is a file and they stand at its end.
void take_back(std::size_t bytes) {
  struct stat status {};
  const off_t end = ::lseek(STDOUT_FILENO, 0, SEEK_CUR);
  const auto size = static_cast<off_t>(bytes);
  if (bytes == 0 || end < size || ::fstat(STDOUT_FILENO, &status) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_size != end) return;
  if (::ftruncate(STDOUT_FILENO, end - size) == 0) {
    (void)::lseek(STDOUT_FILENO, end - size, SEEK_SET);
  }
}

}  // namespace

void tell(std::string_view sentence) { say(fmt::format("backsight: {}\n", sentence)); }
void tell_plainly(std::string_view sentence) { say(fmt::format("{}\n", sentence)); }

Expected<Written> write_out(std::string_view data) {
  const std::size_t whole = data.size();
  while (!data.empty()) {
    const auto put = tasks::write_some(STDOUT_FILENO, data);
    if (!put) {
      if (put.error() == EPIPE) return Written::kClosed;
      take_back(whole - data.size());
      return run_failed(fmt::format("stdout: cannot write: {}", std::strerror(put.error())));
    }
    data.remove_prefix(*put);
    if (data.empty()) break;
    const bool is_told = is_stopped();
    const bool gets_on = tasks::wait_writable(STDOUT_FILENO, is_told ? kLastPatience : kLook);
    if (is_told && !gets_on) return Written::kStopped;
  }
  return Written::kAll;
}

}  // namespace backsight::cli
