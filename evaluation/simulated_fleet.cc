#include "evaluation/simulated_fleet.h"

#include <algorithm>
#include <array>
#include <utility>

#include "evaluation/surroundings.h"
#include "probes/reply.h"
#include "tasks/trace_rules.h"

namespace backsight::evaluation {

namespace {

using probes::Kind;

constexpr std::uint8_t kTraceTtl = 64;
constexpr SteadyNs kGather = 20 * controller::kMillisecond;  // as backsight-vp's group commit

const probes::Template& template_of(Kind kind) {
  static const probes::Template kPing({.kind = Kind::kPing});
  static const probes::Template kRoute({.kind = Kind::kRecordRoute});
  static const probes::Template kTime({.kind = Kind::kTimestamp});
  static const probes::Template kTrace({.kind = Kind::kTrace});
  switch (kind) {
    case Kind::kRecordRoute:
      return kRoute;
    case Kind::kTimestamp:
      return kTime;
    case Kind::kTrace:
      return kTrace;
    default:
      return kPing;
  }
}

tasks::ReplySummary summary_of(const probes::Reply& reply) {
  return {reply.from, reply.type, reply.ttl, reply.icmp_type, reply.icmp_code};
}

// What a message holds of them (docs/formats.md, Messages).
std::size_t bytes_of(const tasks::ResultBatch& results) {
  constexpr std::size_t kProbe = 56, kTrace = 64, kHop = 32, kLabel = 4, kObservation = 48;
  const auto recorded = [](const tasks::Recorded& it) { return std::size_t{4} * it.count; };
  std::size_t bytes = 0;
  for (const auto& it : results.probes) bytes += kProbe + recorded(it.recorded);
  for (const auto& it : results.observations) bytes += kObservation + recorded(it.recorded);
  for (const auto& it : results.traces) {
    bytes += kTrace;
    for (const tasks::Hop& hop : it.hops) bytes += kHop + kLabel * hop.label_count;
  }
  return bytes;
}

tasks::Recorded recorded_of(const probes::IpOptions& options) {
  tasks::Recorded recorded;
  if (!options.has_record_route) return recorded;
  recorded.what = tasks::Recorded::What::kRoute;
  recorded.count = options.record_route.count;
  recorded.slots = options.record_route.slots;
  recorded.addresses = options.record_route.hops;
  return recorded;
}

}  // namespace

SimulatedFleet::SimulatedFleet(sim::World& world, const Options& options)
    : world_(world), options_(options) {
  for (const auto& vp : world.vantage_points()) vps_.push_back({.address = vp.address});
}

controller::Announcement SimulatedFleet::announcement(std::size_t vp, SteadyNs now) const {
  controller::Announcement said;
  said.name = "vp" + std::to_string(vp + 1);
  said.number = static_cast<std::uint16_t>(vp + 1);
  said.address = vps_[vp].address;
  said.pps = options_.pps;
  said.is_ready = true;
  said.started_at_ns = 1;
  said.updated_at_ns = now;
  return said;
}

void SimulatedFleet::add(Event event) {
  event.number = next_event_++;
  events_.push(std::move(event));
}

std::vector<std::uint64_t> SimulatedFleet::packets_by_vp() const {
  std::vector<std::uint64_t> packets;
  for (const VpState& vp : vps_) packets.push_back(vp.packets);
  return packets;
}

SteadyNs SimulatedFleet::next_due() const {
  return events_.empty() ? ~SteadyNs{0} : events_.top().at;
}

void SimulatedFleet::put(std::size_t vp, const tasks::Task& task, SteadyNs now) {
  ++figures_.tasks;
  const std::uint64_t id = next_flight_++;
  Flight& flight = flights_[id];
  flight.task = task;
  flight.vp = vp;
  flight.is_spoofed = !task.src.is_unspecified() && task.src != vps_[vp].address;
  if (task.kind == Kind::kTrace) {
    flight.trace = std::make_unique<Trace>();
    flight.trace->ttl = task.first_ttl;
  }
  send_when_free(id, now + options_.queue_delay);
}

// Its vantage point's rate holds.
void SimulatedFleet::send_when_free(std::uint64_t id, SteadyNs now) {
  VpState& vp = vps_[flights_.at(id).vp];
  vp.free_at = std::max(vp.free_at, now);
  add({.at = vp.free_at, .what = Event::What::kSend, .flight = id});
  vp.free_at += static_cast<SteadyNs>(controller::kSecond / options_.pps);
}

tasks::ProbeResult SimulatedFleet::head_of(const Flight& flight) const {
  tasks::ProbeResult head;
  head.task = flight.task.id;
  head.kind = flight.task.kind;
  head.src = flight.is_spoofed ? flight.task.src : vps_[flight.vp].address;
  head.dst = flight.task.dst;
  head.sent_at_ns = kEpochNs + flight.sent_at;
  return head;
}

void SimulatedFleet::report(std::size_t vp, tasks::ResultBatch results, SteadyNs now) {
  ++figures_.records;
  figures_.record_bytes += bytes_of(results);
  if (now >= vps_[vp].gathers_to) {
    ++figures_.messages;
    vps_[vp].gathers_to = now + kGather;
  }
  add({.at = now + options_.queue_delay,
       .what = Event::What::kReport,
       .vp = vp,
       .results = std::make_shared<tasks::ResultBatch>(std::move(results))});
}

void SimulatedFleet::send(std::uint64_t id, SteadyNs now) {
  Flight& flight = flights_.at(id);
  const tasks::Task& task = flight.task;
  flight.sent_at = now;
  by_handle_.erase(flight.handle);
  flight.handle = next_handle_++;
  by_handle_[flight.handle] = id;
  const probes::Template& shape = template_of(task.kind);
  probes::ProbeFields fields;
  fields.src = flight.is_spoofed ? task.src : vps_[flight.vp].address;
  fields.dst = task.dst;
  fields.ttl = flight.trace ? flight.trace->ttl : kTraceTtl;
  fields.ip_id = static_cast<std::uint16_t>(flight.handle);
  fields.flow = task.flow;
  fields.handle = flight.handle;
  fields.identity.id = {static_cast<std::uint16_t>(flight.vp + 1), task.id};
  std::array<std::byte, probes::kMaxProbeBytes> bytes;
  (void)shape.craft(fields, bytes.data());
  ++figures_.packets;
  ++vps_[flight.vp].packets;
  deliveries_.clear();
  (void)world_.inject({bytes.data(), shape.size()}, vps_[flight.vp].address, kEpochNs + now,
                      deliveries_);
  for (const sim::Delivery& it : deliveries_.all()) {
    const auto packet = deliveries_.bytes(it);
    add({.at = it.at_ns - kEpochNs,
         .what = Event::What::kArrive,
         .vp = it.vantage_point,
         .packet = std::make_shared<std::vector<std::byte>>(packet.begin(), packet.end())});
  }
  if (flight.is_spoofed) {
    tasks::ResultBatch results;
    results.probes.push_back(head_of(flight));
    results.probes.back().outcome = tasks::Outcome::kSent;
    report(flight.vp, std::move(results), now);
  }
  add({.at = now + task.timeout_ms * controller::kMillisecond,
       .what = Event::What::kTimeout,
       .flight = id,
       .handle = flight.handle});
}

void SimulatedFleet::arrive(std::size_t vp, const std::vector<std::byte>& packet, SteadyNs now) {
  const auto reply = probes::parse_packet(packet);
  if (!reply) return;
  ++figures_.delivered;
  const auto at = by_handle_.find(reply->handle);
  if (at == by_handle_.end()) {
    ++figures_.unmatched;
    return;
  }
  const std::uint64_t id = at->second;
  Flight& flight = flights_.at(id);
  if (flight.trace) return answer_trace(id, flight, &*reply, now);
  const bool is_reply = reply->type == probes::ReplyType::kEchoReply;
  tasks::ResultBatch results;
  if (flight.is_spoofed) {
    tasks::Observation seen;
    seen.task = flight.task.id;
    seen.received_at_ns = kEpochNs + now;
    seen.src = flight.task.src;
    seen.dst = flight.task.dst;
    seen.probe_vp = static_cast<std::uint16_t>(flight.vp + 1);
    seen.kind = flight.task.kind;
    seen.reply = summary_of(*reply);
    seen.recorded = is_reply ? recorded_of(reply->options) : tasks::Recorded{};
    results.observations.push_back(seen);
  } else {
    tasks::ProbeResult result = head_of(flight);
    result.outcome = is_reply ? tasks::Outcome::kReplied : tasks::Outcome::kError;
    result.rtt_ns = now - flight.sent_at;
    result.has_reply = true;
    result.reply = summary_of(*reply);
    result.recorded = is_reply ? recorded_of(reply->options) : tasks::Recorded{};
    results.probes.push_back(result);
  }
  report(vp, std::move(results), now);
  by_handle_.erase(flight.handle);
  flights_.erase(id);
}

void SimulatedFleet::end_trace(std::uint64_t id, Flight& flight, tasks::Outcome outcome,
                               SteadyNs now) {
  tasks::ResultBatch results;
  flight.trace->result.head = head_of(flight);
  flight.trace->result.head.outcome = outcome;
  results.traces.push_back(std::move(flight.trace->result));
  report(flight.vp, std::move(results), now);
  by_handle_.erase(flight.handle);
  flights_.erase(id);
}

void SimulatedFleet::answer_trace(std::uint64_t id, Flight& flight, const probes::Reply* reply,
                                  SteadyNs now) {
  Trace& trace = *flight.trace;
  by_handle_.erase(flight.handle);
  tasks::Hop hop;
  hop.ttl = trace.ttl;
  hop.attempt = trace.attempt;
  hop.sent_at_ns = kEpochNs + flight.sent_at;
  if (reply != nullptr) {
    hop.has_reply = true;
    hop.rtt_ns = now - flight.sent_at;
    hop.reply = summary_of(*reply);
  }
  trace.result.hops.push_back(hop);
  const tasks::Task& task = flight.task;
  if (reply == nullptr && trace.attempt < task.attempts) {
    ++trace.attempt;
    return send_when_free(id, now);
  }
  trace.silent = reply != nullptr ? std::uint8_t{0} : static_cast<std::uint8_t>(trace.silent + 1);
  if (reply != nullptr) {
    switch (tasks::way_end(hop.reply, task.method, task.dst)) {
      case tasks::WayEnd::kReached:
        return end_trace(id, flight, tasks::Outcome::kReached, now);
      case tasks::WayEnd::kUnreachable:
        return end_trace(id, flight, tasks::Outcome::kUnreachable, now);
      case tasks::WayEnd::kNone:
        break;
    }
    if (tasks::ends_loop(trace.result.hops, task.loop_limit)) {
      return end_trace(id, flight, tasks::Outcome::kLoop, now);
    }
  }
  if (trace.silent >= task.gap_limit) return end_trace(id, flight, tasks::Outcome::kGapLimit, now);
  if (trace.ttl == task.max_ttl) return end_trace(id, flight, tasks::Outcome::kMaxTtl, now);
  ++trace.ttl;
  trace.attempt = 1;
  send_when_free(id, now);
}

void SimulatedFleet::time_out(std::uint64_t id, SteadyNs now) {
  const auto at = flights_.find(id);
  if (at == flights_.end()) return;
  Flight& flight = at->second;
  if (flight.trace) return answer_trace(id, flight, nullptr, now);
  if (!flight.is_spoofed) {
    tasks::ResultBatch results;
    results.probes.push_back(head_of(flight));
    results.probes.back().outcome = tasks::Outcome::kTimedOut;
    report(flight.vp, std::move(results), now);
  }
  by_handle_.erase(flight.handle);
  flights_.erase(at);
}

void SimulatedFleet::advance(SteadyNs now, const Report& report) {
  while (!events_.empty() && events_.top().at <= now) {
    const Event event = events_.top();
    events_.pop();
    switch (event.what) {
      case Event::What::kSend:
        send(event.flight, event.at);
        break;
      case Event::What::kArrive:
        arrive(event.vp, *event.packet, event.at);
        break;
      case Event::What::kTimeout: {
        const auto at = by_handle_.find(event.handle);
        if (at != by_handle_.end() && at->second == event.flight) time_out(event.flight, event.at);
        break;
      }
      case Event::What::kReport:
        report(event.vp, *event.results);
        break;
    }
  }
}

}  // namespace backsight::evaluation
