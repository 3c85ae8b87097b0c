#include "cli/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "probes/reading/route_reading.h"

namespace backsight::cli {

namespace {

using probes::ReplyType;
using tasks::Outcome;

std::string milliseconds(std::uint64_t ns) {
  return fmt::format("{:.3f} ms", static_cast<double>(ns) / 1e6);
}

// "198.51.100.7", or "name (198.51.100.7)".
std::string target_text(std::string_view label, probes::Ipv4Addr address) {
  const std::string text = probes::to_string(address);
  return label.empty() || label == text ? text : fmt::format("{} ({})", label, text);
}

// What an ICMP error says (RFC 792), for a person.
std::string error_text(const tasks::ReplySummary& reply) {
  switch (reply.type) {
    case ReplyType::kEchoReply:
      return "reply";
    case ReplyType::kTimeExceeded:
      return "time exceeded";
    case ReplyType::kUnreachable:
      return fmt::format("unreachable (code {})", reply.icmp_code);
    case ReplyType::kParameterProblem:
      return "parameter problem";
    case ReplyType::kRedirect:
      return "redirect";
    case ReplyType::kTcpReset:
      return "TCP reset";
    case ReplyType::kTcpSynAck:
      return "TCP SYN-ACK";
  }
  return "reply";
}

std::string outcome_text(const tasks::ProbeResult& result) {
  switch (result.outcome) {
    case Outcome::kTimedOut:
      return "no answer";
    case Outcome::kSent:
      return "sent; the reply goes to the spoofed source";
    case Outcome::kRefused:
      return fmt::format("refused: {}", name(result.reason));
    case Outcome::kSendFailed:
      return fmt::format("could not be sent: {}", name(result.reason));
    default:
      break;
  }
  return fmt::format("{} from {}: ttl={} time={}", error_text(result.reply),
                     probes::to_string(result.reply.from), result.reply.ttl,
                     milliseconds(result.rtt_ns));
}

const char* part_of(std::size_t slot, const probes::RouteReading& reading) {
  if (reading.turning_point == probes::TurningPoint::kUnknown) return "";
  if (slot < reading.forward_end) return "forward";
  return slot < reading.reverse_begin ? "destination" : "reverse";
}

std::string route_text(const tasks::ProbeResult& result) {
  const tasks::Recorded& recorded = result.recorded;
  probes::RecordedRoute route;
  route.hops = recorded.addresses;
  route.count = recorded.count;
  route.slots = recorded.slots;
  const auto reading = probes::read_route(route, result.dst);
  std::string text;
  for (std::size_t i = 0; i < recorded.count; ++i) {
    const std::string line = fmt::format(
        "{:>4}  {:<15}  {}", i + 1, probes::to_string(recorded.addresses[i]), part_of(i, reading));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  if (recorded.from_quote) text += "      (as quoted in the error: the way there only)\n";
  if (recorded.count < recorded.slots) {
    text += fmt::format("      ({} of {} slots empty)\n", recorded.slots - recorded.count,
                        recorded.slots);
  } else if (reading.turning_point == probes::TurningPoint::kUnknown) {
    text += "      (full before the destination is known to have been reached)\n";
  }
  return text;
}

// Milliseconds since midnight UT, unless the top bit says another clock (RFC 791, section 3.1).
std::string clock_text(std::uint32_t stamp) {
  if (stamp >> 31 != 0) return fmt::format("{} (not standard time)", stamp & 0x7fffffff);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", stamp / 3'600'000, stamp / 60'000 % 60,
                     stamp / 1000 % 60, stamp % 1000);
}

std::string timestamps_text(const tasks::Recorded& recorded) {
  std::string text;
  for (std::size_t i = 0; i < recorded.count; ++i) {
    const bool has_address = recorded.timestamp != probes::TimestampType::kOnly;
    text += fmt::format(
        "{:>4}  {}{}\n", i + 1,
        has_address ? fmt::format("{:<15}  ", probes::to_string(recorded.addresses[i])) : "",
        clock_text(recorded.milliseconds[i]));
  }
  if (recorded.overflow > 0)
    text += fmt::format("      ({} more found no room)\n", recorded.overflow);
  return text;
}

std::string attempt_text(const tasks::Hop& hop, probes::Ipv4Addr& shown) {
  if (!hop.has_reply) return "  *";
  std::string text;
  if (hop.reply.from != shown) text += "  " + probes::to_string(hop.reply.from);
  shown = hop.reply.from;
  text += "  " + milliseconds(hop.rtt_ns);
  if (hop.proof != tasks::Proof::kWhole) text += " (by its handle alone)";
  if (hop.reply.type != ReplyType::kTimeExceeded && hop.reply.type != ReplyType::kEchoReply) {
    text += fmt::format(" [{}]", error_text(hop.reply));
  }
  for (std::size_t i = 0; i < hop.label_count; ++i) {
    text += fmt::format(" <MPLS {} tc {} ttl {}>", hop.labels[i].label, hop.labels[i].traffic_class,
                        hop.labels[i].ttl);
  }
  return text;
}

std::string end_text(const tasks::ProbeResult& head) {
  switch (head.outcome) {
    case Outcome::kReached:
      return "reached";
    case Outcome::kGapLimit:
      return "ended: too many hops in a row are silent";
    case Outcome::kMaxTtl:
      return "ended: the highest TTL was tried";
    case Outcome::kUnreachable:
      return "ended: told that the destination is unreachable";
    case Outcome::kLoop:
      return "ended: the path loops";
    default:
      return outcome_text(head);
  }
}

}  // namespace

std::string report(const tasks::ProbeResult& result, std::string_view label) {
  std::string text = fmt::format("{} {}: {}\n", probes::name(result.kind),
                                 target_text(label, result.dst), outcome_text(result));
  if (!result.has_reply) return text;
  if (result.recorded.what == tasks::Recorded::What::kRoute) text += route_text(result);
  if (result.recorded.what == tasks::Recorded::What::kTimestamps) {
    text += timestamps_text(result.recorded);
  }
  return text;
}

std::string report(const tasks::TraceResult& result, std::string_view label) {
  std::string text = fmt::format("trace {}, {}\n", target_text(label, result.head.dst),
                                 probes::name(result.head.method));
  std::vector<const tasks::Hop*> hops;
  for (const tasks::Hop& hop : result.hops) hops.push_back(&hop);
  // Attempts come in order of sending; people read them by distance.
  std::stable_sort(hops.begin(), hops.end(),
                   [](const auto* a, const auto* b) { return a->ttl < b->ttl; });
  for (std::size_t i = 0; i < hops.size();) {
    const unsigned ttl = hops[i]->ttl;
    text += fmt::format("{:>3}", ttl);
    probes::Ipv4Addr shown;
    for (; i < hops.size() && hops[i]->ttl == ttl; ++i) text += attempt_text(*hops[i], shown);
    text += '\n';
  }
  return text + "     " + end_text(result.head) + "\n";
}

}  // namespace backsight::cli
