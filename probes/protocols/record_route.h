// rr: a ping with the Record Route option (RFC 791, section 3.1): type 7, length 39, pointer 4,
// nine zero slots, then one end-of-options byte. Flow, answer and proof are a ping's; an echo reply
// brings the option back in its own header, an error in its quote.
#pragma once

#include <cstddef>

#include "probes/protocols/echo.h"

namespace backsight::probes::record_route {

inline constexpr std::size_t kOptionBytes =
    ipv4::kRecordRouteHeaderBytes + ipv4::kRecordRouteSlotBytes * kMaxRecordedHops;
static_assert(kOptionBytes == 39);

inline std::size_t put_options(const Shape& /*shape*/, std::byte* options) noexcept {
  options[0] = std::byte{ipv4::kRecordRoute};
  options[ipv4::kOptionLength] = std::byte{kOptionBytes};
  options[ipv4::kOptionPointer] = std::byte{ipv4::kRecordRouteHeaderBytes + 1};
  options[kOptionBytes] = std::byte{ipv4::kEndOfOptions};
  return kOptionBytes + 1;
}

inline constexpr KindRow kKind = {Kind::kRecordRoute, "rr", "Record Route"};
inline constexpr Protocol kProtocol = [] {
  Protocol it = echo::kProtocol;
  it.kind = Kind::kRecordRoute;
  it.put_options = put_options;
  return it;
}();

}  // namespace backsight::probes::record_route
