// Reverse traceroutes a second of one controller core, its vantage points answered by a script; and
// the memory of a million that are under way at once.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <vector>

#include "controller/brain/brain.h"
#include "tests/controller_brain/report_queue.h"
#include "tests/controller_brain/scripted_internet.h"

namespace {

using namespace backsight::controller;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// A brain before a scripted Internet. Time passes as fast as both allow.
class Run {
 public:
  explicit Run(bool answers)
      : internet_(7, {.ases = 40, .routers_per_as = 8, .vps = 20, .hosts = 400}),
        answers_(answers),
        brain_(config(), internet_.prefixes(), internet_.aliases()) {
    announce();
  }

  static BrainConfig config() {
    BrainConfig config;
    config.first_probe_id = 1;
    config.measurement.most_time = kHour;
    config.admits_by_room = false;  // all are to be under way
    return config;
  }

  void pass(SteadyNs time) {
    const SteadyNs until = now_.steady + time;
    while (now_.steady < until) turn(until);
  }
  // Distinct requests, none of which a cache may answer.
  void submit(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, ++submitted_) {
      Request request;
      request.id = 2 + 2 * submitted_;
      request.src = internet_.vp_address(submitted_ % internet_.vp_count());
      request.dst = internet_.hosts()[submitted_ / internet_.vp_count() % 400].address;
      // Nobody answers, so it may be anybody: each has probes of its own.
      if (!answers_) request.dst.value = 0x20000000 + static_cast<std::uint32_t>(submitted_);
      request.use_cache = false;
      brain_.submit(request, now_);
    }
  }
  void turn(SteadyNs until) {
    const auto begun = Clock::now();
    output_.clear();
    brain_.advance(now_, output_);
    brain_s += seconds_since(begun);
    if (answers_) {
      for (const auto& [vp, task] : output_.tasks) {
        for (auto& report : internet_.run(vp, task)) {
          const SteadyNs at = now_.steady + report.after;
          coming_.add(at, std::make_shared<const ScriptedInternet::Report>(std::move(report)));
        }
      }
    }
    tasks += output_.tasks.size();
    ended += output_.ended.size();
    const SteadyNs next = std::min({until, announce_at_, brain_.next_due(), coming_.next_due()});
    now_.unix_us += (std::max(next, now_.steady) - now_.steady) / 1000;
    now_.steady = std::max(next, now_.steady);
    if (now_.steady >= announce_at_) announce();
    coming_.take(now_.steady, [&](const ScriptedInternet::Report& report) {
      const auto heard = Clock::now();
      brain_.on_results(static_cast<VpIndex>(report.vp), report.results, now_);
      brain_s += seconds_since(heard);
    });
  }

  [[nodiscard]] std::size_t under_way() const { return brain_.under_way(); }
  [[nodiscard]] std::size_t measurement_bytes() const { return brain_.memory_bytes(); }

  std::uint64_t ended = 0;
  std::uint64_t tasks = 0;
  double brain_s = 0;  // wall clock inside the controller's code

 private:
  void announce() {
    for (std::size_t i = 0; i < internet_.vp_count(); ++i) {
      brain_.on_announcement(internet_.announcement(i, now_.steady), now_);
    }
    announce_at_ = now_.steady + kSecond;
  }

  ScriptedInternet internet_;
  bool answers_;
  Brain brain_;
  Now now_{kSecond, 1'800'000'000'000'000};
  BrainOutput output_;
  ReportQueue coming_;
  std::uint64_t submitted_ = 0;
  SteadyNs announce_at_ = 0;
};

void measure_speed(std::size_t count) {
  Run run(true);
  run.pass(20 * kSecond);
  const double before_s = run.brain_s;
  const std::uint64_t tasks = run.tasks;
  const auto begun = Clock::now();
  constexpr std::size_t kUnderWay = 2000;
  std::size_t submitted = 0;
  while (run.ended < count) {
    while (submitted < count && run.under_way() < kUnderWay) {
      run.submit(50);
      submitted += 50;
    }
    run.turn(~SteadyNs{0});
  }
  const double wall = seconds_since(begun), core = run.brain_s - before_s;
  fmt::print(
      "{{\"revtrs\":{},\"revtrs_per_second_of_core\":{:.0f},\"revtrs_per_second_with_script\":"
      "{:.0f},\"probes_per_revtr\":{:.2f}}}\n",
      run.ended, static_cast<double>(run.ended) / core, static_cast<double>(run.ended) / wall,
      static_cast<double>(run.tasks - tasks) / static_cast<double>(run.ended));
}

// Each has asked its first probes, and nobody answers.
void measure_memory(std::size_t count) {
  Run run(false);
  run.turn(kSecond);
  const std::size_t before = resident_bytes();
  for (std::size_t done = 0; done < count; done += 1000) {
    run.submit(1000);
    run.turn(kSecond);
  }
  const auto each = [&](std::size_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(run.under_way());
  };
  fmt::print(
      "{{\"under_way\":{},\"resident_bytes_each\":{:.0f},\"measurement_bytes_each\":{:.0f}}}\n",
      run.under_way(), each(resident_bytes() - before), each(run.measurement_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 20'000, under_way = 1'000'000;
  CLI::App app("Reverse traceroutes a second of one controller core, and what they need of memory");
  app.add_option("--count", count, "Reverse traceroutes for the speed")->capture_default_str();
  app.add_option("--under-way", under_way, "At once, for the memory")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (count > 0) measure_speed(count);
  if (under_way > 0) measure_memory(under_way);
  return 0;
}
