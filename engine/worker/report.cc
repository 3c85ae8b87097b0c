#include "engine/worker/report.h"

#include <algorithm>

#include "probes/assert.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kFirstMilliseconds = 5;  // as many as fit behind the addresses

// The cell behind a head, and the one behind that, which only timestamps need.
struct alignas(64) RecordedCell {
  std::array<probes::Ipv4Addr, probes::kMaxRecordedHops> addresses;
  tasks::Recorded::What what;
  std::uint8_t count;
  std::uint8_t slots;
  std::uint8_t overflow;
  bool from_quote;
  probes::TimestampType timestamp;
  std::uint16_t zero;
  std::array<std::uint32_t, kFirstMilliseconds> milliseconds;
};
struct alignas(64) MoreMilliseconds {
  std::array<std::uint32_t, probes::kMaxTimestamps - kFirstMilliseconds> milliseconds;
};
static_assert(sizeof(RecordedCell) == sizeof(ReportCell));
static_assert(sizeof(MoreMilliseconds) == sizeof(ReportCell));

template <typename T>
const T& cell_as(const ReportCell& cell) noexcept {
  return *std::launder(reinterpret_cast<const T*>(cell.bytes.data()));
}

}  // namespace

void ReportRing::add_recorded(const probes::IpOptions& options, bool from_quote) noexcept {
  auto& cell = *new (stage()) RecordedCell{};
  cell.from_quote = from_quote;
  if (options.has_record_route) {
    const probes::RecordedRoute& route = options.record_route;
    cell.what = tasks::Recorded::What::kRoute;
    cell.count = route.count;
    cell.slots = route.slots;
    cell.addresses = route.hops;
    return;
  }
  const probes::RecordedTimestamps& stamps = options.timestamps;
  cell.what = tasks::Recorded::What::kTimestamps;
  cell.count = stamps.count;
  cell.slots = stamps.slots;
  cell.overflow = stamps.overflow;
  cell.timestamp = stamps.type;
  for (std::size_t i = 0; i < probes::kMaxTimestamps; ++i) {
    cell.addresses[i] = stamps.stamps[i].address;
  }
  for (std::size_t i = 0; i < kFirstMilliseconds; ++i) {
    cell.milliseconds[i] = stamps.stamps[i].milliseconds;
  }
  auto& more = *new (stage()) MoreMilliseconds{};
  for (std::size_t i = kFirstMilliseconds; i < probes::kMaxTimestamps; ++i) {
    more.milliseconds[i - kFirstMilliseconds] = stamps.stamps[i].milliseconds;
  }
}

tasks::Recorded Report::recorded() const noexcept {
  tasks::Recorded recorded;
  if (head().cells == 1) return recorded;
  // Published together: all its cells are there.
  const auto& cell = cell_as<RecordedCell>(cells_.front(at_ + 1));
  recorded.what = cell.what;
  recorded.count = cell.count;
  recorded.slots = cell.slots;
  recorded.overflow = cell.overflow;
  recorded.from_quote = cell.from_quote;
  recorded.timestamp = cell.timestamp;
  recorded.addresses = cell.addresses;
  if (head().cells == 2) return recorded;
  const auto& more = cell_as<MoreMilliseconds>(cells_.front(at_ + 2));
  std::ranges::copy(cell.milliseconds, recorded.milliseconds.begin());
  std::ranges::copy(more.milliseconds, recorded.milliseconds.begin() + kFirstMilliseconds);
  return recorded;
}

tasks::ProbeResult probe_result_of(const Report& report, const TscClock& clock,
                                   std::uint64_t near) noexcept {
  const ReportHead& head = report.head();
  tasks::ProbeResult result;
  result.task = head.task;
  result.position = widen_position(head.position, near);
  result.sent_at_ns = head.at.ticks == 0 ? 0 : clock.to_unix_ns(head.at);
  result.rtt_ns = clock.to_ns(head.rtt);
  result.src = head.src;
  result.dst = head.dst;
  result.kind = head.kind;
  result.outcome = head.outcome;
  result.reason = head.reason;
  result.method = head.method;
  result.has_reply = head.has_reply;
  result.proof = head.proof;
  result.reply = head.reply;
  result.recorded = report.recorded();
  return result;
}

tasks::Observation observation_of(const Report& report, const TscClock& clock) noexcept {
  const ReportHead& head = report.head();
  return {.task = head.task,
          .received_at_ns = clock.to_unix_ns(head.at),
          .src = head.src,
          .dst = head.dst,
          .probe_vp = head.probe_vp,
          .kind = head.kind,
          .reply = head.reply,
          .recorded = report.recorded()};
}

tasks::Hop hop_of(const HopReport& report, const TscClock& clock) noexcept {
  tasks::Hop hop;
  hop.sent_at_ns = clock.to_unix_ns(report.sent);
  hop.rtt_ns = clock.to_ns(report.rtt);
  hop.reply = report.reply;
  hop.ttl = report.ttl;
  hop.attempt = report.attempt;
  hop.has_reply = report.has_reply;
  hop.proof = report.proof;
  hop.quoted_ttl = report.quoted_ttl;
  hop.label_count = report.label_count;
  std::ranges::transform(report.labels, hop.labels.begin(), probes::MplsLabel::of_entry);
  return hop;
}

}  // namespace backsight::engine
