#include "tasks/trace_rules.h"

#include <array>

namespace backsight::tasks {
namespace {

using probes::Ipv4Addr;
using probes::TraceMethod;

constexpr std::uint8_t kProtocolUnreachable = 2;
constexpr std::uint8_t kPortUnreachable = 3;
constexpr std::size_t kMaxTtl = 255;

// Only then is it worth to look at rows.
bool comes_back(std::span<const Hop> hops) noexcept {
  const Ipv4Addr last = hops.back().reply.from;
  bool another_between = false;
  for (std::size_t i = hops.size() - 1; i-- > 0;) {
    if (!hops[i].has_reply) continue;
    if (hops[i].reply.from != last) {
      another_between = true;
    } else if (another_between) {
      return true;
    }
  }
  return false;
}

// Who answered at each TTL that was asked, in order. Unspecified: nobody.
struct Row {
  std::array<Ipv4Addr, kMaxTtl> who;
  std::size_t count = 0;

  explicit Row(std::span<const Hop> hops) noexcept {
    for (std::size_t i = 0; i < hops.size(); ++i) {
      if (i == 0 || hops[i].ttl != hops[i - 1].ttl) {
        if (count == who.size()) return;
        who[count++] = {};
      }
      if (hops[i].has_reply) who[count - 1] = hops[i].reply.from;
    }
  }

  // Whether each of the last `times` * `length` is who stands `length` before, two of them at
  // least. REQUIRES: count >= (times + 1) * length.
  [[nodiscard]] bool ends_in_repeats(std::size_t length, std::size_t times) const noexcept {
    Ipv4Addr known;
    bool are_several = false;
    for (std::size_t i = count - times * length; i < count; ++i) {
      const Ipv4Addr before = who[i - length];
      if (before.is_unspecified() || who[i].is_unspecified()) continue;
      if (before != who[i]) return false;
      are_several |= !known.is_unspecified() && known != who[i];
      known = who[i];
    }
    return are_several;
  }
};

}  // namespace

WayEnd way_end(const ReplySummary& reply, TraceMethod method, Ipv4Addr destination) noexcept {
  switch (reply.type) {
    case probes::ReplyType::kEchoReply:
    case probes::ReplyType::kTcpReset:
    case probes::ReplyType::kTcpSynAck:
      return WayEnd::kReached;
    case probes::ReplyType::kTimeExceeded:
      return WayEnd::kNone;
    case probes::ReplyType::kUnreachable: {
      const bool is_hosts_word =
          (reply.icmp_code == kPortUnreachable && method == TraceMethod::kUdp) ||
          (reply.icmp_code == kProtocolUnreachable && method != TraceMethod::kIcmp);
      return is_hosts_word && reply.from == destination ? WayEnd::kReached : WayEnd::kUnreachable;
    }
    default:
      return WayEnd::kUnreachable;
  }
}

bool ends_loop(std::span<const Hop> hops, std::uint8_t loop_limit) noexcept {
  if (loop_limit == 0 || !comes_back(hops)) return false;
  const Row row(hops);
  const std::size_t rows = std::size_t{loop_limit} + 1;
  for (std::size_t length = 2; length * rows <= row.count; ++length) {
    if (row.ends_in_repeats(length, loop_limit)) return true;
  }
  return false;
}

}  // namespace backsight::tasks
