// FlatBuffers messages to tasks and results: verify, then check what the verifier cannot know.
#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "schema_generated.h"
#include "tasks/codec/codec.h"
#include "tasks/codec/wire_form.h"

namespace backsight::tasks {

namespace {

using Fault = std::optional<std::string>;
using Words = flatbuffers::Vector<std::uint32_t>;
using Hops = flatbuffers::Vector<const wire::HopV1*>;

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kAlignment = 8;

template <typename Enum>
bool to_enum(std::uint8_t value, Enum& out, Enum most) {
  out = static_cast<Enum>(value);
  return value <= static_cast<std::uint8_t>(most);
}

// The last enumerator before kCount.
template <typename Enum>
constexpr Enum kLast = static_cast<Enum>(static_cast<std::uint8_t>(Enum::kCount) - 1);

template <typename Vector>
std::size_t size_of(const Vector* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// The verifier looks after a vector's length and not after its elements' boundary.
template <typename Vector>
bool is_aligned(const Vector* vector) {
  return vector == nullptr || reinterpret_cast<std::uintptr_t>(vector->Data()) % kAlignment == 0;
}

// FlatBuffers reads numbers where they stand, so they must stand on their own boundary.
class Aligned {
 public:
  explicit Aligned(std::span<const std::byte> message) : bytes_(message) {
    if (reinterpret_cast<std::uintptr_t>(message.data()) % kAlignment == 0) return;
    copy_.resize((message.size() + kAlignment - 1) / kAlignment);
    if (!message.empty()) std::memcpy(copy_.data(), message.data(), message.size());
    bytes_ = std::as_bytes(std::span(copy_)).first(message.size());
  }
  [[nodiscard]] const std::uint8_t* data() const {
    return reinterpret_cast<const std::uint8_t*>(bytes_.data());
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::vector<std::uint64_t> copy_;
};

// Returns the root table of a message that is safe to read and of a version we know.
template <typename Table>
Expected<const Table*> verified(const Aligned& message, const char* identifier, const char* what) {
  flatbuffers::Verifier verifier(message.data(), message.size(), 16, 1'000);
  // The identifier stands behind the root offset; shorter messages are none.
  if (message.size() < 8 || !verifier.VerifyBuffer<Table>(identifier)) {
    return run_failed(fmt::format("not a {} message: its structure is broken", what));
  }
  const auto* table = flatbuffers::GetRoot<Table>(message.data());
  if (table->schema() == 0 || table->schema() > kSchemaVersion) {
    return run_failed(
        fmt::format("the {} message has schema {}, this program reads up to {}; "
                    "upgrade it",
                    what, table->schema(), kSchemaVersion));
  }
  if (size_of(table->vp()) > kMaxName) {
    return run_failed(
        fmt::format("the {} message names a vantage point of {} characters; {} is "
                    "the most",
                    what, table->vp()->size(), kMaxName));
  }
  return table;
}

Fault read_task(const wire::TaskV1& form, Task& task) {
  task.id = form.id();
  task.kind = static_cast<probes::Kind>(form.kind());
  task.dst.value = form.dst();
  task.src.value = form.src();
  task.timeout_ms = form.timeout_ms();
  task.flow = form.flow();
  task.ttl = form.ttl();
  task.timestamp = static_cast<probes::TimestampType>(form.timestamp());
  task.prespecified_count = form.prespecified_count();
  for (std::size_t i = 0; i < task.prespecified.size(); ++i) {
    task.prespecified[i].value = form.prespecified()->Get(static_cast<std::uint32_t>(i));
  }
  task.method = static_cast<probes::TraceMethod>(form.method());
  task.first_ttl = form.first_ttl();
  task.max_ttl = form.max_ttl();
  task.attempts = form.attempts();
  task.gap_limit = form.gap_limit();
  task.loop_limit = static_cast<std::uint8_t>(form.loop_limit_less_one() + 1);
  return task_fault(task);
}

// Reads the records of one message of results; remembers the vectors that records point into.
class ResultReading {
 public:
  explicit ResultReading(const wire::ResultBatch& batch)
      : batch_(batch), words_(batch.words()), hops_(batch.hops_v1()), proofs_(batch.hop_proofs()) {}

  Fault read(ResultBatch& out) {
    if (!is_aligned(batch_.probes_v1()) || !is_aligned(batch_.traces_v1()) || !is_aligned(hops_) ||
        !is_aligned(batch_.observations_v1()) || !is_aligned(batch_.done_bits())) {
      return "not a result message: its records stand on no boundary";
    }
    if (proofs_ != nullptr && proofs_->size() != size_of(hops_)) {
      return "not a result message: its hops and their proofs are not as many";
    }
    if (auto fault = read_all(batch_.probes_v1(), out.probes, "probe")) return fault;
    if (auto fault = read_all(batch_.traces_v1(), out.traces, "trace")) return fault;
    return read_all(batch_.observations_v1(), out.observations, "observation");
  }

 private:
  template <typename Form, typename Record>
  Fault read_all(const flatbuffers::Vector<const Form*>* forms, std::vector<Record>& records,
                 const char* what) {
    records.resize(size_of(forms));
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (const char* fault = read(*forms->Get(static_cast<std::uint32_t>(i)), records[i])) {
        return fmt::format("{} {} of {}: {}", what, i + 1, records.size(), fault);
      }
    }
    return std::nullopt;
  }

  const char* read(const wire::ProbeV1& form, ProbeResult& result) {
    if (!to_enum(form.kind(), result.kind, kLast<probes::Kind>)) return "unknown kind";
    if (!to_enum(form.outcome(), result.outcome, kLast<Outcome>)) return "unknown outcome";
    if (!to_enum(form.reason(), result.reason, kLast<Reason>)) return "unknown reason";
    if (!to_enum(form.method(), result.method, kLast<probes::TraceMethod>)) return "unknown method";
    result.task = form.task();
    result.sent_at_ns = form.sent_at_ns();
    result.rtt_ns = form.rtt_ns();
    result.src.value = form.src();
    result.dst.value = form.dst();
    if (form.position() != 0) {
      result.position = batch_.first_position() + form.position() - 1;
      if (result.position < batch_.first_position() || result.position == 0) {
        return "its position is beyond all numbers";
      }
    }
    result.has_reply = (form.reply().flags() & kFlagReply) != 0;
    const auto proof = static_cast<std::uint8_t>(form.reply().flags() >> kProofShift & 3U);
    if (!to_enum(proof, result.proof, kLast<Proof>)) return "its proof is unknown";
    return read(form.reply(), result.reply, result.recorded);
  }

  const char* read(const wire::TraceV1& form, TraceResult& result) {
    if (const char* fault = read(form.head(), result.head)) return fault;
    if (!fits(form.hop_begin(), form.hop_count(), size_of(hops_))) return "its hops are not there";
    if (form.hop_begin() != hops_read_) return "its hops do not follow those of the trace before";
    hops_read_ += form.hop_count();
    result.hops.resize(form.hop_count());
    for (std::uint32_t i = 0; i < form.hop_count(); ++i) {
      const std::uint32_t at = form.hop_begin() + i;
      if (const char* fault = read(*hops_->Get(at), result.hops[i])) return fault;
      if (proofs_ != nullptr && !to_enum(proofs_->Get(at), result.hops[i].proof, kLast<Proof>)) {
        return "a hop's proof is unknown";
      }
    }
    return nullptr;
  }

  const char* read(const wire::HopV1& form, Hop& hop) {
    if (!to_enum(form.type(), hop.reply.type, probes::ReplyType::kTcpSynAck)) {
      return "a hop's reply is of unknown type";
    }
    hop.sent_at_ns = form.sent_at_ns();
    hop.rtt_ns = form.rtt_ns();
    hop.reply.from.value = form.from();
    hop.reply.ttl = form.reply_ttl();
    hop.reply.icmp_type = form.icmp_type();
    hop.reply.icmp_code = form.icmp_code();
    hop.ttl = form.ttl();
    hop.attempt = form.attempt();
    hop.quoted_ttl = form.quoted_ttl();
    hop.has_reply = (form.flags_labels() & kFlagReply) != 0;
    hop.label_count = static_cast<std::uint8_t>(form.flags_labels() >> 1);
    if (hop.label_count > hop.labels.size()) return "a hop has too many labels";
    if (!fits(form.words_begin(), hop.label_count, size_of(words_))) {
      return "a hop's labels are not there";
    }
    for (std::uint32_t i = 0; i < hop.label_count; ++i) {
      hop.labels[i] = probes::MplsLabel::of_entry(words_->Get(form.words_begin() + i));
    }
    return nullptr;
  }

  const char* read(const wire::ObservationV1& form, Observation& observation) {
    if (!to_enum(form.kind(), observation.kind, kLast<probes::Kind>)) return "unknown kind";
    observation.task = form.task();
    observation.received_at_ns = form.received_at_ns();
    observation.src.value = form.src();
    observation.dst.value = form.dst();
    observation.probe_vp = form.probe_vp();
    return read(form.reply(), observation.reply, observation.recorded);
  }

  const char* read(const wire::ReplyV1& form, ReplySummary& reply, Recorded& recorded) {
    if (!to_enum(form.type(), reply.type, probes::ReplyType::kTcpSynAck)) {
      return "its reply is of unknown type";
    }
    reply.from.value = form.from();
    reply.ttl = form.ttl();
    reply.icmp_type = form.icmp_type();
    reply.icmp_code = form.icmp_code();
    recorded.from_quote = (form.flags() & kFlagFromQuote) != 0;
    recorded.count = form.count();
    recorded.slots = form.slots_overflow() & 0xf;
    recorded.overflow = form.slots_overflow() >> 4;
    return read_recorded(form, recorded);
  }

  const char* read_recorded(const wire::ReplyV1& form, Recorded& recorded) {
    WireRecorded what{};
    if (!to_enum(form.recorded(), what, kLast<WireRecorded>)) return "its option is unknown";
    if (recorded.count > slots_of(what) || recorded.slots > probes::kMaxRecordedHops) {
      return "its option has too many slots";
    }
    set_what(what, recorded);
    const std::size_t needed =
        recorded.count * (std::size_t{has_addresses(what)} + std::size_t{has_milliseconds(what)});
    if (!fits(form.words_begin(), needed, size_of(words_))) return "its option's slots are missing";
    std::uint32_t at = form.words_begin();
    for (std::size_t i = 0; has_addresses(what) && i < recorded.count; ++i) {
      recorded.addresses[i].value = words_->Get(at++);
    }
    for (std::size_t i = 0; has_milliseconds(what) && i < recorded.count; ++i) {
      recorded.milliseconds[i] = words_->Get(at++);
    }
    return nullptr;
  }

  static void set_what(WireRecorded form, Recorded& recorded) {
    using probes::TimestampType;
    recorded.what = has_milliseconds(form) ? Recorded::What::kTimestamps
                    : has_addresses(form)  ? Recorded::What::kRoute
                                           : Recorded::What::kNothing;
    if (form == WireRecorded::kTimestampsWithAddresses) {
      recorded.timestamp = TimestampType::kWithAddresses;
    }
    if (form == WireRecorded::kTimestampsPrespecified) {
      recorded.timestamp = TimestampType::kPrespecified;
    }
  }

  static bool fits(std::size_t begin, std::size_t count, std::size_t size) {
    return count == 0 || (begin < size && count <= size - begin);
  }

  const wire::ResultBatch& batch_;
  const Words* words_;
  const Hops* hops_;
  const flatbuffers::Vector<std::uint8_t>* proofs_;
  std::size_t hops_read_ = 0;
};

}  // namespace

namespace {

ResultHead read_head(const wire::ResultBatch& table) {
  ResultHead head;
  if (table.vp() != nullptr) head.vp = table.vp()->str();
  head.boot_epoch = table.boot_epoch();
  head.batch = table.batch();
  head.done_low = table.done_low();
  head.has_done_bits = table.done_bits() != nullptr;
  head.log = table.log();
  return head;
}

template <typename Table>
bool has_newer_schema(const Aligned& message, const char* identifier) {
  flatbuffers::Verifier verifier(message.data(), message.size(), 16, 1'000);
  return message.size() >= 8 && verifier.VerifyBuffer<Table>(identifier) &&
         flatbuffers::GetRoot<Table>(message.data())->schema() > kSchemaVersion;
}

}  // namespace

Expected<TaskMessage> decode_tasks(std::span<const std::byte> message) {
  const Aligned aligned(message);
  const auto table = verified<wire::TaskBatch>(aligned, kTaskIdentifier, "task");
  if (!table) return tl::unexpected(table.error());
  const auto* forms = (*table)->tasks_v1();
  if (!is_aligned(forms)) return run_failed("not a task message: its tasks stand on no boundary");
  TaskMessage out;
  if ((*table)->vp() != nullptr) out.vp = (*table)->vp()->str();
  out.origin = {(*table)->source_sequence(), (*table)->source_time_ns()};
  out.tasks.resize(size_of(forms));
  for (std::size_t i = 0; i < out.tasks.size(); ++i) {
    if (auto fault = read_task(*forms->Get(static_cast<std::uint32_t>(i)), out.tasks[i])) {
      return run_failed(fmt::format("task {} of {}: {}", i + 1, out.tasks.size(), *fault));
    }
  }
  return out;
}

Expected<ResultMessage> decode_results(std::span<const std::byte> message) {
  const Aligned aligned(message);
  const auto verdict = verified<wire::ResultBatch>(aligned, kResultIdentifier, "result");
  if (!verdict) return tl::unexpected(verdict.error());
  const wire::ResultBatch& table = **verdict;
  ResultMessage out;
  out.head = read_head(table);
  if (auto fault = ResultReading(table).read(out.results)) return run_failed(std::move(*fault));
  if (table.done_bits() != nullptr) {
    out.head.done_bits.assign(table.done_bits()->begin(), table.done_bits()->end());
  }
  return out;
}

Expected<ResultHead> decode_result_head(std::span<const std::byte> message) {
  const Aligned aligned(message);
  const auto table = verified<wire::ResultBatch>(aligned, kResultIdentifier, "result");
  if (!table) return tl::unexpected(table.error());
  return read_head(**table);
}

bool is_of_newer_schema(std::span<const std::byte> message) {
  const Aligned aligned(message);
  return has_newer_schema<wire::ResultBatch>(aligned, kResultIdentifier) ||
         has_newer_schema<wire::TaskBatch>(aligned, kTaskIdentifier);
}

}  // namespace backsight::tasks
