#include "evaluation/task_run.h"

#include "controller/now.h"
#include "evaluation/simulated_fleet.h"
#include "probes/assert.h"

namespace backsight::evaluation {

Expected<void> run_tasks(
    sim::World& world, std::size_t vp, const config::RatesConfig& rates,
    std::span<const tasks::Task> tasks,
    const std::function<void(std::size_t vp, const tasks::ResultBatch&)>& on_results) {
  BACKSIGHT_ASSERT(vp < world.vantage_points().size());
  auto fleet = SimulatedFleet::make(world, {.rates = rates});
  if (!fleet) return tl::unexpected(fleet.error());
  for (const tasks::Task& task : tasks) (*fleet)->put(vp, task, controller::kSecond);
  while ((*fleet)->next_due() != ~SteadyNs{0}) {
    (*fleet)->advance((*fleet)->next_due(), on_results);
  }
  return {};
}

}  // namespace backsight::evaluation
