// What other threads see of the controller: a copy that its loop makes anew several times a second.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controller/brain/brain.h"
#include "controller/service.h"

namespace backsight::controller {

struct WorkFigures {
  BrainFigures brain;
  ProberFigures probing;
  std::size_t under_way = 0;
  std::size_t waiting = 0;  // of these, not begun
  std::size_t open_circuits = 0;
  std::size_t contradicted = 0;
  std::size_t waiting_for_source = 0;  // of those under way
  std::size_t queue_troubles = 0;      // what keeps queues from working
  std::uint64_t tasks_dropped = 0;     // that no queue took
  std::size_t statuses_left_out = 0;
  bool is_held = false;  // measuring stands still
};

struct View {
  std::vector<SourceInfo> sources;
  std::vector<VantagePointInfo> vps;
  WorkFigures figures;
  std::vector<std::string> queue_troubles;  // each once
  bool has_looked = false;                  // for vantage points, since the start
  std::string why_held;                     // measuring stands still; empty: it does not
  // Requests that wait for their source, and one sentence for each of these sources.
  using Waiting = std::unordered_map<std::uint64_t, probes::Ipv4Addr>;
  std::shared_ptr<const Waiting> waiting = std::make_shared<const Waiting>();
  std::uint64_t waiting_version = ~std::uint64_t{0};  // of SourceWaits
  std::map<probes::Ipv4Addr, std::string> waited_for;
  std::unordered_set<std::uint64_t> begun;  // requests that are measured now
};

// What is to be seen of the brain; the rest is as it was in the view before.
[[nodiscard]] View view_of(const Brain& brain, const Now& now, const View& before);

// Says which of the open ones have not begun, and what they wait for.
void add_waiting(BatchProgress& progress, const View& view);
// What keeps queues from working or requests waiting, one sentence each.
[[nodiscard]] std::vector<std::string> troubles_of(const View& view);

// Thread: any; one at a time sets it.
class CurrentView {
 public:
  void set(View view) {
    auto fresh = std::make_shared<const View>(std::move(view));
    const std::lock_guard lock(mutex_);
    view_.swap(fresh);
  }
  [[nodiscard]] std::shared_ptr<const View> get() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_ = std::make_shared<const View>();
};

}  // namespace backsight::controller
