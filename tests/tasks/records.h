// Random tasks and results, right in every field, from a seed.
#pragma once

#include <random>

#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::tasks {

using Random = std::mt19937_64;

inline std::uint8_t byte_below(Random& random, unsigned end) {
  return static_cast<std::uint8_t>(random() % end);
}

inline probes::Ipv4Addr random_address(Random& random) {
  return {static_cast<std::uint32_t>(random())};
}

inline probes::Kind random_kind(Random& random) {
  return static_cast<probes::Kind>(byte_below(random, 4));
}

// The four flavours: 0, 1 and 3.
inline probes::TimestampType random_timestamp(Random& random) {
  constexpr probes::TimestampType kAll[] = {probes::TimestampType::kOnly,
                                            probes::TimestampType::kWithAddresses,
                                            probes::TimestampType::kPrespecified};
  return kAll[random() % 3];
}

inline Task random_task(Random& random) {
  Task task;
  task.id = random() >> 16;
  task.kind = random_kind(random);
  task.dst = random_address(random);
  if (random() % 2 == 0) task.src = random_address(random);
  if (random() % 2 == 0) task.timeout_ms = static_cast<std::uint32_t>(1 + random() % kMaxTimeoutMs);
  if (random() % 2 == 0) task.flow = static_cast<std::uint16_t>(random());
  if (random() % 2 == 0) task.ttl = static_cast<std::uint8_t>(1 + random() % 255);
  if (task.kind == probes::Kind::kTimestamp) {
    task.timestamp = random_timestamp(random);
    if (task.timestamp == probes::TimestampType::kPrespecified) {
      task.prespecified_count = static_cast<std::uint8_t>(1 + random() % 4);
      for (std::size_t i = 0; i < task.prespecified_count; ++i) {
        task.prespecified[i] = random_address(random);
      }
    }
  }
  if (task.kind == probes::Kind::kTrace) {
    task.method = static_cast<probes::TraceMethod>(byte_below(random, 3));
    task.first_ttl = static_cast<std::uint8_t>(1 + random() % 200);
    task.max_ttl = static_cast<std::uint8_t>(task.first_ttl + random() % 26);
    task.attempts = static_cast<std::uint8_t>(1 + random() % 9);
    task.gap_limit = static_cast<std::uint8_t>(1 + random() % 255);
    if (random() % 2 == 0) task.loop_limit = byte_below(random, 256);
  }
  return task;
}

inline ReplySummary random_reply(Random& random) {
  return {.from = random_address(random),
          .type = static_cast<probes::ReplyType>(byte_below(random, 7)),
          .ttl = byte_below(random, 256),
          .icmp_type = byte_below(random, 256),
          .icmp_code = byte_below(random, 256)};
}

inline Recorded random_recorded(Random& random) {
  Recorded recorded;
  recorded.what = static_cast<Recorded::What>(byte_below(random, 3));
  if (recorded.what == Recorded::What::kNothing) return recorded;
  recorded.from_quote = random() % 2 == 0;
  recorded.slots = byte_below(random, 10);
  recorded.count = byte_below(random, recorded.slots + 1U);
  const bool is_route = recorded.what == Recorded::What::kRoute;
  if (!is_route) {
    recorded.timestamp = random_timestamp(random);
    recorded.overflow = byte_below(random, 16);
  }
  for (std::size_t i = 0; i < recorded.count; ++i) {
    if (is_route || recorded.timestamp != probes::TimestampType::kOnly) {
      recorded.addresses[i] = random_address(random);
    }
    if (!is_route) recorded.milliseconds[i] = static_cast<std::uint32_t>(random());
  }
  return recorded;
}

// Nearly all replies prove all they can.
inline Proof random_proof(Random& random) {
  if (random() % 8 != 0) return Proof::kWhole;
  return static_cast<Proof>(byte_below(random, static_cast<unsigned>(Proof::kCount)));
}

inline ProbeResult random_result(Random& random) {
  ProbeResult result;
  result.task = random() >> 16;
  result.position = random() % 3 == 0 ? 0 : 1'000'000'000'000 + random() % 1'000'000;
  result.sent_at_ns = random();
  result.rtt_ns = random() % 1'000'000'000;
  result.src = random_address(random);
  result.dst = random_address(random);
  result.kind = random_kind(random);
  result.outcome = static_cast<Outcome>(byte_below(random, static_cast<unsigned>(Outcome::kCount)));
  result.reason = static_cast<Reason>(byte_below(random, static_cast<unsigned>(Reason::kCount)));
  result.method = static_cast<probes::TraceMethod>(byte_below(random, 3));
  result.has_reply = random() % 2 == 0;
  result.proof = random_proof(random);
  result.reply = random_reply(random);
  result.recorded = random_recorded(random);
  return result;
}

inline Hop random_hop(Random& random) {
  Hop hop;
  hop.sent_at_ns = random();
  hop.rtt_ns = random();
  hop.reply = random_reply(random);
  hop.ttl = byte_below(random, 256);
  hop.attempt = byte_below(random, 11);
  hop.has_reply = random() % 2 == 0;
  hop.proof = random_proof(random);
  hop.quoted_ttl = byte_below(random, 256);
  hop.label_count = byte_below(random, 5);
  for (std::size_t i = 0; i < hop.label_count; ++i) {
    hop.labels[i] = {.label = static_cast<std::uint32_t>(random() & 0xfffff),
                     .traffic_class = byte_below(random, 8),
                     .is_bottom = random() % 2 == 0,
                     .ttl = byte_below(random, 256)};
  }
  return hop;
}

inline TraceResult random_trace(Random& random) {
  TraceResult trace{random_result(random), {}};
  trace.head.kind = probes::Kind::kTrace;
  const std::size_t hops = random() % 20;
  for (std::size_t i = 0; i < hops; ++i) trace.hops.push_back(random_hop(random));
  return trace;
}

inline Observation random_observation(Random& random) {
  return {.task = random() >> 16,
          .received_at_ns = random(),
          .src = random_address(random),
          .dst = random_address(random),
          .probe_vp = static_cast<std::uint16_t>(random()),
          .kind = random_kind(random),
          .reply = random_reply(random),
          .recorded = random_recorded(random)};
}

inline ResultBatch random_batch(Random& random, std::size_t most = 12) {
  ResultBatch batch;
  for (std::size_t i = random() % most; i > 0; --i) batch.probes.push_back(random_result(random));
  for (std::size_t i = random() % most; i > 0; --i) batch.traces.push_back(random_trace(random));
  for (std::size_t i = random() % most; i > 0; --i) {
    batch.observations.push_back(random_observation(random));
  }
  return batch;
}

}  // namespace backsight::tasks
