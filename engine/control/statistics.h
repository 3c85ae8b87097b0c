// What control counts beside the workers' own counters.
#pragma once

#include "engine/worker/counters.h"
#include "tasks/result.h"

namespace backsight::engine {

// Laws, when nothing is under way:
//   received = refused + assigned         assigned = sum over workers of tasks
//   results  = refused + sum over workers of results
// Thread: written by control; read by anybody.
struct ControlCounters {
  Counter tasks_received;    // that could be read, or at least named themselves
  Counter lines_unreadable;  // that did not
  CounterArray<tasks::Reason> refused;
  Counter assigned;
  Counter results_put;  // handed over for good
  Counter observations_put;
  Counter batches_put;
  Counter put_failures;
  Counter reloads;
  Counter reload_failures;
  Counter started_unix_seconds;
};

}  // namespace backsight::engine
