#include "engine/control/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/control/snapshot.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 20ms;
constexpr auto kLineFirst = 2s;  // nobody waits for a shorter run
constexpr auto kLineEvery = 500ms;
constexpr auto kLogEvery = 10s;
constexpr auto kShortestRate = 500ms;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::string_view kEraseToEnd = "\x1b[K";

std::uint64_t per_second(std::uint64_t count, std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(count) / seconds + 0.5);
}

void write_to_terminal(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string text = fmt::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string to_string(const ProgressFigures& figures) {
  std::string text = with_commas(figures.answered);
  if (figures.tasks) text += fmt::format(" of {}", with_commas(*figures.tasks));
  text += fmt::format(" tasks answered, {} probes/s", with_commas(figures.probes_pps));
  if (figures.waiting != 0) {
    text += fmt::format(", {} waiting for limits", with_commas(figures.waiting));
  }
  if (figures.is_inflight_full) text += ", in-flight table full";
  return text;
}

void SendingRate::look(std::uint64_t sent, Clock::time_point now) noexcept {
  if (sent == last_.sent) return;
  if (first_.sent == 0) first_ = {sent, now};
  last_ = {sent, now};
}

std::optional<std::uint64_t> SendingRate::pps() const noexcept {
  if (last_.at - first_.at < kShortestRate) return std::nullopt;
  return per_second(last_.sent - first_.sent, last_.at - first_.at);
}

Progress::Progress(const VantagePoint& vp, std::string tasks_file, std::uint64_t skipped, Form form)
    : vp_(vp), tasks_file_(std::move(tasks_file)), skipped_(skipped), form_(form), thread_([this] {
        watch();
      }) {}

void Progress::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

void Progress::watch() {
  const auto first =
      form_ == Form::kLine ? Clock::duration(kLineFirst) : Clock::duration(kLogEvery);
  const auto every =
      form_ == Form::kLine ? Clock::duration(kLineEvery) : Clock::duration(kLogEvery);
  told_at_ = Clock::now();
  Clock::time_point next = told_at_ + first;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kLook, [this] { return is_stopping_.load(); })) {
    const Clock::time_point now = Clock::now();
    rate_.look(snapshot_of(vp_).sum(&WorkerCounters::sent), now);
    if (now < next) continue;
    next = now + every;
    lock.unlock();
    tell(now);
    lock.lock();
  }
  rate_.look(snapshot_of(vp_).sum(&WorkerCounters::sent), Clock::now());
  if (has_line_) write_to_terminal(fmt::format("\r{}", kEraseToEnd));
}

void Progress::tell(Clock::time_point now) {
  if (!has_counted_) tasks_ = count_tasks();
  has_counted_ = true;
  const Snapshot seen = snapshot_of(vp_);
  const std::uint64_t sent = seen.sum(&WorkerCounters::sent);
  const std::uint64_t inflight_full = seen.sum(&WorkerCounters::inflight_full);
  const std::string text =
      to_string({.answered = seen.sum(&WorkerCounters::results) + seen.control.refused.sum(),
                 .tasks = tasks_,
                 .probes_pps = per_second(sent - told_sent_, now - told_at_),
                 .waiting = seen.sum(&WorkerCounters::waiting),
                 .is_inflight_full = inflight_full != told_inflight_full_});
  told_sent_ = sent;
  told_inflight_full_ = inflight_full;
  told_at_ = now;
  if (form_ == Form::kLog) {
    spdlog::info("{}", text);
    return;
  }
  // The cursor goes back, so that a log line takes the place of this one.
  write_to_terminal(fmt::format("\r{}{}\r", text, kEraseToEnd));
  has_line_ = true;
}

std::optional<std::uint64_t> Progress::count_tasks() const {
  std::error_code error;
  if (tasks_file_ == "-" || !std::filesystem::is_regular_file(tasks_file_, error)) return {};
  std::ifstream file(tasks_file_, std::ios::binary);
  std::vector<char> bytes(kReadBytes);
  std::uint64_t lines = 0;
  std::uint64_t number = 1;  // of the line
  bool is_empty = true;      // the line so far
  while (file && !is_stopping_) {
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    for (const char byte :
         std::string_view(bytes.data(), static_cast<std::size_t>(file.gcount()))) {
      if (byte == '\n') {
        lines += is_empty || number <= skipped_ ? 0 : 1;
        ++number;
        is_empty = true;
      } else if (byte != ' ' && byte != '\t' && byte != '\r') {
        is_empty = false;
      }
    }
  }
  return lines + (is_empty || number <= skipped_ ? 0 : 1);
}

std::string Progress::summary(const RunSummary& run) const {
  const Snapshot seen = snapshot_of(vp_);
  const std::uint64_t sent = seen.sum(&WorkerCounters::sent);
  std::string outcomes;
  const auto add = [&outcomes](std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    outcomes += fmt::format("{} {} {}", outcomes.empty() ? ":" : ",", with_commas(count), what);
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(tasks::Outcome::kCount); ++i) {
    const auto outcome = static_cast<tasks::Outcome>(i);
    const bool is_refusal = outcome == tasks::Outcome::kRefused;
    const bool has_given_back = outcome == tasks::Outcome::kSendFailed;
    add(seen.sum(&WorkerCounters::results, outcome) +
            (is_refusal ? seen.control.refused.sum() : 0) - (has_given_back ? run.given_back : 0),
        name(outcome));
  }
  const std::uint64_t tasks = seen.control.tasks_received.value() - run.given_back;
  std::string text =
      fmt::format("{} task{}{}", with_commas(tasks), tasks == 1 ? "" : "s", outcomes);
  if (run.unreadable != 0) {
    text += fmt::format("; {} line{} unreadable", with_commas(run.unreadable),
                        run.unreadable == 1 ? "" : "s");
  }
  text += fmt::format("; {} probe{} sent", with_commas(sent), sent == 1 ? "" : "s");
  if (const auto pps = rate_.pps()) text += fmt::format(", {} a second", with_commas(*pps));
  if (seen.sum(&WorkerCounters::inflight_full) != 0) {
    text += "; the in-flight table was full at times, a larger engine.inflight sends faster";
  }
  return text;
}

}  // namespace backsight::engine
