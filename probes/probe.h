// What a probe is: the vocabulary shared by crafting, parsing, tasks and results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backsight::probes {

// What a task asks for. The number is part of the identity tag (docs/wire-identity.md).
enum class Kind : std::uint8_t { kPing = 0, kRecordRoute = 1, kTimestamp = 2, kTrace = 3, kCount };

// The protocol of a traceroute's probes. All three keep the flow constant (Paris).
enum class TraceMethod : std::uint8_t { kIcmp = 0, kUdp = 1, kTcp = 2, kCount };

// The flavours of the IP timestamp option; the value is the option's flag (RFC 791, section 3.1).
enum class TimestampType : std::uint8_t { kOnly = 0, kWithAddresses = 1, kPrespecified = 3 };

// An IPv4 header has at most 40 bytes of options; 3 bytes of option header leave 9 slots.
inline constexpr std::size_t kMaxRecordedHops = 9;
// 4 bytes of option header leave 9 timestamps, or 4 pairs of address and timestamp.
inline constexpr std::size_t kMaxTimestamps = 9;
inline constexpr std::size_t kMaxTimestampAddresses = 4;

// What decides the shape of a probe.
struct Shape {
  Kind kind = Kind::kPing;
  TraceMethod method = TraceMethod::kIcmp;         // of a trace
  TimestampType timestamp = TimestampType::kOnly;  // of a ts
  std::uint8_t prespecified = 0;                   // of a prespecified ts: addresses, 1..4

  friend constexpr auto operator<=>(const Shape&, const Shape&) = default;
};

// The words of tasks, results and metrics, as probes/protocols.h has them. The strings end in a
// zero byte.
[[nodiscard]] std::string_view name(Kind kind) noexcept;
[[nodiscard]] std::string_view name(TraceMethod method) noexcept;
[[nodiscard]] std::string_view name(TimestampType type) noexcept;
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view word) noexcept;
[[nodiscard]] std::optional<TraceMethod> parse_trace_method(std::string_view word) noexcept;
[[nodiscard]] std::optional<TimestampType> parse_timestamp_type(std::string_view word) noexcept;

// Those words in a sentence: "ping, rr, ts or trace".
[[nodiscard]] std::string choice_of_kinds();
[[nodiscard]] std::string choice_of_methods();
[[nodiscard]] std::string choice_of_timestamp_types();

}  // namespace backsight::probes
