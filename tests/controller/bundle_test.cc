// Bundles of what a journal holds, on a disk that stops obeying at each call, loses power and fills
// up.
#include "controller/archive/bundle.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "../storage/fake_disk.h"
#include "archive_rows.h"

namespace backsight::controller {
namespace {

using storage::FakeDisk;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kNoon = 1'767'268'800'000'000;  // of 1 January 2026
constexpr std::uint64_t kSecondUs = 1'000'000;
const ArchiveLayout kLayout("/archive");
const Archiver kArchiver{"0.1.0", "abc"};

std::string raw(std::uint64_t id) { return fmt::format(R"({{"id":{},"label":"x"}})", id); }

// What writes and what bundles, on one disk.
struct Pair {
  std::unique_ptr<Journal> journal;
  std::unique_ptr<BundleMaker> maker;
  std::string why_not;

  explicit operator bool() const { return maker != nullptr; }
  void end(std::uint64_t id, std::uint64_t now) const {
    ReversePath path;
    path.id = id;
    path.label = "x";
    journal->end(path, R"({"path":[],)" + raw(id).substr(1), now);
  }
  // Bundles all that is durable.
  Expected<void> bundle() const {
    while (maker->bundled() < journal->readable_end()) {
      if (auto made = maker->advance(journal->readable_end()); !made) return made;
      journal->keep_from(maker->bundled());
    }
    return {};
  }
};

Pair open_pair(FakeDisk& disk, const BundleLimits& limits = {}) {
  Pair pair;
  JournalOptions options;
  options.segment_bytes = 700;
  std::vector<std::string> complaints;
  auto journal = Journal::open(disk, kLayout.journal_directory(), options, nullptr, complaints);
  if (!journal) {
    pair.why_not = journal.error().sentence;
    return pair;
  }
  pair.journal = std::move(*journal);
  auto maker = BundleMaker::open(disk, kLayout, kArchiver, limits);
  if (!maker) {
    pair.why_not = maker.error().sentence;
    return pair;
  }
  pair.maker = std::move(*maker);
  pair.journal->keep_from(pair.maker->bundled());
  return pair;
}

std::string text_of(FakeDisk& disk, const std::string& path) {
  const auto& bytes = disk.bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> files_ending(const FakeDisk& disk, std::string_view end) {
  std::vector<std::string> files;
  for (const std::string& path : disk.paths()) {
    if (path.ends_with(end)) files.push_back(path);
  }
  return files;
}

// The ids in all bundles. Each bundle that can be seen is whole.
std::multiset<std::uint64_t> archived(FakeDisk& disk) {
  std::multiset<std::uint64_t> ids;
  for (const std::string& path : files_ending(disk, ".jsonl.gz")) {
    const std::string name = path.substr(path.rfind('/') + 1);
    for (const auto& row : rows_of_bundle(name, text_of(disk, path)))
      ids.insert(row["raw"]["id"].get<std::uint64_t>());
  }
  return ids;
}

TEST(Bundles, AreMadeOfEachTable) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  pair.end(1, kNoon);
  pair.end(2, kNoon + 1);
  pair.journal->measured("ping1", "{\"id\":3,\"spoofed\":1}\n{\"id\":4}\n", 2, kNoon + 2);
  pair.journal->cancel(7, kNoon + 3);
  ASSERT_TRUE(pair.journal->sync());
  ASSERT_TRUE(pair.bundle());
  const std::string revtr = "/archive/revtr1/2026/01/01/20260101T120000.000000Z-revtr1.jsonl.gz";
  const std::string ping = "/archive/ping1/2026/01/01/20260101T120000.000002Z-ping1.jsonl.gz";
  EXPECT_THAT(files_ending(disk, ".jsonl.gz"), ElementsAre(ping, revtr));
  EXPECT_EQ(
      unpacked(text_of(disk, revtr)),
      R"({"date":"2026-01-01","archiver":{"Version":"0.1.0","GitCommit":"abc",)"
      R"("ArchiveURL":"file:///archive/revtr1/2026/01/01/20260101T120000.000000Z-revtr1.jsonl.gz",)"
      R"("Filename":"/archive/spool/20260101T120000.000000Z-revtr1.open"},"raw":{"id":1,"label":"x"}})"
      "\n"
      R"({"date":"2026-01-01","archiver":{"Version":"0.1.0","GitCommit":"abc",)"
      R"("ArchiveURL":"file:///archive/revtr1/2026/01/01/20260101T120000.000000Z-revtr1.jsonl.gz",)"
      R"("Filename":"/archive/spool/20260101T120000.000000Z-revtr1.open"},"raw":{"id":2,"label":"x"}})"
      "\n");
  EXPECT_EQ(rows_of_bundle(ping.substr(ping.rfind('/') + 1), text_of(disk, ping)).size(), 2U);
  EXPECT_THAT(files_ending(disk, ".tmp"), IsEmpty());
  EXPECT_EQ(pair.maker->take_report().bundles, 2U);
}

TEST(Bundles, HoldRowsOfOneDayAndNotTooManyOrTooOldOnes) {
  FakeDisk disk;
  const Pair pair = open_pair(disk, {.bytes = 90, .age_us = 600 * kSecondUs});
  const std::uint64_t before_midnight = kNoon + 43'199 * kSecondUs;
  const std::array<std::uint64_t, 8> times = {kNoon,
                                              kNoon + 599 * kSecondUs,
                                              kNoon + 600 * kSecondUs,  // by age
                                              kNoon + 601 * kSecondUs,
                                              kNoon + 601 * kSecondUs,
                                              kNoon + 601 * kSecondUs,  // by size
                                              before_midnight,          // by age
                                              before_midnight + 2 * kSecondUs};
  for (std::size_t i = 0; i < times.size(); ++i) pair.end(i + 1, times[i]);
  ASSERT_TRUE(pair.journal->sync());
  ASSERT_TRUE(pair.bundle());
  std::vector<std::size_t> sizes;
  for (const std::string& path : files_ending(disk, ".jsonl.gz")) {
    sizes.push_back(rows_of_bundle(path.substr(path.rfind('/') + 1), text_of(disk, path)).size());
  }
  EXPECT_THAT(sizes, ElementsAre(2, 3, 1, 1, 1));
  EXPECT_THAT(files_ending(disk, ".jsonl.gz").back(), HasSubstr("/2026/01/02/"));
}

TEST(Bundles, HaveANameOfTheirOwn) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    pair.end(id, kNoon);
    ASSERT_TRUE(pair.journal->sync());
    ASSERT_TRUE(pair.bundle());
  }
  EXPECT_EQ(files_ending(disk, ".jsonl.gz").size(), 3U);
  EXPECT_THAT(archived(disk), ElementsAre(1, 2, 3));
}

TEST(Bundles, PassWhatIsDamagedAndSaySo) {
  FakeDisk disk;
  {
    const Pair pair = open_pair(disk);
    for (std::uint64_t id = 1; id <= 3; ++id) pair.end(id, kNoon);
    ASSERT_TRUE(pair.journal->sync());
    auto& bytes = disk.bytes("/archive/spool/00000000000000000001.log");
    bytes[bytes.size() / 2] ^= std::byte{1};
    ASSERT_TRUE(pair.bundle());
    EXPECT_THAT(pair.maker->take_report().complaints,
                ElementsAre(HasSubstr("/archive/spool/00000000000000000001.log: 96 bytes at"),
                            HasSubstr("/archive/spool: items 2 to 2")));
  }
  EXPECT_THAT(archived(disk), ElementsAre(1, 3));
}

TEST(Bundles, RefuseRowsOfAnEarlierVersion) {
  FakeDisk disk;
  ASSERT_TRUE(disk.make_directories("/archive/spool"));
  ASSERT_TRUE(disk.open_to_write("/archive/spool/20260101T120000.000000Z-revtr1.open"));
  EXPECT_THAT(open_pair(disk).why_not,
              AllOf(HasSubstr("20260101T120000.000000Z-revtr1.open: holds rows of an earlier"),
                    HasSubstr("start that version and stop it")));
}

TEST(Bundles, LeaveOutRowsThatDoNotSatisfyTheSchema) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  pair.end(1, kNoon);
  const ReversePath path;
  pair.journal->end(path, R"({"path":[],"id":"two"})", kNoon);
  pair.journal->end(path, R"({"path":[],"colour":3})", kNoon);
  pair.journal->end(path, "this is not what is shown", kNoon);
  pair.end(4, kNoon);
  pair.journal->measured("ping1", "{\"id\":null,\"ping\":1}\n\n", 2, kNoon);
  ASSERT_TRUE(pair.journal->sync());
  ASSERT_TRUE(pair.bundle());
  const BundleReport report = pair.maker->take_report();
  EXPECT_EQ(report.rejected, 5U);
  EXPECT_EQ(report.bundles, 1U);
  EXPECT_THAT(report.complaints, ElementsAre(HasSubstr("3 rows do not satisfy the schema"),
                                             HasSubstr("2 rows do not")));
  EXPECT_THAT(archived(disk), ElementsAre(1, 4));
  const auto rejected = files_ending(disk, "revtr1.rejected");
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_THAT(text_of(disk, rejected[0]), HasSubstr("\"two\""));
  EXPECT_THAT(files_ending(disk, ".tmp"), IsEmpty());
}

TEST(Bundles, BelongToOneProcess) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  EXPECT_THAT(open_pair(disk).why_not, HasSubstr("/archive/spool: in use by process"));
}

TEST(Bundles, AreMadeWhenAFullDiskHasRoomAgain) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  for (std::uint64_t id = 1; id <= 20; ++id) pair.end(id, kNoon + id);
  ASSERT_TRUE(pair.journal->sync());
  disk.set_capacity(disk.used() + 10);
  EXPECT_THAT(pair.bundle().error().sentence, HasSubstr("No space left"));
  EXPECT_THAT(files_ending(disk, ".jsonl.gz"), IsEmpty());
  disk.obey();
  ASSERT_TRUE(pair.bundle());
  EXPECT_EQ(archived(disk).size(), 20U);
}

TEST(Bundles, GiveTheDiskBack) {
  FakeDisk disk;
  const Pair pair = open_pair(disk);
  for (std::uint64_t id = 1; id <= 200; ++id) pair.end(id, kNoon + id);
  ASSERT_TRUE(pair.journal->sync());
  const std::uint64_t all = pair.journal->bytes().value();
  ASSERT_TRUE(pair.journal->forget({}));
  EXPECT_EQ(pair.journal->bytes().value(), all);
  ASSERT_TRUE(pair.bundle());
  pair.end(201, kNoon);
  ASSERT_TRUE(pair.journal->sync());
  ASSERT_TRUE(pair.bundle());
  ASSERT_TRUE(pair.journal->forget({}));
  EXPECT_LT(pair.journal->bytes().value(), all);
}

// Ends, syncs and bundles until the disk stops obeying. Returns what was acknowledged.
std::set<std::uint64_t> write_until_stopped(FakeDisk& disk, std::uint64_t seed, std::uint64_t& id) {
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> acknowledged;
  const Pair pair = open_pair(disk, {.bytes = 200});
  if (!pair) return acknowledged;
  for (int group = 0; group < 12; ++group) {
    const std::uint64_t now = kNoon + id * kSecondUs;
    std::set<std::uint64_t> pending;
    for (auto i = random() % 4; i > 0; --i) {
      if (random() % 3 == 0) {
        pair.journal->measured("ping1", fmt::format("{{\"id\":{}}}\n", id), 1, now);
      } else {
        pair.end(id, now);
      }
      pending.insert(id++);
    }
    if (!pair.journal->sync()) return acknowledged;
    acknowledged.merge(pending);
    if (random() % 3 == 0 && !pair.bundle()) return acknowledged;
    if (random() % 3 == 0 && !pair.journal->forget({})) return acknowledged;
  }
  return acknowledged;
}

enum class End { kProcess, kPower };

// What was acknowledged is archived once after the next start; nothing is archived twice.
void expect_kept(FakeDisk& disk, const std::set<std::uint64_t>& acknowledged) {
  const Pair pair = open_pair(disk);
  ASSERT_TRUE(pair) << pair.why_not;
  ASSERT_TRUE(pair.bundle());
  const auto ids = archived(disk);
  for (const std::uint64_t id : ids) ASSERT_EQ(ids.count(id), 1U) << "id " << id;
  for (const std::uint64_t id : acknowledged) ASSERT_EQ(ids.count(id), 1U) << "id " << id;
  ASSERT_THAT(files_ending(disk, ".tmp"), IsEmpty());
}

void stop_at_each_call(End end, std::uint64_t seed) {
  std::uint64_t calls = 0;
  {
    FakeDisk disk(seed);
    std::uint64_t id = 1;
    ASSERT_FALSE(write_until_stopped(disk, seed, id).empty());
    calls = disk.calls();
  }
  for (std::uint64_t call = 0; call < calls; ++call) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", call " << call);
    FakeDisk disk(seed + call);
    std::uint64_t id = 1;
    disk.stop_at(call);
    auto acknowledged = write_until_stopped(disk, seed, id);
    disk.obey();
    if (end == End::kPower) disk.cut_power();
    static_cast<void>(archived(disk));  // no bundle can be seen half
    // Dies again on the way up, at any call.
    disk.stop_at(disk.calls() + call % 40);
    ++id;
    acknowledged.merge(write_until_stopped(disk, seed + 1, id));
    disk.obey();
    if (end == End::kPower) disk.cut_power();
    expect_kept(disk, acknowledged);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Bundles, SurviveTheProcessAtEachCall) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) stop_at_each_call(End::kProcess, seed);
}

TEST(Bundles, SurviveThePowerAtEachCall) {
  for (std::uint64_t seed = 11; seed <= 14; ++seed) stop_at_each_call(End::kPower, seed);
}

TEST(Bundles, GoOnWhenASingleCallFails) {
  std::uint64_t calls = 0;
  for (std::uint64_t call = 0; call == 0 || call < calls; ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call);
    const Pair pair = open_pair(disk, {.bytes = 100});
    if (call > 0) disk.fail_at(disk.calls() + call - 1);
    const std::uint64_t begin = disk.calls();
    for (std::uint64_t id = 1; id <= 9; ++id) {
      pair.end(id, kNoon + id);
      while (!pair.journal->sync()) {
      }
      if (id % 3 != 0) continue;
      while (!pair.bundle()) {
      }
    }
    // Where a reader could not be told how far it may read, the next record tells it.
    pair.journal->cancel(0, kNoon);
    while (!pair.journal->sync()) {
    }
    while (!pair.bundle()) {
    }
    calls = disk.calls() - begin;
    const auto ids = archived(disk);
    ASSERT_EQ(std::vector<std::uint64_t>(ids.begin(), ids.end()),
              (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

}  // namespace
}  // namespace backsight::controller
