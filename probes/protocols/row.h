// The rows of the table in probes/protocols.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "probes/probe.h"

namespace backsight::probes {

// A kind of probe, as tasks name it. The strings end in a zero byte.
struct KindRow {
  Kind kind;
  std::string_view word;     // of tasks, results and metrics
  std::string_view meaning;  // of the word, unless it says so itself
};

// How the probes of one kind, of a trace those of one method, look on the wire and what comes back.
struct Protocol {
  Kind kind;
  TraceMethod method;     // of a trace
  std::string_view word;  // the method's; empty of what is no trace
  std::uint8_t ip_protocol;
  // The payload begins with the identity, whose tag proves an answer that returns it. Else all that
  // can come back is the handle's 32 bits.
  bool carries_identity;
  // Bit n: the destination's own "unreachable" of code n tells that the probe arrived.
  std::uint16_t arrival_codes;
  // Both write constant bytes to zeroed room and return how long that part of the probe is.
  std::size_t (*put_options)(const Shape& shape, std::byte* options) noexcept;  // nullptr: none
  std::size_t (*put_transport)(std::byte* transport) noexcept;

  [[nodiscard]] constexpr bool arrives_with(std::uint8_t icmp_code) const noexcept {
    return icmp_code < 16 && (arrival_codes >> icmp_code & 1) != 0;
  }
};

}  // namespace backsight::probes
