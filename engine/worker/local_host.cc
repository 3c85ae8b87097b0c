#include "engine/worker/local_host.h"

#include <array>
#include <cstring>

#include "engine/device/echo_responder.h"
#include "engine/device/neighbours.h"
#include "engine/device/queue_pair.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ipv4.h"

namespace backsight::engine {
namespace {

constexpr std::uint64_t kEchoReplyIntervalUs = 1'000;
constexpr std::uint64_t kNeighbourCheckMs = 10;
constexpr std::size_t kMaxAsked = 16;  // ARP requests in one go

// Of an answer that answer_echo_in_place() made.
probes::Ipv4Addr echo_destination(std::span<const std::byte> frame) noexcept {
  return {probes::load_be32(&frame[kEthernetBytes + probes::ipv4::kDestination])};
}

}  // namespace

ArpOutcome LocalHost::take_arp(std::size_t port, std::span<const std::byte> frame,
                               Tsc arrived) noexcept {
  const Lane& lane = around_.lanes[port];
  const probes::Ipv4Addr own = around_.addresses[port];
  const auto packet = parse_arp(frame);
  if (!packet) return ArpOutcome::kMalformed;
  const bool is_ours = packet->sender_mac == lane.mac && !lane.shares_mac;
  if (is_ours && packet->sender == own) return ArpOutcome::kOther;
  if (is_ours) return ArpOutcome::kBadSender;
  const ArpOutcome heard = lane.neighbours.hear(*packet, arrived);
  if (heard == ArpOutcome::kConflict || heard == ArpOutcome::kBadSender || !packet->is_request ||
      packet->target != own) {
    return heard;
  }
  if (lane.answers && send(lane, craft_arp_reply(lane.mac, own, *packet)))
    ++around_.counters.arp_sent;
  return ArpOutcome::kRequest;
}

void LocalHost::answer_ping(std::size_t port, std::span<std::byte> frame, Tsc arrived,
                            const SendPolicy* policy) noexcept {
  // A broadcast ping is not answered (RFC 1122, section 3.2.2.6).
  if (load_mac(frame.data()) == probes::kBroadcastMac) return;
  if (!echo_replies_.allows(arrived)) return;
  const std::span<std::byte> reply = answer_echo_in_place(frame, around_.addresses[port]);
  if (reply.empty()) return;
  // Who is on the deny list may have been named by somebody else.
  if (policy != nullptr && policy->denies(echo_destination(reply))) return;
  echo_replies_.take(arrived, around_.clock.from_ns(kEchoReplyIntervalUs * 1000), {});
  if (send(around_.lanes[port], reply)) ++around_.counters.echo_replies_sent;
}

void LocalHost::ask_neighbours(Tsc now) noexcept {
  if (now < next_neighbour_check_) return;
  next_neighbour_check_ = now + around_.clock.from_ms(kNeighbourCheckMs);
  std::array<Neighbours::Question, kMaxAsked> questions;
  for (std::size_t port = 0; port < around_.lanes.size(); ++port) {
    const Lane& lane = around_.lanes[port];
    if (lane.is_held) continue;
    const std::size_t count = lane.neighbours.due(now, questions);
    for (const Neighbours::Question& it : std::span(questions).first(count)) {
      if (send(lane, craft_arp_request(lane.mac, around_.addresses[port], it.address, it.to))) {
        ++around_.counters.arp_sent;
      }
    }
  }
}

// At once, beside the probes. False: no buffer, or the port did not accept it.
bool LocalHost::send(const Lane& lane, std::span<const std::byte> frame) noexcept {
  if (lane.is_held || is_silenced_.load(std::memory_order_relaxed)) return false;
  TxBurst burst;
  if (!burst.reserve(lane.queue.pool(), 1)) {
    ++around_.counters.no_buffer;
    return false;
  }
  std::memcpy(burst.append(frame.size()), frame.data(), frame.size());
  return lane.queue.transmit(burst) == 1;
}

}  // namespace backsight::engine
