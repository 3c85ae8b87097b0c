#include "controller/atlas_import/ripe_hops.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tracing/rules.h"

namespace backsight::controller {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using tasks::Hop;

constexpr std::uint64_t kMaxTtl = 255;
// The try that follows a run of silent hops, to see whether the destination answers at all.
constexpr std::uint8_t kLastTryTtl = 255;
constexpr double kMaxRttMs = 600'000;

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kTimeExceeded = 11;

bool has(object from, const char* key) { return from.at_key(key).error() == simdjson::SUCCESS; }

std::optional<std::uint8_t> byte_at(object from, const char* key) {
  std::uint64_t number = 0;
  if (from.at_key(key).get(number) || number > 255) return std::nullopt;
  return static_cast<std::uint8_t>(number);
}

// The code of ICMP's destination unreachable, from traceroute's letter or the number.
std::uint8_t unreachable_code(element err) {
  std::string_view letter;
  std::uint64_t number = 0;
  if (!err.get(number)) return static_cast<std::uint8_t>(std::min<std::uint64_t>(number, 255));
  if (err.get(letter)) return 0;
  if (letter == "H") return 1;
  if (letter == "P") return 2;
  if (letter == "p") return 3;
  if (letter == "A") return 13;
  return 0;  // "N": network
}

void read_labels(element extension, Hop& hop) {
  array objects;
  if (extension.at_key("obj").get(objects)) return;
  for (const element one : objects) {
    array labels;
    if (one.at_key("mpls").get(labels)) continue;
    for (const element entry : labels) {
      std::uint64_t label = 0;
      object members;
      if (hop.label_count == hop.labels.size() || entry.get(members)) return;
      if (members.at_key("label").get(label) || label >= 1U << 20) continue;
      probes::MplsLabel& kept = hop.labels[hop.label_count++];
      kept.label = static_cast<std::uint32_t>(label);
      kept.traffic_class = byte_at(members, "exp").value_or(0) & 7;
      kept.is_bottom = byte_at(members, "s").value_or(0) != 0;
      kept.ttl = byte_at(members, "ttl").value_or(0);
    }
  }
}

// What kind of packet answered. Results name only what is not a time exceeded.
void read_kind(object reply, RipeProtocol protocol, probes::Ipv4Addr dst, Hop& hop) {
  hop.reply.type = probes::ReplyType::kTimeExceeded;
  hop.reply.icmp_type = kTimeExceeded;
  element err;
  std::string_view flags;
  if (!reply.at_key("err").get(err)) {
    hop.reply.type = probes::ReplyType::kUnreachable;
    hop.reply.icmp_type = kUnreachable;
    hop.reply.icmp_code = unreachable_code(err);
  } else if (!reply.at_key("flags").get(flags)) {
    hop.reply.type = flags.find('R') == std::string_view::npos ? probes::ReplyType::kTcpSynAck
                                                               : probes::ReplyType::kTcpReset;
    hop.reply.icmp_type = 0;
  } else if (protocol == RipeProtocol::kIcmp && hop.reply.from == dst) {
    hop.reply.type = probes::ReplyType::kEchoReply;
    hop.reply.icmp_type = kEchoReply;
  }
}

// Nothing: no reply came, or one without an address.
std::optional<Hop> read_reply(object reply, RipeProtocol protocol, probes::Ipv4Addr dst) {
  std::string_view from;
  if (reply.at_key("from").get(from)) return std::nullopt;
  const auto address = probes::parse_ipv4(from);
  if (!address || address->is_unspecified()) return std::nullopt;
  Hop hop;
  hop.has_reply = true;
  hop.reply.from = *address;
  hop.reply.ttl = byte_at(reply, "ttl").value_or(0);
  hop.quoted_ttl = byte_at(reply, "ittl").value_or(1);
  double rtt_ms = 0;
  if (!reply.at_key("rtt").get(rtt_ms) && rtt_ms > 0 && rtt_ms <= kMaxRttMs) {
    hop.rtt_ns = static_cast<std::uint64_t>(std::llround(rtt_ms * 1e6));
  }
  read_kind(reply, protocol, dst, hop);
  element extension;
  if (!reply.at_key("icmpext").get(extension)) read_labels(extension, hop);
  return hop;
}

// Not one of this hop's own probes: a late reply to those before, a second reply, a failed sending.
bool is_no_attempt(object members) {
  return has(members, "late") || has(members, "dup") || has(members, "error");
}

// Keeps the reply unless the router has one that came faster.
void keep(const Hop& reply, std::vector<Hop>& hops, std::size_t first) {
  for (std::size_t i = first; i < hops.size(); ++i) {
    if (hops[i].reply.from != reply.reply.from) continue;
    const bool is_faster =
        reply.rtt_ns != 0 && (hops[i].rtt_ns == 0 || reply.rtt_ns < hops[i].rtt_ns);
    if (is_faster) hops[i] = reply;
    return;
  }
  hops.push_back(reply);
}

void read_attempts(array attempts, std::uint8_t ttl, RipeProtocol protocol, TraceRecord& record) {
  const std::size_t first = record.hops.size();
  std::uint8_t number = 0;
  for (const element attempt : attempts) {
    object members;
    if (attempt.get(members) || is_no_attempt(members)) continue;
    if (number < 255) ++number;
    auto reply = read_reply(members, protocol, record.dst);
    if (!reply) continue;
    reply->ttl = ttl;
    reply->attempt = number;
    keep(*reply, record.hops, first);
  }
  if (number == 0 || record.hops.size() > first) return;
  Hop silent;
  silent.ttl = ttl;
  silent.attempt = 1;
  record.hops.push_back(silent);
}

probes::TraceMethod method_of(RipeProtocol protocol) {
  switch (protocol) {
    case RipeProtocol::kUdp:
      return probes::TraceMethod::kUdp;
    case RipeProtocol::kTcp:
      return probes::TraceMethod::kTcp;
    default:
      return probes::TraceMethod::kIcmp;
  }
}

// Of a trace whose hops are read; `has_last_try`: one with TTL 255 followed.
tasks::Outcome outcome_of(const TraceRecord& record, RipeProtocol protocol, bool has_last_try) {
  bool is_unreachable = false;
  for (const Hop& hop : record.hops) {
    if (!hop.has_reply) continue;
    const tracing::WayEnd end = tracing::way_end(hop.reply, method_of(protocol), record.dst);
    // What a destination answers to UDP stands there without a kind.
    const bool is_answer = hop.reply.type == probes::ReplyType::kTimeExceeded;
    if (hop.reply.from == record.dst && (is_answer || end == tracing::WayEnd::kReached)) {
      return tasks::Outcome::kReached;
    }
    is_unreachable = is_unreachable || end == tracing::WayEnd::kUnreachable;
  }
  if (is_unreachable) return tasks::Outcome::kUnreachable;
  const bool ends_silent = record.hops.empty() || !record.hops.back().has_reply;
  return has_last_try || ends_silent ? tasks::Outcome::kGapLimit : tasks::Outcome::kMaxTtl;
}

}  // namespace

std::string read_ripe_hops(array hops, RipeProtocol protocol, TraceRecord& record) {
  std::uint64_t last_ttl = 0;
  bool has_last_try = false;
  for (const element one : hops) {
    object hop;
    if (one.get(hop)) return "a hop is not an object";
    std::uint64_t ttl = 0;
    if (hop.at_key("hop").get(ttl) || ttl == 0 || ttl > kMaxTtl)
      return "a hop has no number of 1 to 255";
    if (ttl <= last_ttl) return "its hops are not in order";
    if (ttl == kLastTryTtl && last_ttl + 1 < ttl) {
      has_last_try = true;
      break;
    }
    last_ttl = ttl;
    array attempts;
    if (hop.at_key("result").get(attempts)) continue;  // "error": it could not be sent
    read_attempts(attempts, static_cast<std::uint8_t>(ttl), protocol, record);
  }
  record.hops.shrink_to_fit();
  record.outcome = outcome_of(record, protocol, has_last_try);
  return "";
}

}  // namespace backsight::controller
