// What waits for the budgets of vantage points: who came first goes first, but for those whose
// vantage point has too little left. Thread: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "controller/vantage/vp_index.h"

namespace backsight::controller {

template <typename Item>
class WaitingLine {
 public:
  // Of one vantage point and of as many packets: they wait for the same, one after the other.
  struct Lane {
    VpIndex vp = kNoVp;
    unsigned packets = 0;
    friend auto operator<=>(const Lane&, const Lane&) = default;
  };
  enum class Verdict : std::uint8_t { kGo, kWait, kAllWait };

  void push(const Lane& lane, Item item) {
    const auto [at, is_new] = places_.try_emplace(lane, lanes_.size());
    if (is_new) lanes_.push_back({lane, {}});
    lanes_[at->second].items.push_back({next_++, std::move(item)});
    ++size_;
  }
  [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }

  // Asks `admit(lane)` for the first of each lane, and calls `go(item)` where the verdict says so,
  // until it says that all wait. Items that are `is_over(item)` are dropped when their turn comes.
  // True if none is left.
  template <typename IsOver, typename Admit, typename Go>
  bool release(IsOver is_over, Admit admit, Go go) {
    turns_.clear();
    for (LaneItems& it : lanes_) add_turn(it, is_over);
    while (!turns_.empty()) {
      std::ranges::pop_heap(turns_, std::greater(), &Turn::number);
      const Turn turn = turns_.back();
      turns_.pop_back();
      LaneItems& lane = *turn.lane;
      const Verdict verdict = admit(lane.lane);
      if (verdict == Verdict::kAllWait) return false;
      if (verdict == Verdict::kWait) continue;
      go(lane.items.front().item);
      pop(lane);
      add_turn(lane, is_over);
    }
    return is_empty();
  }

 private:
  struct Waiting {
    std::uint64_t number = 0;  // in the order in which they came
    Item item;
  };
  struct LaneItems {
    Lane lane;
    std::deque<Waiting> items;
  };
  // The first of a lane.
  struct Turn {
    std::uint64_t number = 0;
    LaneItems* lane = nullptr;
  };

  void pop(LaneItems& lane) {
    lane.items.pop_front();
    --size_;
  }
  template <typename IsOver>
  void add_turn(LaneItems& lane, IsOver is_over) {
    while (!lane.items.empty() && is_over(lane.items.front().item)) pop(lane);
    if (lane.items.empty()) return;
    turns_.push_back({lane.items.front().number, &lane});
    std::ranges::push_heap(turns_, std::greater(), &Turn::number);
  }

  std::vector<LaneItems> lanes_;  // as many as there were, also empty ones
  std::map<Lane, std::size_t> places_;
  std::uint64_t next_ = 0;
  std::size_t size_ = 0;
  std::vector<Turn> turns_;  // a heap, the first number first
};

}  // namespace backsight::controller
