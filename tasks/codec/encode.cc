// Tasks and results to FlatBuffers messages.
#include <algorithm>

#include "schema_generated.h"
#include "tasks/codec/codec.h"
#include "tasks/codec/wire_form.h"

namespace backsight::tasks {

struct Encoder::Memory {
  flatbuffers::FlatBufferBuilder builder{std::size_t{256} * 1024};
  std::vector<std::uint32_t> words;  // of the message under way
  std::vector<wire::HopV1> hops;
  std::vector<std::uint8_t> proofs;  // of these hops
};

namespace {

wire::TaskV1 to_wire(const Task& task) {
  std::array<std::uint32_t, probes::kMaxTimestampAddresses> prespecified{};
  for (std::size_t i = 0; i < prespecified.size(); ++i) {
    prespecified[i] = task.prespecified[i].value;
  }
  return {task.id,
          task.dst.value,
          task.src.value,
          task.timeout_ms,
          flatbuffers::span<const std::uint32_t, 4>(prespecified),
          task.flow,
          static_cast<std::uint8_t>(task.kind),
          task.ttl,
          static_cast<std::uint8_t>(task.timestamp),
          task.prespecified_count,
          static_cast<std::uint8_t>(task.method),
          task.first_ttl,
          task.max_ttl,
          task.attempts,
          task.gap_limit,
          static_cast<std::uint8_t>(task.loop_limit - 1)};
}

// Appends the filled slots of `recorded` to `words`.
void append_words(const Recorded& recorded, WireRecorded form, std::vector<std::uint32_t>& words) {
  const std::size_t count = std::min<std::size_t>(recorded.count, slots_of(form));
  if (has_addresses(form)) {
    for (std::size_t i = 0; i < count; ++i) words.push_back(recorded.addresses[i].value);
  }
  if (has_milliseconds(form)) {
    for (std::size_t i = 0; i < count; ++i) words.push_back(recorded.milliseconds[i]);
  }
}

wire::ReplyV1 to_wire(bool has_reply, Proof proof, const ReplySummary& reply,
                      const Recorded& recorded, std::vector<std::uint32_t>& words) {
  const auto begin = static_cast<std::uint32_t>(words.size());
  const WireRecorded form = wire_form(recorded);
  append_words(recorded, form, words);
  const unsigned flags = (has_reply ? kFlagReply : 0U) |
                         (recorded.from_quote ? kFlagFromQuote : 0U) |
                         static_cast<unsigned>(proof) << kProofShift;
  const unsigned slots_overflow = (recorded.slots & 0xfU) | (recorded.overflow & 0xfU) << 4;
  return {reply.from.value,
          begin,
          static_cast<std::uint8_t>(reply.type),
          reply.ttl,
          reply.icmp_type,
          reply.icmp_code,
          static_cast<std::uint8_t>(flags),
          static_cast<std::uint8_t>(form),
          static_cast<std::uint8_t>(std::min<std::size_t>(recorded.count, slots_of(form))),
          static_cast<std::uint8_t>(slots_overflow)};
}

wire::ProbeV1 to_wire(const ProbeResult& result, std::uint64_t first_position,
                      std::vector<std::uint32_t>& words) {
  const std::uint64_t position = result.position == 0 ? 0 : result.position - first_position + 1;
  return {result.task,
          result.sent_at_ns,
          result.rtt_ns,
          static_cast<std::uint32_t>(position),
          result.src.value,
          result.dst.value,
          static_cast<std::uint8_t>(result.kind),
          static_cast<std::uint8_t>(result.outcome),
          static_cast<std::uint8_t>(result.reason),
          static_cast<std::uint8_t>(result.method),
          to_wire(result.has_reply, result.proof, result.reply, result.recorded, words)};
}

wire::HopV1 to_wire(const Hop& hop, std::vector<std::uint32_t>& words) {
  const auto begin = static_cast<std::uint32_t>(words.size());
  const std::size_t labels = std::min<std::size_t>(hop.label_count, hop.labels.size());
  for (std::size_t i = 0; i < labels; ++i) words.push_back(hop.labels[i].entry());
  return {hop.sent_at_ns,
          hop.rtt_ns,
          hop.reply.from.value,
          begin,
          hop.ttl,
          hop.attempt,
          hop.quoted_ttl,
          static_cast<std::uint8_t>((hop.has_reply ? kFlagReply : 0U) | labels << 1),
          static_cast<std::uint8_t>(hop.reply.type),
          hop.reply.ttl,
          hop.reply.icmp_type,
          hop.reply.icmp_code};
}

wire::ObservationV1 to_wire(const Observation& observation, std::vector<std::uint32_t>& words) {
  return {observation.task,
          observation.received_at_ns,
          observation.src.value,
          observation.dst.value,
          observation.probe_vp,
          static_cast<std::uint8_t>(observation.kind),
          0,
          to_wire(true, Proof::kWhole, observation.reply, observation.recorded, words)};
}

// The least position of a task of these results, or 1.
std::uint64_t least_position(const ResultSpans& results) {
  std::uint64_t least = UINT64_MAX;
  for (const ProbeResult& result : results.probes) {
    if (result.position != 0) least = std::min(least, result.position);
  }
  for (const TraceResult& result : results.traces) {
    if (result.head.position != 0) least = std::min(least, result.head.position);
  }
  return least == UINT64_MAX ? 1 : least;
}

template <typename Record, typename Source, typename Convert>
flatbuffers::Offset<flatbuffers::Vector<const Record*>> write_vector(
    flatbuffers::FlatBufferBuilder& builder, std::span<const Source> records, Convert convert) {
  if (records.empty()) return 0;
  return builder.CreateVectorOfStructs<Record>(
      records.size(), [&](std::size_t i, Record* at) { *at = convert(records[i]); });
}

std::span<const std::byte> finished(flatbuffers::FlatBufferBuilder& builder) {
  return std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
}

}  // namespace

Encoder::Encoder() : memory_(std::make_unique<Memory>()) {}
Encoder::~Encoder() = default;

std::span<const std::byte> Encoder::encode(std::string_view vp, std::span<const Task> tasks,
                                           const TaskOrigin& origin) {
  auto& builder = memory_->builder;
  builder.Clear();
  const auto records =
      write_vector<wire::TaskV1>(builder, tasks, [](const Task& task) { return to_wire(task); });
  const auto name = builder.CreateString(vp.data(), vp.size());
  builder.Finish(wire::CreateTaskBatch(builder, kSchemaVersion, name, records, origin.sequence,
                                       origin.time_ns),
                 kTaskIdentifier);
  return finished(builder);
}

std::span<const std::byte> Encoder::encode(const ResultHead& head, const ResultSpans& results) {
  auto& [builder, words, hops, proofs] = *memory_;
  builder.Clear();
  words.clear();
  hops.clear();
  proofs.clear();
  const std::uint64_t first = least_position(results);
  const auto probes = write_vector<wire::ProbeV1>(
      builder, results.probes,
      [&, &words = words](const ProbeResult& result) { return to_wire(result, first, words); });
  const auto traces = write_vector<wire::TraceV1>(
      builder, results.traces,
      [&, &words = words, &hops = hops, &proofs = proofs](const TraceResult& result) {
        const auto begin = static_cast<std::uint32_t>(hops.size());
        for (const Hop& hop : result.hops) {
          hops.push_back(to_wire(hop, words));
          proofs.push_back(static_cast<std::uint8_t>(hop.proof));
        }
        return wire::TraceV1(to_wire(result.head, first, words), begin,
                             static_cast<std::uint32_t>(result.hops.size()));
      });
  const auto observations = write_vector<wire::ObservationV1>(
      builder, results.observations,
      [&words = words](const Observation& observation) { return to_wire(observation, words); });
  const auto hop_records = hops.empty() ? 0 : builder.CreateVectorOfStructs(hops);
  const bool are_whole = std::ranges::all_of(proofs, [](std::uint8_t proof) { return proof == 0; });
  const auto hop_proofs = are_whole ? 0 : builder.CreateVector(proofs);
  const auto word_records = words.empty() ? 0 : builder.CreateVector(words);
  const auto bits = head.has_done_bits ? builder.CreateVector(head.done_bits) : 0;
  const auto name = builder.CreateString(head.vp);
  builder.Finish(wire::CreateResultBatch(builder, kSchemaVersion, name, head.boot_epoch, head.batch,
                                         first, head.done_low, bits, probes, traces, hop_records,
                                         observations, word_records, head.log, hop_proofs),
                 kResultIdentifier);
  return finished(builder);
}

}  // namespace backsight::tasks
