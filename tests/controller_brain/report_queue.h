// What a scripted Internet will have reported, in the order in which it comes.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "tests/controller_brain/scripted_internet.h"

namespace backsight::controller {

class ReportQueue {
 public:
  using ReportPtr = std::shared_ptr<const ScriptedInternet::Report>;

  // Of two that come at the same time, the one that was added first comes first.
  void add(SteadyNs at, ReportPtr report) { queue_.push({at, ++added_, std::move(report)}); }

  // ~0: nothing will come.
  [[nodiscard]] SteadyNs next_due() const {
    return queue_.empty() ? ~SteadyNs{0} : queue_.top().at;
  }

  // Hands out what has come by `now`.
  template <typename Each>
  void take(SteadyNs now, Each each) {
    while (next_due() <= now) {
      const ReportPtr report = queue_.top().report;
      queue_.pop();
      each(*report);
    }
  }

 private:
  struct Coming {
    SteadyNs at = 0;
    std::uint64_t number = 0;
    ReportPtr report;
    friend bool operator>(const Coming& a, const Coming& b) {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };
  std::priority_queue<Coming, std::vector<Coming>, std::greater<>> queue_;
  std::uint64_t added_ = 0;
};

}  // namespace backsight::controller
