#include "controller/measurement/route_split.h"

#include <algorithm>

#include "probes/reading/route_reading.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;

using Slots = std::span<const Ipv4Addr>;

// The first slot of the way back, if a router stamped on both ways: its last slot. One that stamps
// twice in a row may do so by habit, and proves nothing.
std::size_t after_return(Slots slots, const AliasTable& aliases) {
  for (std::size_t last = slots.size(); last-- > 2;) {
    for (std::size_t first = 0; first + 1 < last; ++first) {
      if (!aliases.same(slots[first], slots[last])) continue;
      // A run of one router's stamps is no return.
      const auto between = slots.subspan(first + 1, last - first - 1);
      const bool has_other = std::any_of(between.begin(), between.end(), [&](Ipv4Addr slot) {
        return !slot.is_unspecified() && !aliases.same(slot, slots[last]);
      });
      if (has_other) return last;
    }
  }
  return slots.size();
}

// The slot behind the last stamp that a router gave on the link to the target.
std::size_t after_last_mile(Slots slots, Ipv4Addr target) {
  const Ipv4Addr peer = link_peer(target);
  for (std::size_t at = slots.size(); !peer.is_unspecified() && at-- > 0;) {
    if (slots[at] == peer) return at + 1;
  }
  return 0;
}

void add_hops(RouteSplit& split, Slots reverse, Ipv4Addr source, const AliasTable& aliases) {
  for (const Ipv4Addr slot : reverse) {
    if (aliases.same(slot, source)) break;
    // Back at a router that was passed already: what lies between is a loop.
    const auto begin = split.hops.begin();
    const auto end = begin + split.hop_count;
    const auto before =
        std::find_if(begin, end, [&](Ipv4Addr hop) { return aliases.same(hop, slot); });
    if (before != end) {
      split.hop_count = static_cast<std::uint8_t>(before - begin + 1);
      continue;
    }
    split.hops[split.hop_count++] = slot;
  }
}

}  // namespace

Ipv4Addr link_peer(Ipv4Addr address) noexcept {
  switch (address.value & 3) {
    case 1:
      return {address.value + 1};
    case 2:
      return {address.value - 1};
    default:
      return {address.value ^ 1};  // an end of a /30 can be an address only in a /31
  }
}

RouteSplit split_route(const tasks::Recorded& recorded, Ipv4Addr target, Ipv4Addr source,
                       const AliasTable& aliases) {
  RouteSplit split;
  if (recorded.what != tasks::Recorded::What::kRoute) return split;
  probes::RecordedRoute route;
  route.hops = recorded.addresses;
  route.count = std::min<std::uint8_t>(recorded.count, probes::kMaxRecordedHops);
  route.slots = std::max(recorded.slots, route.count);
  const Slots slots = route.filled();
  split.count = route.count;
  split.is_complete = route.count < route.slots;

  const auto known = aliases.all_of(target);
  const auto reading = probes::read_route(route, target, known);
  std::size_t begin = slots.size();
  if (reading.destination_stamped) {
    split.by = RouteSplit::By::kTarget;
    split.target_stamped = true;
    split.forward = reading.forward_end;
    begin = reading.reverse_begin;
  } else if (const std::size_t mile = after_last_mile(slots, target); mile > 0) {
    split.by = RouteSplit::By::kLastMile;
    split.forward = static_cast<std::uint8_t>(mile);
    begin = mile;
  } else if (const std::size_t back = after_return(slots, aliases); back < slots.size()) {
    split.by = RouteSplit::By::kReturn;
    split.forward = static_cast<std::uint8_t>(back);
    begin = back;
  } else {
    split.forward = split.count;
    split.is_complete = false;
  }
  split.used = static_cast<std::uint8_t>(begin);
  if (split.by != RouteSplit::By::kNothing) add_hops(split, slots.subspan(begin), source, aliases);
  return split;
}

}  // namespace backsight::controller
