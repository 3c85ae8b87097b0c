// A set of numbers that mostly come in runs, as task ids do: intervals, not numbers, are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace backsight::engine {

class IdSet {
 public:
  // True if the id was not in the set.
  bool insert(std::uint64_t id);
  // True if it was. Splits a run if it has to.
  bool erase(std::uint64_t id);
  [[nodiscard]] bool contains(std::uint64_t id) const;
  [[nodiscard]] std::size_t intervals() const noexcept { return runs_.size(); }

 private:
  std::map<std::uint64_t, std::uint64_t> runs_;  // first -> last, disjoint, never adjacent
};

}  // namespace backsight::engine
