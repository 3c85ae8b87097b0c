// What crosses a broker, byte by byte: envelopes, marks, books, answers, keys. Every truncation and
// every flipped bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "../storage/fake_disk.h"
#include "../tasks/records.h"
#include "queue/nats/broker/credentials.h"
#include "queue/nats/broker/nkey.h"
#include "queue/nats/consumer/commit_book.h"
#include "queue/nats/vp/task_ledger.h"
#include "queue/nats/wire/commit_mark.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/puback.h"
#include "queue/nats/wire/subjects.h"
#include "storage/log/log_format.h"
#include "tasks/codec/codec.h"
#include "tests/support/loopback.h"

namespace backsight::queue::nats {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> message_of(std::span<const std::byte> payload) {
  std::vector<std::byte> body;
  write_message(700, {777, 3, payload}, body);
  return body;
}

std::vector<std::byte> some_results() {
  tasks::Random random(1);
  tasks::ResultBatch batch;
  for (int i = 0; i < 3; ++i) batch.probes.push_back(tasks::random_result(random));
  tasks::Encoder encoder;
  const auto encoded = encoder.encode({.vp = "ams01", .boot_epoch = 2, .batch = 5, .log = 9},
                                      {batch.probes, batch.traces, batch.observations});
  return {encoded.begin(), encoded.end()};
}

TEST(NatsMessage, ComesBackAsItWasWritten) {
  const auto payload = some_results();
  const auto body = message_of(payload);
  const auto read = read_message(body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->after, 700U);
  EXPECT_EQ(read->record.position, 777U);
  EXPECT_EQ(read->record.count, 3U);
  EXPECT_TRUE(std::ranges::equal(read->record.payload, payload));
  const auto results = tasks::decode_results(read->record.payload);
  ASSERT_TRUE(results);
  EXPECT_EQ(results->head.log, 9U);
  const auto head = tasks::decode_result_head(read->record.payload);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->batch, 5U);
}

TEST(NatsMessage, RefusesEveryTruncationAndEveryFlippedBit) {
  const auto body = message_of(some_results());
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(read_message(std::span(body).first(size))) << size;
  }
  auto longer = body;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(read_message(longer));
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    auto flipped = body;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(read_message(flipped)) << "bit " << bit;
  }
}

TEST(NatsMessage, TellsNewerOnesFromForeignOnes) {
  auto body = message_of(some_results());
  body[3] = static_cast<std::byte>('2');
  EXPECT_EQ(read_message(body).error(), Fault::kNewer);
  body[0] = static_cast<std::byte>('X');
  EXPECT_EQ(read_message(body).error(), Fault::kForeign);
  for (int fault = 0; fault < static_cast<int>(Fault::kCount); ++fault) {
    EXPECT_NE(describe(static_cast<Fault>(fault)), "");
  }
}

TEST(CommitMark, ReadsWhatItWritesAndNothingElse) {
  for (const CommitMark mark : {CommitMark{1, 0}, CommitMark{5, 9}, CommitMark{UINT64_MAX, 0}}) {
    EXPECT_EQ(parse_commit_mark(to_text(mark)), mark);
  }
  for (const char* text : {"", "1", "1 ", "2 5", "1 0", "1 -5", "1 5 5", "1 5 4", "1 5 x",
                           "1 5 9 7", "1  5", "1 99999999999999999999", "1 5 "}) {
    EXPECT_FALSE(parse_commit_mark(text)) << text;
  }
}

TEST(PubAck, BelievesNothing) {
  EXPECT_TRUE(parse_pub_ack(R"({"stream":"S","seq":7})").is_stored);
  EXPECT_TRUE(parse_pub_ack(R"({"stream":"S","seq":7,"duplicate":true})").is_duplicate);
  EXPECT_EQ(parse_pub_ack(R"({"error":{"err_code":10077,"description":"full\n"},"seq":0})").why,
            "full?");
  for (const char* text : {"", "{", "[]", "7", R"({"seq":"7"})", R"({"seq":-1})", R"({"error":7})",
                           R"({"error":null})", R"({"error":{"description":[]}})"}) {
    const PubAck ack = parse_pub_ack(text);
    EXPECT_FALSE(ack.is_stored) << text;
    EXPECT_NE(ack.why, "") << text;
  }
}

CommitBook::Logs some_logs() {
  CommitBook::Logs logs;
  logs[0xabc].insert(1, 700);
  logs[0xabc].insert(800, 900);
  logs[7].insert(1, 2);
  return logs;
}

TEST(CommitBook, IsReadBackAndRefusesDamage) {
  const std::string text = to_text(some_logs());
  EXPECT_EQ(parse_commit_book(text).value(), some_logs());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_commit_book(text.substr(0, size))) << size;
  }
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto read = parse_commit_book(flipped);
    // The case of a digit of the checksum says nothing.
    EXPECT_TRUE(!read || *read == some_logs()) << bit;
  }
}

TEST(CommitBook, IsWholeWhenThePowerFails) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    storage::FakeDisk disk(seed);
    disk.stop_at(seed % 60);
    std::uint64_t stored = 0;
    std::uint64_t asked = 0;
    if (const auto book = CommitBook::open(disk, "/state", "ams01")) {
      for (std::uint64_t end = 2; end < 12; ++end) {
        CommitBook::Logs logs;
        logs[5].insert(1, end);
        asked = end;
        if (!(*book)->store(logs)) break;
        stored = end;
      }
    }
    disk.cut_power();
    const auto book = CommitBook::open(disk, "/state", "ams01");
    ASSERT_TRUE(book) << book.error().sentence;
    const auto& logs = (*book)->logs();
    const std::uint64_t low = logs.contains(5) ? logs.at(5).low() : 0;
    EXPECT_GE(low, stored);
    EXPECT_LE(low, asked);
  }
}

TEST(CommitBook, IsForOneProcess) {
  storage::FakeDisk disk;
  const auto first = CommitBook::open(disk, "/state", "ams01");
  EXPECT_TRUE(first);
  EXPECT_FALSE(CommitBook::open(disk, "/state", "ams01"));
}

TEST(Nkey, MakesKeysThatSignAndRefusesOthers) {
  // A pair from the documents of NATS: seed and public key belong together.
  const std::string seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
  EXPECT_EQ(public_key_of(seed).value(),
            "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
  const std::string made = make_user_seed();
  EXPECT_EQ(made.size(), 58U);
  EXPECT_TRUE(made.starts_with("SU"));
  EXPECT_TRUE(public_key_of(made)->starts_with("U"));
  EXPECT_EQ(sign(made, "nonce")->size(), 64U);
  for (std::size_t size = 0; size < seed.size(); ++size) {
    EXPECT_FALSE(public_key_of(seed.substr(0, size))) << size;
  }
  std::string wrong = seed;
  wrong[20] = wrong[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(public_key_of(wrong));
}

// As config/reading/secret_file.h reads them.
TEST(NatsCredentials, AreReadAsEverySecretIs) {
  natsOptions* made = nullptr;
  ASSERT_EQ(natsOptions_Create(&made), NATS_OK);
  const Options options(made);
  const auto said = [&](const std::string& file) {
    const auto used = use_credentials(made, file);
    return used ? "" : used.error().sentence;
  };
  const TemporaryFolder folder;
  EXPECT_THAT(said(folder.path() / "none"), HasSubstr("none: does not exist"));
  EXPECT_THAT(said(folder.path()), HasSubstr("is no regular file"));
  ASSERT_EQ(::mkfifo((folder.path() / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(said(folder.path() / "fifo"), HasSubstr("is no regular file"));
  const std::string seed = folder.write("seed", "-----\n" + make_user_seed() + '\n');
  ASSERT_EQ(::chmod(seed.c_str(), 0640), 0);
  EXPECT_THAT(said(seed), HasSubstr("is open to others (mode 0640)"));
  ASSERT_EQ(::chmod(seed.c_str(), 0600), 0);
  EXPECT_EQ(said(seed), "");
  EXPECT_THAT(said(folder.write("seed", std::string(1 << 20, '#'))), HasSubstr("too large"));
}

TEST(TaskLedger, AcknowledgesWhatIsDoneAndKnowsWhatComesAgain) {
  TaskLedger ledger;
  DoneSet done;
  ledger.add({10, 1000}, 1, 3, "a");
  ledger.add({12, 1200}, 3, 6, "b");
  done.insert(4);
  done.insert(1);
  ledger.advance(done);
  EXPECT_THAT(ledger.take_done(), testing::IsEmpty());
  EXPECT_THAT(ledger.undone(), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(ledger.has_undone());
  done.insert_range(1, 6);
  ledger.advance(done);
  EXPECT_FALSE(ledger.has_undone());
  EXPECT_THAT(ledger.take_done(), testing::ElementsAre("a", "b"));
  EXPECT_THAT(ledger.take_done(), testing::IsEmpty());
  // Its acknowledgement was lost.
  EXPECT_TRUE(ledger.take_redelivery({12, 1200}, "b2"));
  EXPECT_THAT(ledger.take_done(), testing::ElementsAre("b2"));
  // A broker that lost its disk gives numbers out again.
  EXPECT_FALSE(ledger.take_redelivery({12, 5000}, "c"));
  EXPECT_EQ(ledger.keep_from(), 1U);
  EXPECT_EQ(ledger.forgettable(10, 0), 1000U);
  ledger.forget(10, 0);
  EXPECT_EQ(ledger.keep_from(), 3U);
  EXPECT_EQ(ledger.forgettable(0, 1300), 1200U);
  ledger.forget(0, 1300);
  EXPECT_EQ(ledger.keep_from(), UINT64_MAX);
}

TEST(Subjects, CarryTheVersion) {
  EXPECT_EQ(task_subject("ams01"), "backsight.v1.tasks.ams01");
  EXPECT_EQ(result_subject("ams01"), "backsight.v1.results.ams01");
  EXPECT_EQ(commit_subject("ams01", 0xab), "backsight.v1.commit.ams01.00000000000000ab");
}

}  // namespace
}  // namespace backsight::queue::nats
