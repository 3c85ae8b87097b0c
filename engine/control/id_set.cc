#include "engine/control/id_set.h"

#include <iterator>

namespace backsight::engine {

bool IdSet::contains(std::uint64_t id) const {
  auto after = runs_.upper_bound(id);
  return after != runs_.begin() && std::prev(after)->second >= id;
}

bool IdSet::insert(std::uint64_t id) {
  if (contains(id)) return false;
  auto after = runs_.upper_bound(id);
  const bool joins_after = after != runs_.end() && after->first == id + 1;
  if (after != runs_.begin()) {
    auto before = std::prev(after);
    if (before->second + 1 == id) {
      before->second = joins_after ? after->second : id;
      if (joins_after) runs_.erase(after);
      return true;
    }
  }
  const std::uint64_t last = joins_after ? after->second : id;
  if (joins_after) runs_.erase(after);
  runs_.emplace(id, last);
  return true;
}

bool IdSet::erase(std::uint64_t id) {
  auto after = runs_.upper_bound(id);
  if (after == runs_.begin()) return false;
  auto run = std::prev(after);
  if (run->second < id) return false;
  const std::uint64_t first = run->first;
  const std::uint64_t last = run->second;
  runs_.erase(run);
  if (first < id) runs_.emplace(first, id - 1);
  if (id < last) runs_.emplace(id + 1, last);
  return true;
}

}  // namespace backsight::engine
