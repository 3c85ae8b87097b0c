// Tasks and results as FlatBuffers messages (schema.fbs, ../docs/formats.md): the form of the file
// log and of brokers. Whoever decodes trusts nothing: the message is verified, then its meaning is
// checked. An error is one sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::tasks {

// Messages of a newer schema are refused: their reader is this program's next release.
inline constexpr std::uint32_t kSchemaVersion = 1;

// What stands at the head of a message of results.
struct ResultHead {
  std::string vp;
  std::uint64_t boot_epoch = 0;  // grows with every start of the vantage point
  std::uint64_t batch = 0;       // grows within a boot: (vp, boot_epoch, batch) names the message
  std::uint64_t done_low = 0;    // every task of a position below is done
  bool has_done_bits = false;    // the message holds a snapshot of the done tasks above, too
  std::vector<std::uint64_t> done_bits{};  // as DoneSet::encode makes them
  std::uint64_t log = 0;  // names the log it was first written to: positions are of that log
};

// The records of one message.
struct ResultSpans {
  std::span<const ProbeResult> probes;
  std::span<const TraceResult> traces;
  std::span<const Observation> observations;

  [[nodiscard]] std::size_t size() const noexcept {
    return probes.size() + traces.size() + observations.size();
  }
};

struct ResultMessage {
  ResultHead head;
  ResultBatch results;
};

// The broker's message in which tasks came: it comes again until it is acknowledged. Its number
// alone may be given out anew after the broker lost its disk.
struct TaskOrigin {
  std::uint64_t sequence = 0;  // 0: from no broker
  std::uint64_t time_ns = 0;   // when the broker took it
  friend auto operator<=>(const TaskOrigin&, const TaskOrigin&) = default;
};

struct TaskMessage {
  std::string vp;
  std::vector<Task> tasks;
  TaskOrigin origin{};
};

// Bytes that a record takes in a message at the most.
inline constexpr std::size_t kMaxProbeBytesEncoded = 56 + 36;
inline constexpr std::size_t kMaxObservationBytesEncoded = 48 + 36;
inline constexpr std::size_t kMaxHopBytesEncoded = 32 + 16;
inline constexpr std::size_t kTaskBytesEncoded = 48;

// Encodes; keeps its memory from message to message.
// Thread: one at a time.
class Encoder {
 public:
  Encoder();
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Returns the message, good until the next call.
  // REQUIRES: the positions of the tasks lie within 2^32 - 2 of each other.
  [[nodiscard]] std::span<const std::byte> encode(std::string_view vp, std::span<const Task> tasks,
                                                  const TaskOrigin& origin = {});
  [[nodiscard]] std::span<const std::byte> encode(const ResultHead& head,
                                                  const ResultSpans& results);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

[[nodiscard]] Expected<TaskMessage> decode_tasks(std::span<const std::byte> message);
[[nodiscard]] Expected<ResultMessage> decode_results(std::span<const std::byte> message);
// The head alone, without its done_bits; the records are not looked at.
[[nodiscard]] Expected<ResultHead> decode_result_head(std::span<const std::byte> message);
// True iff it is a whole message of tasks or results whose schema is newer than this program.
[[nodiscard]] bool is_of_newer_schema(std::span<const std::byte> message);

}  // namespace backsight::tasks
