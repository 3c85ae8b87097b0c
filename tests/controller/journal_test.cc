// The journal on a disk that works, and on one that fills up, stops or loses its power.
#include "controller/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../storage/fake_disk.h"
#include "controller/journal/id_source.h"
#include "journal_support.h"

namespace backsight::controller {
namespace {

using storage::FakeDisk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::uint64_t drawn_seed() {
  const char* const fixed = std::getenv("BACKSIGHT_SEED");
  return fixed != nullptr ? std::strtoull(fixed, nullptr, 10)
                          : std::uint64_t{std::random_device{}()};
}

TEST(JournalRecord, ComesBackAsItWas) {
  const JournalHead head{JournalKind::kAccepted, 7, 3, kNowUs, "alice"};
  for (const std::string& text : {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    const auto bytes = encode_record(head, text);
    const auto read = parse_head(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->kind, JournalKind::kAccepted);
    EXPECT_EQ(read->batch, 7U);
    EXPECT_EQ(read->number, 3U);
    EXPECT_EQ(read->unix_us, kNowUs);
    EXPECT_EQ(read->name, "alice");
    EXPECT_EQ(parse_text(bytes).value(), text);
  }
}

TEST(JournalRecord, RefusesEachTruncation) {
  const auto bytes = encode_record({JournalKind::kEnded, 7, 8, kNowUs, "alice"}, "some text");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto part = std::span(bytes).first(size);
    EXPECT_FALSE(parse_head(part) && parse_text(part)) << size;
  }
}

TEST(JournalRecord, SurvivesDamage) {
  const std::uint64_t seed = drawn_seed();
  std::mt19937_64 random(seed);
  const auto good = encode_record({JournalKind::kEnded, 7, 8, kNowUs, "a"}, std::string(300, 'z'));
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = good;
    bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    if (const auto head = parse_head(bytes)) static_cast<void>(parse_text(bytes).has_value());
  }
}

TEST(Journal, GivesBackWhatWasWritten) {
  const std::uint64_t seed = drawn_seed();
  SCOPED_TRACE(testing::Message() << "BACKSIGHT_SEED=" << seed);
  std::mt19937_64 random(seed);
  FakeDisk disk;
  const auto one = batch_of(2, 3, random);
  const auto two = batch_of(8, 1, random, "bob");
  const ReversePath path = path_for(one[1], random);
  {
    const auto opened = open_journal(disk);
    ASSERT_NE(opened.journal, nullptr) << opened.why_not;
    Journal& journal = *opened.journal;
    ASSERT_TRUE(journal.accept(one, kNowUs));
    ASSERT_TRUE(journal.accept(two, kNowUs + 1));
    write_end(journal, path, kNowUs + 2);
    journal.measured("ping1", "{}\n", 1, kNowUs + 2);
    journal.cancel(8, kNowUs + 3);
    EXPECT_TRUE(journal.take_written().empty());
    ASSERT_TRUE(journal.sync());
    const auto written = journal.take_written();
    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(written[0].id, one[1].id);
    EXPECT_EQ(written[0].runtime_us, path.runtime_us);
    EXPECT_TRUE(journal.take_written().empty());
    const auto read = journal.read(std::vector{written[0].place});
    ASSERT_TRUE(read[0]) << read[0].error().sentence;
    EXPECT_EQ(*read[0], shown(path));
  }
  const auto opened = open_journal(disk);
  EXPECT_THAT(opened.complaints, ElementsAre());
  ASSERT_EQ(opened.found.batches.size(), 2U);
  for (std::size_t i = 0; i < 3; ++i) {
    const Request& read = opened.found.batches.at(2)[i];
    EXPECT_TRUE(is_same_wish(read, one[i]));
    EXPECT_EQ(read.id, one[i].id);
    EXPECT_EQ(read.batch, 2U);
    EXPECT_EQ(read.user, "alice");
  }
  EXPECT_EQ(opened.found.users.at(8), "bob");
  EXPECT_EQ(opened.found.times.at(8), kNowUs + 1);
  ASSERT_EQ(opened.found.ends.size(), 1U);
  EXPECT_EQ(opened.found.ends[0].batch, 2U);
  EXPECT_EQ(opened.found.ends[0].label, path.label);
  EXPECT_EQ(opened.found.ends[0].unix_us, kNowUs + 2);
  EXPECT_THAT(opened.found.cancels, ElementsAre(8U));
  const auto read = opened.journal->read(std::vector{opened.found.ends[0].place});
  EXPECT_EQ(read[0].value(), shown(path));
}

TEST(Journal, LetsOnlyOneProcessHaveTheFolder) {
  FakeDisk disk;
  const auto first = open_journal(disk);
  EXPECT_THAT(open_journal(disk).why_not, HasSubstr("in use by process"));
}

TEST(Journal, WritesOnceForAllWhoWait) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  const auto opened = open_journal(disk);
  ASSERT_TRUE(opened.journal->accept(batch_of(1, 1, random), kNowUs));
  const std::uint64_t before = disk.calls();
  for (int i = 0; i < 100; ++i) write_end(*opened.journal, random_path(random));
  ASSERT_TRUE(opened.journal->sync());
  EXPECT_LE(disk.calls() - before, 4U);  // one write, one sync, and where the log ends
  EXPECT_EQ(opened.journal->take_written().size(), 100U);
  const std::uint64_t idle = disk.calls();
  ASSERT_TRUE(opened.journal->sync());
  EXPECT_EQ(disk.calls(), idle);
}

TEST(Journal, RefusesWhenTheDiskIsFullAndLosesNothing) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  const auto first = batch_of(1, 2, random);
  const ReversePath path = path_for(first[0], random);
  {
    const auto opened = open_journal(disk);
    ASSERT_TRUE(opened.journal->accept(first, kNowUs));
    disk.set_capacity(disk.used() + 10);
    write_end(*opened.journal, path);
    const auto refused = opened.journal->accept(batch_of(3, 2, random), kNowUs);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().sentence, HasSubstr("No space left on device"));
    EXPECT_FALSE(opened.journal->sync());
    EXPECT_TRUE(opened.journal->take_written().empty());
    disk.obey();
    ASSERT_TRUE(opened.journal->accept(batch_of(5, 1, random), kNowUs));
    EXPECT_EQ(opened.journal->take_written().size(), 1U);
  }
  const auto opened = open_journal(disk);
  EXPECT_THAT(opened.complaints, ElementsAre());
  EXPECT_EQ(opened.found.batches.size(), 2U);
  EXPECT_EQ(opened.found.batches.count(3), 0U);
  ASSERT_EQ(opened.found.ends.size(), 1U);
  EXPECT_EQ(opened.journal->read(std::vector{opened.found.ends[0].place})[0].value(), shown(path));
}

TEST(Journal, TellsDamageWithItsPlaceAndReadsTheRest) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  {
    const auto opened = open_journal(disk);
    for (std::uint64_t batch = 1; batch <= 9; ++batch) {
      ASSERT_TRUE(opened.journal->accept(batch_of(batch, 1, random), kNowUs));
    }
  }
  const std::string path = std::string(kJournal) + "/00000000000000000001.log";
  auto& bytes = disk.bytes(path);
  bytes[bytes.size() / 2] ^= std::byte{1};
  const auto opened = open_journal(disk);
  EXPECT_EQ(opened.found.batches.size(), 8U);
  ASSERT_FALSE(opened.complaints.empty());
  EXPECT_THAT(opened.complaints[0], HasSubstr(path));
}

TEST(Journal, CutsATornTail) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  {
    const auto opened = open_journal(disk);
    ASSERT_TRUE(opened.journal->accept(batch_of(1, 1, random), kNowUs));
  }
  auto& bytes = disk.bytes(std::string(kJournal) + "/00000000000000000001.log");
  bytes.resize(bytes.size() + 13, std::byte{0x55});
  const auto opened = open_journal(disk);
  EXPECT_EQ(opened.found.batches.size(), 1U);
  ASSERT_EQ(opened.complaints.size(), 1U);
  EXPECT_THAT(opened.complaints[0], HasSubstr("cut a torn tail of 13 bytes"));
}

TEST(Journal, GivesTheDiskBackForWhatIsForgotten) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  const auto opened = open_journal(disk, 2000);
  Journal& journal = *opened.journal;
  std::vector<std::uint64_t> batches;
  for (std::uint64_t batch = 1; batch <= 100; ++batch) {
    ASSERT_TRUE(journal.accept(batch_of(batch, 1, random), kNowUs));
    batches.push_back(batch);
  }
  const std::uint64_t all = journal.bytes().value();
  // The oldest ones hold the first segment.
  const auto oldest = journal.oldest().value();
  ASSERT_FALSE(oldest.empty());
  EXPECT_EQ(oldest[0], 1U);
  ASSERT_TRUE(journal.forget(std::span(oldest).subspan(1)));
  EXPECT_EQ(journal.bytes().value(), all);
  EXPECT_THAT(journal.oldest().value(), ElementsAre(1U));
  ASSERT_TRUE(journal.forget(std::span(oldest).first(1)));
  EXPECT_LT(journal.bytes().value(), all);
  ASSERT_TRUE(journal.forget(batches));
  EXPECT_LT(journal.bytes().value(), 5000U);
  EXPECT_THAT(journal.oldest().value(), ElementsAre());
}

TEST(Journal, SaysWhenAnEndCannotBeReadAnyMore) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  const auto opened = open_journal(disk, 2000);
  const auto requests = batch_of(1, 1, random);
  ASSERT_TRUE(opened.journal->accept(requests, kNowUs));
  write_end(*opened.journal, path_for(requests[0], random));
  ASSERT_TRUE(opened.journal->sync());
  const auto written = opened.journal->take_written();
  const std::string file = storage::segment_path(kJournal, written[0].place.segment);
  disk.bytes(file)[written[0].place.offset + 40] ^= std::byte{1};
  const auto damaged = opened.journal->read(std::vector{written[0].place});
  ASSERT_FALSE(damaged[0]);
  EXPECT_THAT(damaged[0].error().sentence, HasSubstr(file));
  ASSERT_TRUE(disk.remove(file));
  EXPECT_THAT(opened.journal->read(std::vector{written[0].place})[0].error().sentence,
              HasSubstr("is not there any more"));
}

TEST(Journal, KeepsWhatIsNotInABundleThoughItIsForgotten) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  const auto opened = open_journal(disk, 2000);
  Journal& journal = *opened.journal;
  std::vector<std::uint64_t> batches;
  journal.keep_from(storage::kFirstPosition);
  for (std::uint64_t batch = 1; batch <= 100; ++batch) {
    ASSERT_TRUE(journal.accept(batch_of(batch, 1, random), kNowUs));
    batches.push_back(batch);
  }
  const std::uint64_t all = journal.bytes().value();
  ASSERT_TRUE(journal.forget(batches));
  EXPECT_EQ(journal.bytes().value(), all);
  journal.keep_from(journal.readable_end());
  ASSERT_TRUE(journal.forget({}));
  EXPECT_LT(journal.bytes().value(), 5000U);
}

TEST(Journal, TellsOnceThatItCannotBeWrittenAndThatItCanAgain) {
  FakeDisk disk;
  std::mt19937_64 random(1);
  std::vector<std::string> told, complaints;
  JournalOptions options;
  options.tell = [&](const std::string& sentence, bool is_fault) {
    EXPECT_EQ(is_fault, told.empty());
    told.push_back(sentence);
  };
  const auto journal = Journal::open(disk, kJournal, options, nullptr, complaints);
  ASSERT_TRUE(journal);
  disk.set_capacity(disk.used());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE((*journal)->accept(batch_of(2, 1, random), kNowUs));
  EXPECT_FALSE((*journal)->sync());  // nothing waits: it tries the disk
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0], HasSubstr("No space left on device"));
  EXPECT_THAT(told[0], HasSubstr(std::string("free space on the disk of ") + kJournal));
  EXPECT_EQ((*journal)->why_not_writable(), told[0]);
  disk.obey();
  ASSERT_TRUE((*journal)->sync());
  EXPECT_EQ((*journal)->why_not_writable(), "");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1], "the journal is written again");
}

// Accepts and ends until the disk stops. What was acknowledged stands in the sets.
struct Acknowledged {
  std::set<std::uint64_t> batches;
  std::set<std::uint64_t> ends;
};
Acknowledged write_until_stopped(FakeDisk& disk) {
  Acknowledged acknowledged;
  std::mt19937_64 random(1);
  auto opened = open_journal(disk, 3000);
  if (opened.journal == nullptr) return acknowledged;
  auto ids = IdSource::open(disk, kJournal, "ids");
  if (!ids) return acknowledged;
  for (int round = 0; round < 8; ++round) {
    const auto first = ids->take(4);
    if (!first) continue;
    const auto requests = batch_of(*first, 2, random);
    if (opened.journal->accept(requests, kNowUs)) acknowledged.batches.insert(*first);
    for (const Request& request : requests) {
      write_end(*opened.journal, path_for(request, random));
    }
    static_cast<void>(opened.journal->sync().has_value());
    for (const EndedRecord& end : opened.journal->take_written()) acknowledged.ends.insert(end.id);
  }
  return acknowledged;
}

void expect_kept(FakeDisk& disk, const Acknowledged& acknowledged) {
  const auto opened = open_journal(disk, 3000);
  ASSERT_NE(opened.journal, nullptr) << opened.why_not;
  for (const std::uint64_t batch : acknowledged.batches) {
    ASSERT_EQ(opened.found.batches.count(batch), 1U) << "batch " << batch;
    ASSERT_EQ(opened.found.batches.at(batch).size(), 2U);
  }
  std::set<std::uint64_t> ends;
  for (const EndedRecord& end : opened.found.ends) {
    ends.insert(end.id);
    ASSERT_TRUE(opened.journal->read(std::vector{end.place})[0]);
  }
  for (const std::uint64_t id : acknowledged.ends) ASSERT_EQ(ends.count(id), 1U) << "end " << id;
  // No number comes twice.
  auto ids = IdSource::open(disk, kJournal, "ids");
  ASSERT_TRUE(ids);
  const std::uint64_t next = ids->take().value();
  if (!opened.found.batches.empty()) {
    ASSERT_GT(next, opened.found.batches.rbegin()->first + 3);
  }
}

TEST(JournalCrash, KeepsWhatWasAcknowledgedWhicheverCallIsTheLast) {
  FakeDisk measured;
  write_until_stopped(measured);
  ASSERT_GT(measured.calls(), 50U);
  for (std::uint64_t call = 0; call <= measured.calls(); ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call + 1);
    disk.stop_at(call);
    const Acknowledged acknowledged = write_until_stopped(disk);
    disk.obey();
    expect_kept(disk, acknowledged);
  }
}

TEST(JournalCrash, KeepsWhatWasAcknowledgedWhenThePowerGoes) {
  FakeDisk measured;
  write_until_stopped(measured);
  for (std::uint64_t call = 0; call <= measured.calls(); ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call + 1);
    disk.stop_at(call);
    const Acknowledged acknowledged = write_until_stopped(disk);
    disk.obey();
    disk.cut_power();
    expect_kept(disk, acknowledged);
  }
}

TEST(IdSource, GivesEachNumberOnce) {
  FakeDisk disk;
  std::uint64_t last = 0;
  for (int start = 0; start < 5; ++start) {
    auto ids = IdSource::open(disk, "/j", "ids");
    ASSERT_TRUE(ids);
    for (const std::uint64_t count : {1U, 10'000U, 100'000U, 1U}) {
      const std::uint64_t first = ids->take(count).value();
      ASSERT_GT(first, last);
      last = first + count - 1;
    }
    disk.cut_power();
  }
}

TEST(IdSource, BeginsAboveWhatWasFoundElsewhere) {
  FakeDisk disk;
  EXPECT_EQ(IdSource::open(disk, "/j", "ids", 42)->take().value(), 42U);
}

TEST(IdSource, GivesNoneThatCannotBeRemembered) {
  FakeDisk disk;
  auto ids = IdSource::open(disk, "/j", "ids");
  disk.set_capacity(0);
  EXPECT_FALSE(ids->take());
  disk.obey();
  EXPECT_EQ(ids->take().value(), 1U);
}

}  // namespace
}  // namespace backsight::controller
