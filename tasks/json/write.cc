// Records to JSON by hand: the keys are few and fixed, and a hundred thousand lines a second must
// be no burden.
#include "tasks/json/json.h"
#include "tasks/json/json_text.h"
#include "tasks/numbers.h"

namespace backsight::tasks {

namespace {

bool is_tcp(probes::ReplyType type) noexcept {
  return type == probes::ReplyType::kTcpReset || type == probes::ReplyType::kTcpSynAck;
}

// What the answering packet was: ICMP type and code, or the TCP flags.
void write_packet_kind(JsonText& json, const ReplySummary& reply) {
  if (is_tcp(reply.type)) {
    json.text("tcp", reply.type == probes::ReplyType::kTcpReset ? "rst" : "syn-ack");
    return;
  }
  json.number("icmp_type", reply.icmp_type);
  json.number("icmp_code", reply.icmp_code);
}

void write_proof(JsonText& json, Proof proof) {
  if (proof != Proof::kWhole) json.text("proof", name(proof));
}

void write_reply(JsonText& json, const ReplySummary& reply, Proof proof) {
  json.key("reply");
  json.open('{');
  json.address("from", reply.from);
  json.number("ttl", reply.ttl);
  write_packet_kind(json, reply);
  write_proof(json, proof);
  json.close('}');
}

void write_route(JsonText& json, const Recorded& recorded) {
  json.key("record_route");
  json.open('[');
  for (std::size_t i = 0; i < recorded.count && i < recorded.addresses.size(); ++i) {
    json.address(recorded.addresses[i]);
  }
  json.close(']');
  json.number("record_route_slots", recorded.slots);
  if (recorded.from_quote) json.text("record_route_from", "quote");
}

void write_timestamps(JsonText& json, const Recorded& recorded) {
  json.key("timestamps");
  json.open('[');
  for (std::size_t i = 0; i < recorded.count && i < recorded.milliseconds.size(); ++i) {
    json.open('{');
    if (recorded.timestamp != probes::TimestampType::kOnly) {
      json.address("address", recorded.addresses[i]);
    }
    json.number("ms", recorded.milliseconds[i]);
    json.close('}');
  }
  json.close(']');
  json.number("timestamps_overflow", recorded.overflow);
  if (recorded.from_quote) json.text("timestamps_from", "quote");
}

void write_recorded(JsonText& json, const Recorded& recorded) {
  if (recorded.what == Recorded::What::kRoute) write_route(json, recorded);
  if (recorded.what == Recorded::What::kTimestamps) write_timestamps(json, recorded);
}

// The keys that every result has, up to `reason`.
void write_head(JsonText& json, const ProbeResult& result, std::string_view vp) {
  json.number("task", result.task);
  json.text("vp", vp);
  json.text("kind", probes::name(result.kind));
  json.address("src", result.src);
  json.address("dst", result.dst);
  if (result.kind == probes::Kind::kTrace) json.text("method", probes::name(result.method));
  json.text("outcome", name(result.outcome));
  if (result.outcome == Outcome::kRefused || result.outcome == Outcome::kSendFailed) {
    json.text("reason", name(result.reason));
  }
  if (result.sent_at_ns != 0) json.number("sent_at_ns", result.sent_at_ns);
}

void write_hop(JsonText& json, const Hop& hop) {
  json.open('{');
  json.number("ttl", hop.ttl);
  json.number("attempt", hop.attempt);
  if (hop.has_reply) {
    json.address("from", hop.reply.from);
    json.number("rtt_ns", hop.rtt_ns);
    json.number("reply_ttl", hop.reply.ttl);
    json.number("quoted_ttl", hop.quoted_ttl);
    write_packet_kind(json, hop.reply);
    write_proof(json, hop.proof);
    if (hop.label_count > 0) write_labels(json, hop);
  }
  json.close('}');
}

void write_trace(JsonText& json, const ProbeResult& head, const std::vector<Hop>& hops,
                 std::string_view vp) {
  json.open('{');
  write_head(json, head, vp);
  json.key("hops");
  json.open('[');
  for (const Hop& hop : hops) write_hop(json, hop);
  json.close(']');
  json.close('}');
}

void write(JsonText& json, const TraceResult& result, std::string_view vp) {
  write_trace(json, result.head, result.hops, vp);
}

void write(JsonText& json, const ProbeResult& result, std::string_view vp) {
  if (result.kind == probes::Kind::kTrace) {  // refused, so without hops
    write_trace(json, result, {}, vp);
    return;
  }
  json.open('{');
  write_head(json, result, vp);
  if (result.has_reply) {
    json.number("rtt_ns", result.rtt_ns);
    write_reply(json, result.reply, result.proof);
    write_recorded(json, result.recorded);
  }
  json.close('}');
}

void write(JsonText& json, const Observation& observation, std::string_view vp) {
  json.open('{');
  json.key("observation");
  json.boolean(true);
  json.text("vp", vp);
  json.number("probe_vp", observation.probe_vp);
  json.number("task", observation.task);
  json.text("kind", probes::name(observation.kind));
  json.address("src", observation.src);
  json.address("dst", observation.dst);
  json.number("received_at_ns", observation.received_at_ns);
  write_reply(json, observation.reply, Proof::kWhole);
  write_recorded(json, observation.recorded);
  json.close('}');
}

// Of a task: the numbers that `kind` alone has, of nothing those that all have, where they differ
// from the default.
void write_numbers(JsonText& json, const Task& task, std::optional<probes::Kind> kind) {
  const Task usual;
  for_each_number([&](const Number& it, auto member) {
    if (it.kind == kind && task.*member != usual.*member) json.number(it.key, task.*member);
  });
}

void write_kind_keys(JsonText& json, const Task& task) {
  const Task usual;
  if (task.kind == probes::Kind::kTimestamp) {
    if (task.timestamp != usual.timestamp) json.text("ts", probes::name(task.timestamp));
    if (task.timestamp == probes::TimestampType::kPrespecified) {
      json.key("ts_addresses");
      json.open('[');
      for (std::size_t i = 0; i < task.prespecified_count && i < task.prespecified.size(); ++i) {
        json.address(task.prespecified[i]);
      }
      json.close(']');
    }
  }
  if (task.kind == probes::Kind::kTrace && task.method != usual.method) {
    json.text("method", probes::name(task.method));
  }
  write_numbers(json, task, task.kind);
}

template <typename Record>
std::string record_to_json(const Record& record, std::string_view vp) {
  std::string out;
  JsonText json(out);
  write(json, record, vp);
  return out;
}

template <typename Record>
void append_line(std::string& out, const Record& record, std::string_view vp) {
  JsonText json(out);
  write(json, record, vp);
  out += '\n';
}

}  // namespace

void write_labels(JsonText& json, const Hop& hop) {
  json.key("mpls");
  json.open('[');
  for (std::size_t i = 0; i < hop.label_count && i < hop.labels.size(); ++i) {
    json.open('{');
    json.number("label", hop.labels[i].label);
    json.number("tc", hop.labels[i].traffic_class);
    json.boolean("bottom", hop.labels[i].is_bottom);
    json.number("ttl", hop.labels[i].ttl);
    json.close('}');
  }
  json.close(']');
}

std::string to_json(const Task& task) {
  std::string out;
  JsonText json(out);
  json.open('{');
  json.number("id", task.id);
  json.text("kind", probes::name(task.kind));
  json.address("dst", task.dst);
  if (!task.src.is_unspecified()) json.address("src", task.src);
  write_numbers(json, task, std::nullopt);
  write_kind_keys(json, task);
  json.close('}');
  return out;
}

std::string to_json(const ProbeResult& result, std::string_view vp) {
  return record_to_json(result, vp);
}
std::string to_json(const TraceResult& result, std::string_view vp) {
  return record_to_json(result, vp);
}
std::string to_json(const Observation& observation, std::string_view vp) {
  return record_to_json(observation, vp);
}

void append_json(std::string& out, const ProbeResult& result, std::string_view vp) {
  append_line(out, result, vp);
}
void append_json(std::string& out, const TraceResult& result, std::string_view vp) {
  append_line(out, result, vp);
}
void append_json(std::string& out, const Observation& observation, std::string_view vp) {
  append_line(out, observation, vp);
}

void append_json(std::string& out, const ResultBatch& batch, std::string_view vp) {
  for (const ProbeResult& result : batch.probes) append_line(out, result, vp);
  for (const TraceResult& result : batch.traces) append_line(out, result, vp);
  for (const Observation& observation : batch.observations) append_line(out, observation, vp);
}

}  // namespace backsight::tasks
