#include "engine/worker/ends.h"

#include <algorithm>
#include <array>

#include "engine/worker/reply_parts.h"
#include "probes/assert.h"
#include "probes/protocols/trace_udp.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

constexpr std::size_t kInbox = 1024;

HopReport hop_of(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                 Tsc arrived) noexcept {
  HopReport hop{.has_reply = true,
                .proof = proof,
                .sent = flight.sent,
                .rtt = arrived.since(flight.sent),
                .reply = summary_of(reply),
                .trace = flight.trace};
  if (!reply.has_quote) return hop;
  hop.quoted_ttl = reply.quoted.ttl;
  hop.label_count =
      static_cast<std::uint8_t>(std::min<std::size_t>(reply.mpls.count, hop.labels.size()));
  std::transform(reply.mpls.labels.begin(), reply.mpls.labels.begin() + hop.label_count,
                 hop.labels.begin(), [](const probes::MplsLabel& it) { return it.entry(); });
  return hop;
}

}  // namespace

Ends::Ends(unsigned worker, unsigned workers, const Surroundings& around, Traces& traces,
           ReportRing& reports)
    : worker_(worker), around_(around), traces_(traces), reports_(reports) {
  for (unsigned i = 0; i < workers; ++i) {
    inboxes_.push_back(std::make_unique<SpscRing<HopReport>>(kInbox));
  }
}

void Ends::answered(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                    unsigned owner, Tsc arrived) noexcept {
  if (flight.trace != kNoTrace) return answered_trace(reply, proof, flight, owner, arrived);
  const tasks::Outcome outcome =
      reply.has_quote ? tasks::Outcome::kError : tasks::Outcome::kReplied;
  ++around_.counters.results[outcome];
  reports_.add({.kind = flight.kind,
                .outcome = outcome,
                .has_reply = true,
                .proof = proof,
                .task = flight.task,
                .position = flight.position,
                .at = flight.sent,
                .rtt = arrived.since(flight.sent),
                .src = around_.addresses[flight.port],
                .dst = flight.dst,
                .reply = summary_of(reply)},
               options_of(reply), reply.has_quote);
}

void Ends::answered_trace(const probes::Reply& reply, tasks::Proof proof, const Flight& flight,
                          unsigned owner, Tsc arrived) noexcept {
  const HopReport hop = hop_of(reply, proof, flight, arrived);
  if (owner == worker_) return traces_.answered(hop);
  [[maybe_unused]] const bool pushed = all_[owner]->inboxes_[worker_]->try_push(hop);
  BACKSIGHT_ASSERT(pushed);
}

bool Ends::take_handed_over() noexcept {
  bool did = false;
  std::array<HopReport, kMostHandedOver> answered;
  for (const auto& inbox : inboxes_) {
    const std::size_t count = inbox->pop(answered);
    for (const HopReport& hop : std::span(answered).first(count)) traces_.answered(hop);
    did |= count != 0;
  }
  return did;
}

void Ends::timed_out(const Flight& flight) noexcept {
  if (flight.trace != kNoTrace) return traces_.timed_out(flight.trace, flight.sent);
  report(flight, tasks::Outcome::kTimedOut, tasks::Reason::kNone, flight.sent);
}

void Ends::interrupted(const Flight& flight) noexcept {
  if (flight.trace != kNoTrace) return traces_.interrupted(flight.trace, flight.sent);
  report(flight, tasks::Outcome::kSendFailed, tasks::Reason::kLink, flight.sent);
}

void Ends::not_sent(const Flight& flight, tasks::Reason reason) noexcept {
  if (flight.trace != kNoTrace) return traces_.fail(flight.trace, reason);
  report(flight, tasks::Outcome::kSendFailed, reason, {});
}

// The end of a single probe to which no answer came.
void Ends::report(const Flight& flight, tasks::Outcome outcome, tasks::Reason reason,
                  Tsc sent) noexcept {
  ++around_.counters.results[outcome];
  reports_.add({.kind = flight.kind,
                .outcome = outcome,
                .reason = reason,
                .task = flight.task,
                .position = flight.position,
                .at = sent,
                .src = around_.addresses[flight.port],
                .dst = flight.dst});
}

void Ends::not_sent(const tasks::QueuedTask& queued, tasks::Reason reason) noexcept {
  const tasks::Task& task = queued.task;
  const bool is_trace = task.kind == probes::Kind::kTrace;
  ++around_.counters.results[tasks::Outcome::kSendFailed];
  reports_.add({.what = is_trace ? ReportKind::kTrace : ReportKind::kProbe,
                .kind = task.kind,
                .outcome = tasks::Outcome::kSendFailed,
                .reason = reason,
                .method = is_trace ? task.method : probes::TraceMethod::kIcmp,
                .task = task.id,
                .position = queued.position,
                .src = task.src,
                .dst = task.dst});
}

void Ends::sent(const tasks::QueuedTask& spoofed, Tsc at) noexcept {
  ++around_.counters.results[tasks::Outcome::kSent];
  reports_.add({.kind = spoofed.task.kind,
                .outcome = tasks::Outcome::kSent,
                .task = spoofed.task.id,
                .position = spoofed.position,
                .at = at,
                .src = spoofed.task.src,
                .dst = spoofed.task.dst});
}

void Ends::observed(const probes::Reply& reply, const probes::Identity& identity, probes::Kind kind,
                    probes::Ipv4Addr destination, Tsc arrived) noexcept {
  reports_.add({.what = ReportKind::kObservation,
                .kind = kind,
                .has_reply = true,
                .task = identity.id.number,
                .at = arrived,
                .src = reply.to,
                .dst = destination,
                .reply = summary_of(reply),
                .probe_vp = identity.id.vp},
               options_of(reply), reply.has_quote);
}

std::optional<std::uint32_t> Ends::udp_handle(const probes::Quoted& quoted) noexcept {
  if (quoted.protocol != probes::ipv4::kProtocolUdp) return std::nullopt;
  return traces_.udp_handle(quoted.dst,
                            probes::trace_udp::flow_of({quoted.src_port, quoted.dst_port}));
}

}  // namespace backsight::engine
