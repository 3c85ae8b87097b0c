// How a run of --tasks gets on, told on standard error: on a terminal one line that is rewritten,
// else a log line now and then; at the end one line of figures.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engine/control/vantage_point.h"

namespace backsight::engine {

struct ProgressFigures {
  std::uint64_t answered = 0;               // tasks that have a result
  std::optional<std::uint64_t> tasks = {};  // that there are; none: nobody knows
  std::uint64_t probes_pps = 0;
  std::uint64_t waiting = 0;      // for limits
  bool is_inflight_full = false;  // what sends slower than any limit
};
// "12,345 of 100,000 tasks answered, 19,998 probes/s, 3 waiting for limits"
[[nodiscard]] std::string to_string(const ProgressFigures& figures);
// 1234567 is "1,234,567".
[[nodiscard]] std::string with_commas(std::uint64_t number);

// Probes a second while probes were sent: what lies before the first and after the last, such as
// the wait for late replies, does not count.
class SendingRate {
 public:
  using Clock = std::chrono::steady_clock;
  // `sent` probes since the start; to be called often.
  void look(std::uint64_t sent, Clock::time_point now) noexcept;
  // None when sending was too short to have a rate.
  [[nodiscard]] std::optional<std::uint64_t> pps() const noexcept;

 private:
  struct Moment {
    std::uint64_t sent = 0;
    Clock::time_point at;
  };
  Moment first_;  // with a probe sent
  Moment last_;   // that saw one more
};

// Watches from a thread of its own, from construction to stop().
class Progress {
 public:
  enum class Form { kLine, kLog };
  // The lines of `tasks_file` behind the first `skipped` are counted once the run turns out to be
  // long; "-" is not. `vp` outlives this.
  Progress(const VantagePoint& vp, std::string tasks_file, std::uint64_t skipped, Form form);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { stop(); }

  // Erases the line. Nothing is told from then on.
  void stop();
  // "100 tasks: 90 replied, 8 timed_out, 2 refused; 98 probes sent, 49 a second". Without those
  // that were given back.
  // REQUIRES: stop() was called.
  [[nodiscard]] std::string summary(const RunSummary& run) const;

 private:
  using Clock = std::chrono::steady_clock;
  void watch();
  void tell(Clock::time_point now);
  // Lines that hold something; none when it is no file that can be read twice.
  [[nodiscard]] std::optional<std::uint64_t> count_tasks() const;

  const VantagePoint& vp_;
  const std::string tasks_file_;
  const std::uint64_t skipped_;
  const Form form_;
  std::optional<std::uint64_t> tasks_;
  bool has_counted_ = false;
  bool has_line_ = false;
  SendingRate rate_;
  std::uint64_t told_sent_ = 0;
  std::uint64_t told_inflight_full_ = 0;
  Clock::time_point told_at_;
  std::atomic<bool> is_stopping_{false};
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::thread thread_;
};

}  // namespace backsight::engine
