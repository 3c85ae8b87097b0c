// FlatBuffers messages: round trips, and no message that is cut or changed does harm.
#include "tasks/codec/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "records.h"
#include "tasks/json/json.h"

namespace backsight::tasks {
namespace {

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

// All that a batch says, as text: what differs is shown by the failing test.
std::string text_of(const ResultBatch& batch) {
  std::string text;
  append_json(text, batch, "ams01");
  for (const ProbeResult& result : batch.probes) text += std::to_string(result.position) + " ";
  for (const TraceResult& result : batch.traces) text += std::to_string(result.head.position) + " ";
  return text;
}

ResultSpans spans_of(const ResultBatch& batch) {
  return {batch.probes, batch.traces, batch.observations};
}

TEST(Codec, GivesTasksBack) {
  Random random(1);
  Encoder encoder;
  for (int round = 0; round < 50; ++round) {
    std::vector<Task> tasks;
    for (std::size_t i = random() % 40; i > 0; --i) tasks.push_back(random_task(random));
    const auto message = decode_tasks(encoder.encode("ams01", tasks));
    ASSERT_TRUE(message) << message.error().sentence;
    EXPECT_EQ(message->vp, "ams01");
    ASSERT_EQ(message->tasks.size(), tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      EXPECT_EQ(to_json(message->tasks[i]), to_json(tasks[i]));
    }
  }
}

TEST(Codec, GivesResultsBack) {
  Random random(2);
  Encoder encoder;
  for (int round = 0; round < 200; ++round) {
    const ResultBatch batch = random_batch(random);
    ResultHead head{.vp = "fra02", .boot_epoch = random(), .batch = random(), .done_low = random()};
    head.has_done_bits = round % 2 == 0;
    if (head.has_done_bits) head.done_bits = {1, 2, 3};
    const auto message = decode_results(encoder.encode(head, spans_of(batch)));
    ASSERT_TRUE(message) << message.error().sentence;
    EXPECT_EQ(message->head.vp, "fra02");
    EXPECT_EQ(message->head.boot_epoch, head.boot_epoch);
    EXPECT_EQ(message->head.batch, head.batch);
    EXPECT_EQ(message->head.done_low, head.done_low);
    EXPECT_EQ(message->head.has_done_bits, head.has_done_bits);
    EXPECT_EQ(message->head.done_bits, head.done_bits);
    EXPECT_EQ(text_of(message->results), text_of(batch));
    // What JSON leaves out stays, too.
    for (std::size_t i = 0; i < batch.probes.size(); ++i) {
      EXPECT_EQ(message->results.probes[i].has_reply, batch.probes[i].has_reply);
      EXPECT_EQ(message->results.probes[i].reason, batch.probes[i].reason);
      EXPECT_EQ(message->results.probes[i].recorded.addresses, batch.probes[i].recorded.addresses);
    }
  }
}

// The figures of docs/formats.md.
TEST(Codec, TakesFewBytesAResult) {
  Random random(3);
  std::vector<ProbeResult> results(1000);
  for (ProbeResult& result : results) {
    result = random_result(random);
    result.recorded = {};
  }
  Encoder encoder;
  const ResultHead head{.vp = "ams01"};
  EXPECT_LE(encoder.encode(head, {results, {}, {}}).size(), 1000U * 56 + 200);
  for (ProbeResult& result : results) {
    result.recorded.what = Recorded::What::kRoute;
    result.recorded.count = result.recorded.slots = 9;
  }
  EXPECT_LE(encoder.encode(head, {results, {}, {}}).size(), 1000U * 92 + 200);
}

TEST(Codec, ReadsAMessageThatStandsAnywhere) {
  Random random(4);
  Encoder encoder;
  const ResultBatch batch = random_batch(random);
  const auto message = encoder.encode({.vp = "ams01"}, spans_of(batch));
  std::vector<std::byte> shifted(message.size() + 8);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::copy(message.begin(), message.end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto again = decode_results(std::span(shifted).subspan(shift, message.size()));
    ASSERT_TRUE(again) << again.error().sentence;
    EXPECT_EQ(text_of(again->results), text_of(batch));
  }
}

TEST(Codec, RefusesEachTruncation) {
  Random random(5);
  Encoder encoder;
  const std::vector<Task> tasks{random_task(random), random_task(random)};
  const auto task_message = copy_of(encoder.encode("ams01", tasks));
  const ResultBatch batch = random_batch(random, 4);
  const auto result_message = copy_of(encoder.encode({.vp = "ams01"}, spans_of(batch)));
  for (std::size_t size = 0; size < task_message.size(); ++size) {
    const std::vector<std::byte> cut(task_message.begin(),
                                     task_message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_tasks(cut)) << size;
  }
  for (std::size_t size = 0; size < result_message.size(); ++size) {
    const std::vector<std::byte> cut(result_message.begin(),
                                     result_message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_results(cut)) << size;
  }
}

// Whatever is let through has each number in its range.
TEST(Codec, LetsNoMutationDoHarm) {
  const auto seed = std::getenv("SEED") != nullptr ? std::strtoull(std::getenv("SEED"), nullptr, 10)
                                                   : std::random_device{}();
  SCOPED_TRACE(testing::Message() << "SEED=" << seed);
  Random random(seed);
  Encoder encoder;
  std::size_t accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    const ResultBatch batch = random_batch(random, 4);
    auto message = copy_of(encoder.encode({.vp = "ams01"}, spans_of(batch)));
    for (std::size_t i = 1 + random() % 4; i > 0; --i) {
      message[random() % message.size()] = static_cast<std::byte>(random());
    }
    const auto decoded = decode_results(message);
    if (decoded) {
      ++accepted;
      EXPECT_FALSE(text_of(decoded->results).find("unknown") != std::string::npos);
    }
    std::vector<Task> tasks{random_task(random), random_task(random)};
    auto task_message = copy_of(encoder.encode("ams01", tasks));
    task_message[random() % task_message.size()] = static_cast<std::byte>(random());
    if (const auto decoded_tasks = decode_tasks(task_message)) {
      for (const Task& task : decoded_tasks->tasks) EXPECT_EQ(task_fault(task), std::nullopt);
    }
  }
  EXPECT_GT(accepted, 0U);
}

TEST(Codec, RefusesTheOtherMessage) {
  Random random(6);
  Encoder encoder;
  const std::vector<Task> tasks{random_task(random)};
  const auto message = copy_of(encoder.encode("ams01", tasks));
  const auto results = decode_results(message);
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().sentence, "not a result message: its structure is broken");
}

TEST(Codec, RefusesANewerSchema) {
  Encoder encoder;
  auto message = copy_of(encoder.encode("ams01", std::vector<Task>{}));
  std::size_t changed = 0;
  for (std::size_t at = 0; at + 4 <= message.size(); at += 4) {
    auto newer = message;
    if (newer[at] != std::byte{kSchemaVersion}) continue;
    newer[at] = std::byte{kSchemaVersion + 1};
    const auto decoded = decode_tasks(newer);
    if (decoded) continue;
    if (decoded.error().sentence ==
        "the task message has schema 2, this program reads up to 1; upgrade it") {
      ++changed;
    }
  }
  EXPECT_EQ(changed, 1U);
}

TEST(Codec, RefusesATaskOutOfRange) {
  Encoder encoder;
  Task task;
  task.ttl = 0;
  const auto decoded = decode_tasks(encoder.encode("ams01", std::vector{task}));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().sentence, "task 1 of 1: ttl is 0; it must be 1..255");
}

}  // namespace
}  // namespace backsight::tasks
