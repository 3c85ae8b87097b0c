#include "tracing/rules.h"

#include "probes/protocols.h"

namespace backsight::tracing {
namespace {

using probes::Ipv4Addr;
using probes::TraceMethod;

}  // namespace

WayEnd way_end(const tasks::ReplySummary& reply, TraceMethod method,
               Ipv4Addr destination) noexcept {
  switch (reply.type) {
    case probes::ReplyType::kEchoReply:
    case probes::ReplyType::kTcpReset:
    case probes::ReplyType::kTcpSynAck:
      return WayEnd::kReached;
    case probes::ReplyType::kTimeExceeded:
      return WayEnd::kNone;
    case probes::ReplyType::kUnreachable: {
      const auto& protocol = probes::protocol_of(probes::Kind::kTrace, method);
      return protocol.arrives_with(reply.icmp_code) && reply.from == destination
                 ? WayEnd::kReached
                 : WayEnd::kUnreachable;
    }
    default:
      return WayEnd::kUnreachable;
  }
}

void HopRow::ask() noexcept {
  if (count_ == kMost) {
    first_ = static_cast<std::uint8_t>((first_ + 1U) % kMost);
  } else {
    ++count_;
  }
  answer({});
}

bool HopRow::ends_loop(std::uint8_t loop_limit) const noexcept {
  if (loop_limit == 0 || !comes_back()) return false;
  const std::size_t rows = std::size_t{loop_limit} + 1;
  for (std::size_t length = 2; length * rows <= count_; ++length) {
    if (ends_in_repeats(length, loop_limit)) return true;
  }
  return false;
}

// The last address stands before, behind another one. Only then is it worth to look at rows.
bool HopRow::comes_back() const noexcept {
  if (count_ == 0 || at(count_ - 1U).is_unspecified()) return false;
  const Ipv4Addr last = at(count_ - 1U);
  bool another_between = false;
  for (std::size_t i = count_ - 1U; i-- > 0;) {
    if (at(i).is_unspecified()) continue;
    if (at(i) != last) {
      another_between = true;
    } else if (another_between) {
      return true;
    }
  }
  return false;
}

// Whether each of the last `times` * `length` is who stands `length` before, two of them at least.
// REQUIRES: count_ >= (times + 1) * length.
bool HopRow::ends_in_repeats(std::size_t length, std::size_t times) const noexcept {
  Ipv4Addr known;
  bool are_several = false;
  for (std::size_t i = count_ - times * length; i < count_; ++i) {
    const Ipv4Addr before = at(i - length);
    if (before.is_unspecified() || at(i).is_unspecified()) continue;
    if (before != at(i)) return false;
    are_several |= !known.is_unspecified() && known != at(i);
    known = at(i);
  }
  return are_several;
}

HopRow row_of(std::span<const tasks::Hop> hops) noexcept {
  HopRow row;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (i == 0 || hops[i].ttl != hops[i - 1].ttl) row.ask();
    if (hops[i].has_reply) row.answer(hops[i].reply.from);
  }
  return row;
}

}  // namespace backsight::tracing
