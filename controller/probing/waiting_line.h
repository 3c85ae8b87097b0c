// What waits for vantage points: who came first goes first, but for those whose lane has no room.
// Thread: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "controller/probing/lane.h"

namespace backsight::controller {

template <typename Item>
class WaitingLine {
 public:
  enum class Verdict : std::uint8_t { kGo, kWait, kAllWait };

  void push(const Lane& lane, Item item) {
    lanes_[lane].push_back({next_++, std::move(item)});
    ++size_;
  }
  [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }

  // Calls `look(lane, item)` with the first of each lane.
  template <typename Look>
  void for_each_first(Look look) const {
    for (const auto& [lane, items] : lanes_) look(lane, items.front().item);
  }

  // Asks `admit(lane)` for the first of each lane, and calls `go(item)` where the verdict says so,
  // until it says that all wait. Items that are `is_over(item)` are dropped when their turn comes.
  // True if none is left.
  template <typename IsOver, typename Admit, typename Go>
  bool release(IsOver is_over, Admit admit, Go go) {
    turns_.clear();
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      const auto lane = at++;
      add_turn(lane, is_over);
    }
    while (!turns_.empty()) {
      std::ranges::pop_heap(turns_, std::greater(), &Turn::number);
      const auto lane = turns_.back().lane;
      turns_.pop_back();
      const Verdict verdict = admit(lane->first);
      if (verdict == Verdict::kAllWait) return false;
      if (verdict == Verdict::kWait) continue;
      go(lane->second.front().item);
      pop(lane->second);
      add_turn(lane, is_over);
    }
    return is_empty();
  }

 private:
  struct Waiting {
    std::uint64_t number = 0;  // in the order in which they came
    Item item;
  };
  using Lanes = std::map<Lane, std::deque<Waiting>>;
  // The first of a lane.
  struct Turn {
    std::uint64_t number = 0;
    typename Lanes::iterator lane;
  };

  void pop(std::deque<Waiting>& items) {
    items.pop_front();
    --size_;
  }
  template <typename IsOver>
  void add_turn(typename Lanes::iterator lane, IsOver& is_over) {
    auto& items = lane->second;
    while (!items.empty() && is_over(items.front().item)) pop(items);
    if (items.empty()) {
      lanes_.erase(lane);
      return;
    }
    turns_.push_back({items.front().number, lane});
    std::ranges::push_heap(turns_, std::greater(), &Turn::number);
  }

  Lanes lanes_;  // none is empty
  std::uint64_t next_ = 0;
  std::size_t size_ = 0;
  std::vector<Turn> turns_;  // a heap, the first number first
};

}  // namespace backsight::controller
