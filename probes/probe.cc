#include "probes/probe.h"

#include <array>

#include "probes/wire/assert.h"

namespace backsight::probes {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Kind::kCount)> kKindNames = {
    "ping", "rr", "ts", "trace"};
constexpr std::array<std::string_view, static_cast<std::size_t>(TraceMethod::kCount)> kMethodNames =
    {"icmp", "udp", "tcp"};

template <typename Enum, std::size_t kSize>
std::optional<Enum> find(const std::array<std::string_view, kSize>& names,
                         std::string_view word) noexcept {
  for (std::size_t i = 0; i < kSize; ++i) {
    if (names[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name(Kind kind) noexcept {
  BACKSIGHT_ASSERT(kind < Kind::kCount);
  return kKindNames[static_cast<std::size_t>(kind)];
}

std::string_view name(TraceMethod method) noexcept {
  BACKSIGHT_ASSERT(method < TraceMethod::kCount);
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::string_view name(TimestampType type) noexcept {
  switch (type) {
    case TimestampType::kOnly:
      return "tsonly";
    case TimestampType::kWithAddresses:
      return "tsandaddr";
    case TimestampType::kPrespecified:
      return "tsprespec";
  }
  BACKSIGHT_ASSERT(false);
  return "";
}

std::optional<Kind> parse_kind(std::string_view word) noexcept {
  return find<Kind>(kKindNames, word);
}

std::optional<TraceMethod> parse_trace_method(std::string_view word) noexcept {
  return find<TraceMethod>(kMethodNames, word);
}

std::optional<TimestampType> parse_timestamp_type(std::string_view word) noexcept {
  for (const auto type :
       {TimestampType::kOnly, TimestampType::kWithAddresses, TimestampType::kPrespecified}) {
    if (name(type) == word) return type;
  }
  return std::nullopt;
}

}  // namespace backsight::probes
