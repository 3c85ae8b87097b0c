#include "controller/archive/rows.h"

#include "controller/json/annotation_json.h"
#include "controller/json/utf8.h"
#include "tasks/json/json.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using tasks::JsonText;

constexpr std::uint64_t kMicrosecondsInSecond = 1'000'000;
constexpr std::uint64_t kNanosecondsInMicrosecond = 1'000;

void write_reply(JsonText& json, const tasks::Hop& hop, const Annotation& annotation) {
  const probes::ReplyType type = hop.reply.type;
  write_known_address(json, "hop_ip", hop.reply.from);
  json.number("rtt", hop.rtt_ns / kNanosecondsInMicrosecond);
  json.number("reply_ttl", hop.reply.ttl);
  json.number("quoted_ttl", hop.quoted_ttl);
  if (type == probes::ReplyType::kTcpReset || type == probes::ReplyType::kTcpSynAck) {
    json.text("tcp", type == probes::ReplyType::kTcpReset ? "rst" : "syn-ack");
  } else {
    json.number("icmp_type", hop.reply.icmp_type);
    json.number("icmp_code", hop.reply.icmp_code);
  }
  if (hop.label_count > 0) tasks::write_labels(json, hop);
  write_annotation(json, hop.reply.from, annotation);
}

void write_hop(JsonText& json, const tasks::Hop& hop, const Annotation& annotation) {
  json.open('{');
  json.number("ttl", hop.ttl);
  json.number("attempt", hop.attempt);
  if (hop.has_reply) write_reply(json, hop, annotation);
  json.close('}');
}

void write_spoofer(JsonText& json, std::size_t rank, const RankedSpoofersRecord::Spoofer& spoofer) {
  json.open('{');
  json.number("rank", rank);
  json.text("vp", as_utf8(spoofer.vp));
  json.address("ip", spoofer.address);
  write_known_address(json, "ingress", spoofer.ingress);
  json.number("distance", spoofer.distance);
  json.number("ping_id", spoofer.ping);
  json.close('}');
}

}  // namespace

void append_raw(std::string& out, const PingRecord& record, const Annotation& /*annotation*/) {
  JsonText json(out);
  json.open('{');
  json.number("id", record.id);
  json.number("revtr_id", record.revtr);
  json.text("vp", as_utf8(record.vp));
  json.address("src", record.src);
  json.address("dst", record.dst);
  json.number("date", record.sent_unix_us / kMicrosecondsInSecond);
  json.number("sent_us", record.sent_unix_us);
  json.number("rtt", record.rtt_us);
  json.number("spoofed", record.is_spoofed ? 1 : 0);
  json.boolean("is_record_route", record.is_record_route);
  json.boolean("answered", record.is_answered);
  write_known_address(json, "reply_from", record.from);
  json.number("reply_ttl", record.reply_ttl);
  json.key("record_route");
  json.open('[');
  for (const probes::Ipv4Addr address : record.route) json.address(address);
  json.close(']');
  json.close('}');
}

void append_raw(std::string& out, const TraceRecord& record, const Annotation& annotation) {
  JsonText json(out);
  json.open('{');
  json.number("id", record.id);
  json.number("revtr_measurement_id", record.id);
  json.number("revtr_id", record.revtr);
  json.text("vp", as_utf8(record.vp));
  json.text("platform", as_utf8(record.platform));
  json.number("probe_id", record.probe);
  json.address("src", record.src);
  json.address("dst", record.dst);
  json.number("date", record.started_unix_us / kMicrosecondsInSecond);
  json.number("started_us", record.started_unix_us);
  json.text("stop_reason", tasks::name(record.outcome));
  json.key("hops");
  json.open('[');
  for (const tasks::Hop& hop : record.hops) write_hop(json, hop, annotation);
  json.close(']');
  json.close('}');
}

void append_raw(std::string& out, const RankedSpoofersRecord& record,
                const Annotation& /*annotation*/) {
  JsonText json(out);
  json.open('{');
  json.number("revtr_id", record.revtr);
  json.address("hop", record.hop);
  json.number("date", record.unix_us / kMicrosecondsInSecond);
  json.number("ranked_us", record.unix_us);
  json.text("ranking_technique", as_utf8(record.technique));
  json.key("ranked_spoofers");
  json.open('[');
  for (std::size_t i = 0; i < record.spoofers.size(); ++i) {
    write_spoofer(json, i + 1, record.spoofers[i]);
  }
  json.close(']');
  json.close('}');
}

}  // namespace backsight::controller
