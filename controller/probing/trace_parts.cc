#include "controller/probing/trace_parts.h"

#include <algorithm>
#include <span>

#include "probes/assert.h"
#include "tracing/rules.h"

namespace backsight::controller {

namespace {

using tasks::Outcome;

bool was_sent(Outcome outcome) {
  return outcome == Outcome::kReached || outcome == Outcome::kGapLimit ||
         outcome == Outcome::kMaxTtl || outcome == Outcome::kUnreachable ||
         outcome == Outcome::kLoop;
}

bool ends_the_way(Outcome outcome) {
  return outcome != Outcome::kMaxTtl && outcome != Outcome::kGapLimit;
}

// Cuts the hops where a loop ends that no part alone has seen whole. True if there is one.
bool cut_at_loop(std::vector<tasks::Hop>& hops) {
  constexpr std::uint8_t kRepeats = 1;
  for (std::size_t count = 1; count <= hops.size(); ++count) {
    if (!hops[count - 1].has_reply) continue;
    if (!tracing::row_of(std::span(hops).first(count)).ends_loop(kRepeats)) continue;
    hops.resize(count);
    return true;
  }
  return false;
}

}  // namespace

void TraceParts::take(std::size_t part, const tasks::TraceResult& result) {
  if (!parts_[part].is_there) parts_[part] = {true, result};
}

bool TraceParts::are_all_there() const noexcept {
  return std::ranges::all_of(parts_, &Part::is_there);
}

std::uint32_t TraceParts::packets() const noexcept {
  std::size_t attempts = 0;
  for (const Part& part : parts_) attempts += part.result.hops.size();
  return static_cast<std::uint32_t>(attempts);
}

tasks::TraceResult TraceParts::whole(std::uint8_t gap_limit) const {
  BACKSIGHT_ASSERT(are_all_there());
  tasks::TraceResult whole = parts_.front().result;
  whole.hops.clear();
  for (const Part& part : parts_) {
    if (!was_sent(part.result.head.outcome)) return part.result;
  }
  for (const auto& [is_there, part] : parts_) {
    const auto sent_first = whole.head.sent_at_ns;
    whole.head = part.head;
    whole.head.sent_at_ns = std::min(sent_first, part.head.sent_at_ns);
    whole.hops.insert(whole.hops.end(), part.hops.begin(), part.hops.end());
    if (cut_at_loop(whole.hops)) {
      whole.head.outcome = Outcome::kLoop;
      return whole;
    }
    if (ends_the_way(part.head.outcome)) return whole;
  }
  const auto last_answer = std::find_if(whole.hops.rbegin(), whole.hops.rend(),
                                        [](const tasks::Hop& hop) { return hop.has_reply; });
  const unsigned last_ttl = last_answer == whole.hops.rend() ? 0 : last_answer->ttl;
  std::erase_if(whole.hops, [&](const tasks::Hop& hop) { return hop.ttl > last_ttl + gap_limit; });
  const bool is_gap = !whole.hops.empty() && whole.hops.back().ttl == last_ttl + gap_limit;
  whole.head.outcome = is_gap ? Outcome::kGapLimit : Outcome::kMaxTtl;
  return whole;
}

}  // namespace backsight::controller
