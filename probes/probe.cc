#include "probes/probe.h"

#include <algorithm>

#include "probes/assert.h"
#include "probes/protocols.h"

namespace backsight::probes {
namespace {

// The value of the row that has this word.
template <typename Rows, typename Value>
auto find(const Rows& rows, std::string_view word, Value value) noexcept {
  const auto at = std::ranges::find_if(rows, [&](const auto& row) { return row.word == word; });
  return at == rows.end() ? std::nullopt : std::optional((*at).*value);
}

template <typename Rows>
std::string choice_of(const Rows& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i != 0) text += i + 1 == rows.size() ? " or " : ", ";
    text += rows[i].word;
  }
  return text;
}

}  // namespace

std::string_view name(Kind kind) noexcept {
  BACKSIGHT_ASSERT(kind < Kind::kCount);
  return kKinds[static_cast<std::size_t>(kind)].word;
}

std::string_view name(TraceMethod method) noexcept {
  BACKSIGHT_ASSERT(method < TraceMethod::kCount);
  return kTraceProtocols[static_cast<std::size_t>(method)].word;
}

std::string_view name(TimestampType type) noexcept {
  const auto at = std::ranges::find(timestamp::kTypes, type, &timestamp::TypeRow::type);
  BACKSIGHT_ASSERT(at != timestamp::kTypes.end());
  return at->word;
}

std::optional<Kind> parse_kind(std::string_view word) noexcept {
  return find(kKinds, word, &KindRow::kind);
}

std::optional<TraceMethod> parse_trace_method(std::string_view word) noexcept {
  return find(kTraceProtocols, word, &Protocol::method);
}

std::optional<TimestampType> parse_timestamp_type(std::string_view word) noexcept {
  return find(timestamp::kTypes, word, &timestamp::TypeRow::type);
}

std::string choice_of_kinds() { return choice_of(kKinds); }
std::string choice_of_methods() { return choice_of(kTraceProtocols); }
std::string choice_of_timestamp_types() { return choice_of(timestamp::kTypes); }

}  // namespace backsight::probes
