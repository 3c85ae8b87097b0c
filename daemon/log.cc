#include "daemon/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

namespace backsight::daemon {
namespace {

using spdlog::level::level_enum;
using Json = nlohmann::ordered_json;

constexpr std::string_view kEraseLine = "\x1b[K";

// The priorities of syslog(3), as sd-daemon(3) writes them.
std::string_view priority(level_enum level) {
  switch (level) {
    case spdlog::level::critical:
    case spdlog::level::err:
      return "<3>";
    case spdlog::level::warn:
      return "<4>";
    case spdlog::level::info:
      return "<6>";
    default:
      return "<7>";
  }
}

std::string_view word(level_enum level) {
  const auto text = spdlog::level::to_string_view(level);
  return {text.data(), text.size()};
}

std::string object(const LogStyle& style, level_enum level, std::string_view sentence,
                   std::chrono::system_clock::time_point time) {
  using std::chrono::milliseconds;
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<milliseconds>(time - whole);
  Json line = {{"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                    fmt::gmtime(std::chrono::system_clock::to_time_t(whole)),
                                    rest / milliseconds(1))},
               {"level", word(level)}};
  if (!style.vp.empty()) line["vp"] = style.vp;
  line["message"] = sentence;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// One style for all who write, and for the threads among them.
struct SharedStyle {
  std::mutex mutex;
  LogStyle style;
};
SharedStyle& shared_style() {
  static SharedStyle shared;
  return shared;
}
LogStyle current_style() {
  SharedStyle& shared = shared_style();
  const std::lock_guard lock(shared.mutex);
  return shared.style;
}

class Formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    const std::string lines =
        log_lines(current_style(), message.level, true,
                  {message.payload.data(), message.payload.size()}, message.time);
    to.append(lines.data(), lines.data() + lines.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<Formatter>();
  }
};

}  // namespace

std::string log_lines(const LogStyle& style, level_enum level, bool names_level,
                      std::string_view sentence, std::chrono::system_clock::time_point time) {
  const std::string begin = fmt::format("{}{}", style.is_terminal ? kEraseLine : "",
                                        style.is_journal ? priority(level) : "");
  if (style.format == config::LogFormat::kJson) {
    return fmt::format("{}{}\n", begin, object(style, level, sentence, time));
  }
  std::string text = begin;
  if (!style.is_journal) {
    text += style.program + ": ";
    if (names_level) text += fmt::format("{}: ", word(level));
  }
  for (std::size_t at = 0;;) {
    const std::size_t end = sentence.find('\n', at);
    text += sentence.substr(at, end - at);
    text += '\n';
    if (end == sentence.npos || end + 1 == sentence.size()) return text;
    text += begin;
    at = end + 1;
  }
}

bool is_journal_stream(int descriptor, const char* journal_stream) {
  struct stat status {};
  if (journal_stream == nullptr || fstat(descriptor, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == journal_stream;
}

void set_up_log(const std::string& program, bool is_verbose) {
  shared_style().style = {
      .program = program,
      .is_journal = is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM")),
      .is_terminal = isatty(STDERR_FILENO) != 0};
  auto log = spdlog::stderr_logger_mt(program);
  log->set_formatter(std::make_unique<Formatter>());
  log->set_level(is_verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

void style_log(config::LogFormat format, const std::string& vp) {
  SharedStyle& shared = shared_style();
  const std::lock_guard lock(shared.mutex);
  shared.style.format = format;
  shared.style.vp = vp;
}

void tell(std::string_view sentence, level_enum level) {
  const std::string lines =
      log_lines(current_style(), level, false, sentence, std::chrono::system_clock::now());
  std::fwrite(lines.data(), 1, lines.size(), stderr);
}

}  // namespace backsight::daemon
