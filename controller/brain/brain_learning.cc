// What is learned from every probe, whoever wanted it, and what is archived of it.
#include <algorithm>
#include <utility>

#include "controller/brain/brain.h"
#include "controller/measurement/route_split.h"

namespace backsight::controller {

namespace {

// Why a probe was not sent, where the next one may be.
bool is_passing(tasks::Reason reason) {
  return reason == tasks::Reason::kNone || reason == tasks::Reason::kNeighbour ||
         reason == tasks::Reason::kTransmit || reason == tasks::Reason::kStopped ||
         reason == tasks::Reason::kNeighboursFull || reason == tasks::Reason::kLink;
}

}  // namespace

void Brain::learn_route(const Answer& answer, const Now& now) {
  const RouteSplit split = split_route(answer.recorded, answer.key.dst, answer.key.src, aliases_);
  const VpIndex sender = answer.key.sender;
  if (split.by == RouteSplit::By::kTarget || split.by == RouteSplit::By::kLastMile) {
    ranking_.learn(sender, answer.key.dst, split.used, now.steady);
  } else if (split.by == RouteSplit::By::kNothing && split.count == answer.recorded.slots) {
    ranking_.learn(sender, answer.key.dst, 0, now.steady);
  }
  for (std::uint8_t i = 0; i < split.forward; ++i) {
    ranking_.learn_passed(sender, answer.recorded.addresses[i], static_cast<std::uint8_t>(i + 1),
                          now.steady);
  }
  if (split.target_stamped) surveyor_.remember(answer.key.dst);
  silence_.forget(Silence::Of::kRecordRoute, answer.key.dst);
  keeper_.on_route(answer, now);
}

void Brain::learn(const Answer& answer, const Now& now) {
  if (answer.state == Answer::State::kFailed) {
    const bool is_refusal = answer.reason == tasks::Reason::kNotEnrolled ||
                            answer.reason == tasks::Reason::kSourceDenied;
    const auto source = vantage_.by_address(answer.key.src);
    if (answer.is_spoofed && is_refusal && source) {
      vantage_.learn_refusal(answer.key.sender, *source);
    }
    if (answer.key.kind == probes::Kind::kTrace) keeper_.on_trace(answer, now);
    if (answer.key.kind == probes::Kind::kRecordRoute && is_passing(answer.reason)) {
      keeper_.on_failed(answer, now);
    }
    return;
  }
  if (answer.key.kind == probes::Kind::kTrace) {
    for (const tasks::Hop& hop : answer.hops) {
      if (hop.has_reply)
        ranking_.learn_passed(answer.key.sender, hop.reply.from, hop.ttl, now.steady);
    }
    if (answer.state == Answer::State::kAnswered) {
      vantage_.learn(answer.key.sender, Capability::kTrace,
                     std::ranges::any_of(answer.hops, &tasks::Hop::has_reply), now.steady);
    }
    keeper_.on_trace(answer, now);
    return;
  }
  if (answer.state == Answer::State::kAnswered) {
    silence_.forget(Silence::Of::kAnything, answer.key.dst);
    if (answer.is_spoofed) {
      vantage_.learn(answer.key.sender, Capability::kSpoof, true, now.steady);
      if (const auto receiver = vantage_.by_address(answer.key.src)) {
        vantage_.learn(*receiver, Capability::kReceiveSpoofed, true, now.steady);
      }
    }
  }
  if (answer.has_route()) learn_route(answer, now);
}

void Brain::archive(const Answer& answer) {
  if (answer.state == Answer::State::kFailed) return;
  if (answer.key.kind == probes::Kind::kTrace) {
    TraceRecord record;
    record.id = answer.id;
    record.revtr = answer.revtr;
    record.vp = vantage_.of(answer.key.sender).said.name;
    record.platform = "backsight";
    record.src = answer.key.src;
    record.dst = answer.key.dst;
    record.started_unix_us = answer.sent_unix_us;
    record.outcome = answer.outcome;
    record.hops = answer.hops;
    record.is_atlas = answer.revtr == 0;
    output_->traces.push_back(std::move(record));
    return;
  }
  PingRecord record;
  record.id = answer.id;
  record.revtr = answer.revtr;
  record.vp = vantage_.of(answer.key.sender).said.name;
  record.src = answer.key.src;
  record.dst = answer.key.dst;
  record.sent_unix_us = answer.sent_unix_us;
  record.rtt_us = static_cast<std::uint32_t>(answer.rtt_ns / 1000);
  record.is_spoofed = answer.is_spoofed;
  record.is_record_route = answer.key.kind == probes::Kind::kRecordRoute;
  record.is_answered = answer.state == Answer::State::kAnswered;
  record.from = answer.reply.from;
  record.reply_ttl = answer.reply.ttl;
  if (answer.has_route()) {
    const auto& addresses = answer.recorded.addresses;
    record.route.assign(addresses.begin(), addresses.begin() + answer.recorded.count);
  }
  output_->pings.push_back(std::move(record));
}

}  // namespace backsight::controller
