// Control's end of a worker: gives it tasks as it has room for them, and makes results of what it
// reports.
// Thread: control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/worker/messages.h"
#include "engine/worker/report.h"
#include "engine/worker/worker.h"
#include "tasks/result.h"

namespace backsight::engine {

class WorkerClient {
 public:
  // The worker may have so many traces under way. It and `clock` outlive this.
  WorkerClient(Worker& worker, const TscClock& clock, std::uint32_t traces)
      : worker_(worker), clock_(clock), hops_(traces) {}

  // The worker's from now on: waits here until it has room.
  void give(const Assignment& assignment);
  // Passes on what the worker has room for. True if that was anything: workers are to be woken.
  bool feed();
  [[nodiscard]] std::size_t waiting() const noexcept { return probes_.size() + traces_.size(); }

  // Reads so many reports at the most, and adds what they complete to `batch`. `near` is a position
  // near to those of its tasks. Returns how many it read.
  std::size_t read(std::size_t most, std::uint64_t near, tasks::ResultBatch& batch);
  // Of the tasks given, those whose end was read.
  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_; }

 private:
  void read(const Report& report, std::uint64_t near, tasks::ResultBatch& batch);

  Worker& worker_;
  const TscClock& clock_;
  std::deque<Assignment> probes_;
  std::deque<Assignment> traces_;
  std::uint64_t traces_out_ = 0;               // passed on, and their end not read
  std::vector<std::vector<tasks::Hop>> hops_;  // of each trace under way; their memory stays
  std::uint64_t ended_ = 0;
};

}  // namespace backsight::engine
