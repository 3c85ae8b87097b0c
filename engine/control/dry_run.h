// A dry run: the probes go to a capture file instead of the network, and nobody waits for replies.
#pragma once

#include <string>

#include "config/vp/vp_config.h"
#include "engine/control/task_source.h"

namespace backsight::engine {

// Replaces the ports by capture files, `file` for the first, with one next hop for all.
void make_dry(config::VpConfig& vp, const std::string& file);

// Shortens each task's time-out: no reply will come. `source` outlives this.
class WithoutWaiting final : public TaskSource {
 public:
  explicit WithoutWaiting(TaskSource& source) : source_(source) {}
  Expected<void> take(std::size_t max, TaskIntake& intake) override;
  [[nodiscard]] bool is_exhausted() const override { return source_.is_exhausted(); }

 private:
  TaskSource& source_;
};

}  // namespace backsight::engine
