// What a recorded route says of the way back from its target: probes/reading/route_reading.h, and
// what aliases and subnets tell beyond it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "controller/annotation/alias_table.h"
#include "probes/ip/address.h"
#include "tasks/result.h"

namespace backsight::controller {

// The other end of a link that is numbered with a /30 or a /31; unspecified where there is none
// (the ends of a /30). Of the two possible subnets the /30 is meant unless the address is one of
// its ends.
[[nodiscard]] probes::Ipv4Addr link_peer(probes::Ipv4Addr address) noexcept;

struct RouteSplit {
  // How it is known where the probe turned round.
  enum class By : std::uint8_t {
    kNothing,   // it is not: no slot may be taken for a hop of the way back
    kTarget,    // the target's address or an alias of it stands in a slot
    kLastMile,  // the target did not stamp, but the router before it did: from the link to it
    kReturn,    // a router stamped twice, on the way there and on the way back
  };
  By by = By::kNothing;
  std::uint8_t forward = 0;  // slots used on the way there, the target's own left out
  std::uint8_t used = 0;     // slots used when the target had answered
  std::uint8_t count = 0;    // slots filled
  bool is_complete = false;  // slots are left: every router that stamps on the way back did
  bool target_stamped = false;
  std::array<probes::Ipv4Addr, probes::kMaxRecordedHops> hops{};  // of the way back, in order
  std::uint8_t hop_count = 0;

  [[nodiscard]] std::span<const probes::Ipv4Addr> reverse() const noexcept {
    return {hops.data(), hop_count};
  }
};

// Reads the route of a reply by `target` that arrived at `source`. Loops on the way back are cut
// out, repeated stamps of one router are one hop, and the source's own stamp is none.
[[nodiscard]] RouteSplit split_route(const tasks::Recorded& recorded, probes::Ipv4Addr target,
                                     probes::Ipv4Addr source, const AliasTable& aliases);

}  // namespace backsight::controller
