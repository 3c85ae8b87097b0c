// Tasks for a worker, written straight into its mailbox.
#pragma once

#include <algorithm>
#include <cstdint>

#include "perf/load/rig.h"

namespace backsight::perf {

class Feed {
 public:
  Feed(engine::Worker& worker, const engine::Assignment& like) : worker_(worker), like_(like) {}

  // Writes at most `most` tasks, each to a destination of its own, as there is room.
  void fill(std::size_t most) noexcept {
    auto& mailbox = worker_.tasks();
    const std::size_t room = std::min(most, mailbox.free_slots());
    for (std::size_t i = 0; i < room; ++i) {
      engine::Assignment& next = mailbox.next(i);
      next = like_;
      next.queued.task.id = next.queued.position = ++given_;
      next.queued.task.dst = destinations_.next();
    }
    mailbox.publish(room);
  }
  [[nodiscard]] std::uint64_t given() const noexcept { return given_; }

 private:
  engine::Worker& worker_;
  const engine::Assignment like_;
  Destinations destinations_;
  std::uint64_t given_ = 0;
};

}  // namespace backsight::perf
