#include "engine/worker/trace.h"

#include "probes/wire/assert.h"

namespace backsight::engine {
namespace {

// ICMP unreachable codes that only the destination itself sends (RFC 1122, section 3.2.2.1).
constexpr std::uint8_t kProtocolUnreachable = 2;
constexpr std::uint8_t kPortUnreachable = 3;

}  // namespace

Trace::Step Trace::start(const queue::QueuedTask& task) noexcept {
  task_ = task;
  count_ = 0;
  silent_hops_ = 0;
  ttl_ = task.task.first_ttl;
  attempt_ = 1;
  return {.ttl = ttl_, .attempt = attempt_};
}

void Trace::sent(std::uint64_t sent_at_ns) noexcept {
  BACKSIGHT_ASSERT(count_ < hops_.size());
  queue::Hop& hop = hops_[count_++];
  hop = queue::Hop{};
  hop.sent_at_ns = sent_at_ns;
  hop.ttl = ttl_;
  hop.attempt = attempt_;
}

Trace::Step Trace::answered(const queue::Hop& answer, bool for_destination) noexcept {
  BACKSIGHT_ASSERT(count_ > 0);
  const bool is_loop = closes_loop(answer.reply.from);
  queue::Hop& hop = hops_[count_ - 1U];
  const std::uint64_t sent_at_ns = hop.sent_at_ns;
  hop = answer;
  hop.has_reply = true;
  hop.sent_at_ns = sent_at_ns;
  hop.ttl = ttl_;
  hop.attempt = attempt_;
  silent_hops_ = 0;
  if (for_destination) return over(queue::Outcome::kReached);
  if (answer.reply.type != probes::ReplyType::kTimeExceeded) {
    return over(queue::Outcome::kUnreachable);
  }
  if (is_loop) return over(queue::Outcome::kLoop);
  return next_hop();
}

Trace::Step Trace::timed_out() noexcept {
  if (attempt_ < task_.task.attempts) {
    ++attempt_;
    return {.ttl = ttl_, .attempt = attempt_};
  }
  if (++silent_hops_ >= task_.task.gap_limit) return over(queue::Outcome::kGapLimit);
  return next_hop();
}

Trace::Step Trace::next_hop() noexcept {
  if (ttl_ >= task_.task.max_ttl) return over(queue::Outcome::kMaxTtl);
  ++ttl_;
  attempt_ = 1;
  return {.ttl = ttl_, .attempt = attempt_};
}

// An address twice in a row is a router that forwards a packet with TTL 0, not a loop.
bool Trace::closes_loop(probes::Ipv4Addr from) const noexcept {
  bool another_between = false;
  for (std::size_t i = count_ - 1U; i-- > 0;) {
    if (!hops_[i].has_reply) continue;
    if (hops_[i].reply.from != from) {
      another_between = true;
    } else if (another_between) {
      return true;
    }
  }
  return false;
}

bool Trace::answers_for_destination(const probes::Reply& reply,
                                    probes::Ipv4Addr destination) noexcept {
  switch (reply.type) {
    case probes::ReplyType::kEchoReply:
    case probes::ReplyType::kTcpReset:
    case probes::ReplyType::kTcpSynAck:
      return true;
    case probes::ReplyType::kUnreachable:
      return reply.from == destination || reply.icmp_code == kPortUnreachable ||
             reply.icmp_code == kProtocolUnreachable;
    default:
      return false;
  }
}

}  // namespace backsight::engine
