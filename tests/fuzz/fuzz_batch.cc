// FlatBuffers messages: the first byte chooses tasks or results. Whatever is decoded is encoded,
// decoded and shown without a difference.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "queue/file/done_set.h"
#include "tasks/codec/codec.h"
#include "tasks/json/json.h"

namespace {

using namespace backsight;
using namespace backsight::tasks;

void try_tasks(std::span<const std::byte> message) {
  const auto tasks = decode_tasks(message);
  if (!tasks) return;
  Encoder encoder;
  const auto again = decode_tasks(encoder.encode(tasks->vp, tasks->tasks));
  if (!again || again->tasks.size() != tasks->tasks.size()) std::abort();
  for (std::size_t i = 0; i < tasks->tasks.size(); ++i) {
    if (task_fault(tasks->tasks[i]) || to_json(tasks->tasks[i]) != to_json(again->tasks[i])) {
      std::abort();
    }
  }
}

std::string text_of(const ResultBatch& batch) {
  std::string text;
  append_json(text, batch, "x");
  return text;
}

void try_results(std::span<const std::byte> message) {
  const auto results = decode_results(message);
  if (!results) return;
  const ResultBatch& batch = results->results;
  queue::DoneSet done;
  (void)done.merge(results->head.done_low % queue::kMaxOpenSpan, results->head.done_bits);
  Encoder encoder;
  const auto again = decode_results(
      encoder.encode(results->head, {batch.probes, batch.traces, batch.observations}));
  if (!again || text_of(again->results) != text_of(batch)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto message = std::as_bytes(std::span(data, size)).subspan(1);
  data[0] % 2 == 0 ? try_tasks(message) : try_results(message);
  return 0;
}
