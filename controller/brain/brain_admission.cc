// When measurements begin, and when their time does.
#include <algorithm>
#include <cstddef>

#include "controller/brain/brain.h"

namespace backsight::controller {

// Those that wait begin, as many as there is room for.
void Brain::admit(const Now& now) {
  while (const auto request = admission_.next()) begin(*request, now);
}

void Brain::note_left(const Left& left, const Now& now) {
  const auto at = running_.find(left.waiter);
  if (at == running_.end()) return;
  at->second->note_left(left.at, now);
}

// How long questions wait for each source's vantage point, and for most of the others.
void Brain::look_at_waits(const Now& now) {
  const auto by_vp = prober_.waits(now.steady);
  std::vector<SteadyNs> all;
  for (std::size_t i = 0; i < vantage_.size(); ++i) {
    const auto vp = static_cast<VpIndex>(i);
    if (!vantage_.is_usable(vp)) continue;
    const auto at = by_vp.find(vp);
    all.push_back(at == by_vp.end() ? 0 : at->second);
  }
  SteadyNs of_most = 0;
  if (!all.empty()) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::ranges::nth_element(all, middle);
    of_most = *middle;
  }
  admission_.adapt([&](Ipv4Addr source) {
    const auto vp = vantage_.by_address(source);
    const auto at = vp ? by_vp.find(*vp) : by_vp.end();
    return std::max(of_most, at == by_vp.end() ? 0 : at->second);
  });
}

std::vector<std::uint64_t> Brain::begun() const {
  std::vector<std::uint64_t> begun;
  begun.reserve(running_.size());
  for (const auto& [id, measurement] : running_) begun.push_back(id);
  return begun;
}

}  // namespace backsight::controller
