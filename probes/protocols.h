// All kinds and protocols of probes: one table of what probes/protocols/ says of each. A new one is
// a file there and a row here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "probes/probe.h"
#include "probes/protocols/echo.h"
#include "probes/protocols/record_route.h"
#include "probes/protocols/timestamp.h"
#include "probes/protocols/trace.h"
#include "probes/protocols/trace_icmp.h"
#include "probes/protocols/trace_tcp.h"
#include "probes/protocols/trace_udp.h"

namespace backsight::probes {

// In the order of Kind.
inline constexpr std::array<KindRow, static_cast<std::size_t>(Kind::kCount)> kKinds = {
    echo::kKind, record_route::kKind, timestamp::kKind, trace::kKind};

// In the order of Kind, those of a trace in the order of TraceMethod.
inline constexpr std::array kProtocols = {echo::kProtocol,      record_route::kProtocol,
                                          timestamp::kProtocol, trace_icmp::kProtocol,
                                          trace_udp::kProtocol, trace_tcp::kProtocol};

inline constexpr std::span kTraceProtocols =
    std::span(kProtocols).last(static_cast<std::size_t>(TraceMethod::kCount));

// `method` counts for a trace alone.
[[nodiscard]] constexpr const Protocol& protocol_of(Kind kind, TraceMethod method) noexcept {
  return kProtocols[static_cast<std::size_t>(kind) +
                    (kind == Kind::kTrace ? static_cast<std::size_t>(method) : 0)];
}

// Every shape there is, in the order of shape_index().
inline constexpr std::size_t kShapeCount = kProtocols.size() - 1 + timestamp::kShapes;

// What does not go with the shape's kind counts for nothing.
[[nodiscard]] constexpr std::size_t shape_index(const Shape& shape) noexcept {
  constexpr auto kTimestamps = static_cast<std::size_t>(Kind::kTimestamp);
  if (shape.kind == Kind::kTrace) {
    return kTimestamps + timestamp::kShapes + static_cast<std::size_t>(shape.method);
  }
  if (shape.kind != Kind::kTimestamp) return static_cast<std::size_t>(shape.kind);
  return kTimestamps + timestamp::shape_number(shape.timestamp, shape.prespecified);
}

inline constexpr std::array<Shape, kShapeCount> kShapes = [] {
  std::array<Shape, kShapeCount> shapes;
  const auto put = [&](const Shape& shape) { shapes[shape_index(shape)] = shape; };
  for (const Protocol& it : kProtocols) put({.kind = it.kind, .method = it.method});
  put({.kind = Kind::kTimestamp, .timestamp = TimestampType::kWithAddresses});
  for (std::uint8_t count = 1; count <= kMaxTimestampAddresses; ++count) {
    put({.kind = Kind::kTimestamp,
         .timestamp = TimestampType::kPrespecified,
         .prespecified = count});
  }
  return shapes;
}();

// Whether the payload of a probe of this IP protocol begins with an identity.
// REQUIRES: a protocol of the table.
[[nodiscard]] constexpr bool carries_identity(std::uint8_t ip_protocol) noexcept {
  constexpr std::uint32_t kThatDo = [] {
    std::uint32_t bits = 0;
    for (const Protocol& it : kProtocols) {
      bits |= std::uint32_t{it.carries_identity} << it.ip_protocol;
    }
    return bits;
  }();
  return (kThatDo >> ip_protocol & 1) != 0;
}

// The ports of a probe of the flow; none of ICMP.
[[nodiscard]] constexpr Ports ports_of(std::uint8_t ip_protocol, std::uint16_t flow) noexcept {
  if (ip_protocol == ipv4::kProtocolUdp) return trace_udp::ports_of(flow);
  return ip_protocol == ipv4::kProtocolTcp ? trace_tcp::ports_of(flow) : Ports{};
}

// The handle of a probe by its IPv4 id and the first eight bytes of its transport; 0: no probe has
// this protocol.
[[nodiscard]] inline std::uint32_t handle_of(std::uint8_t ip_protocol, std::uint16_t ip_id,
                                             const std::byte* transport) noexcept {
  switch (ip_protocol) {
    case ipv4::kProtocolIcmp:
      return echo::handle_of(transport);
    case ipv4::kProtocolTcp:
      return trace_tcp::handle_of(transport);
    case ipv4::kProtocolUdp:
      return trace_udp::handle_of(ip_id, transport);
    default:
      return 0;
  }
}

// The kind of an echo probe whose first option is of that type, as sent.
[[nodiscard]] constexpr Kind kind_with_option(std::uint8_t option_type) noexcept {
  if (option_type == ipv4::kRecordRoute) return Kind::kRecordRoute;
  return option_type == ipv4::kTimestamp ? Kind::kTimestamp : Kind::kPing;
}

// The kinds that an echo reply may answer, in a row and round again.
inline constexpr std::array<Kind, 5> kEchoKinds = {
    Kind::kPing, Kind::kTimestamp, Kind::kRecordRoute, Kind::kPing, Kind::kTimestamp};

// The kinds of echo probe that what came back with these options may answer, the likeliest first:
// an option is there only if it was sent, but a router may have taken it away, or have left what
// cannot be read.
[[nodiscard]] constexpr std::span<const Kind> kinds_by_likelihood(bool has_record_route,
                                                                  bool has_timestamps) noexcept {
  return std::span(kEchoKinds).subspan(has_record_route ? 2 : has_timestamps ? 1 : 0, 3);
}

}  // namespace backsight::probes
