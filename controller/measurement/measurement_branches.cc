// Other ways that balancers choose.
#include <algorithm>

#include "controller/measurement/measurement.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::Kind;

// Vantage points that ask the destination: each reply is another flow.
constexpr std::size_t kAsksOfDestination = 4;

}  // namespace

void Measurement::look_for_branches(const Knowledge& known, const Now& now) {
  const auto others = spoofers(known);
  for (std::size_t hop = 0; hop + 1 < path_.hops.size(); ++hop) {
    const Ipv4Addr target = path_.hops[hop].address;
    if (!known.may_be_asked(target)) continue;
    std::size_t left = hop == 0 ? kAsksOfDestination : 1;
    const Candidate own = known.ranking.look_up(source_, target, now.steady);
    if (own.distance != 0 && own.distance < kMostSlotsUsed) {
      ask(source_, Kind::kRecordRoute, target, hop);
      --left;
    }
    for (const Candidate& it : known.ranking.rank(target, others, now.steady)) {
      if (left == 0 || it.distance == 0 || it.distance >= kMostSlotsUsed) break;
      ask(it.vp, Kind::kRecordRoute, target, hop);
      --left;
    }
  }
}

// The reply of hop `hop` went on to another router than the path does.
void Measurement::note_branch(const Answer& answer, std::size_t hop, const Knowledge& known) {
  if (!answer.has_route()) return;
  const RouteSplit split =
      split_route(answer.recorded, answer.key.dst, request_.src, known.aliases);
  if (split.by != RouteSplit::By::kTarget) return;
  const auto reverse = split.reverse();
  for (std::size_t i = 0; i < reverse.size() && hop + 1 + i < path_.hops.size(); ++i) {
    const Ipv4Addr other = reverse[i];
    const std::size_t beside = hop + 1 + i;
    if (other.is_unspecified() || known.aliases.agree(path_.hops[beside].address, other)) continue;
    // Only what leaves the path and comes back to it right behind stands beside one hop.
    const bool comes_back = i + 1 < reverse.size() && beside + 1 < path_.hops.size() &&
                            known.aliases.same(path_.hops[beside + 1].address, reverse[i + 1]);
    const bool is_known = std::ranges::any_of(branches_, [&](const ReverseHop& it) {
      return it.branch == beside && known.aliases.agree(it.address, other);
    });
    if (!comes_back || is_known || place_of(other, path_.hops.size(), known)) return;
    branches_.push_back(
        {.address = other,
         .type = answer.is_spoofed ? HopType::kSpoofedRecordRoute : HopType::kRecordRoute,
         .branch = static_cast<std::uint8_t>(beside),
         .measurement_id = answer.id});
    return;
  }
}

// Hops that stand beside each other follow each other in the path, with one number.
void Measurement::weave_branches() {
  std::ranges::stable_sort(branches_, std::greater<>{}, &ReverseHop::branch);
  for (const ReverseHop& it : branches_) {
    path_.hops[it.branch].branch = it.branch;
    path_.hops.insert(path_.hops.begin() + it.branch + 1, it);
  }
}

}  // namespace backsight::controller
