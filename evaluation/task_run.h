// Tasks through one vantage point of a simulated Internet: what `backsight-vp --tasks` would say
// there of tasks that it admits, without a network and in no time.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "config/error.h"
#include "config/vp/vp_config.h"
#include "sim/world.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::evaluation {

// Gives all tasks at once to the vantage point with the number `vp`, from 0, and calls `on_results`
// with what each vantage point reports until nothing is under way. REQUIRES: vp is one of the
// world's.
[[nodiscard]] Expected<void> run_tasks(
    sim::World& world, std::size_t vp, const config::RatesConfig& rates,
    std::span<const tasks::Task> tasks,
    const std::function<void(std::size_t vp, const tasks::ResultBatch&)>& on_results);

}  // namespace backsight::evaluation
