// The archive's files on a disk that stops obeying at each call, loses power and fills up.
#include "controller/archive/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "../storage/fake_disk.h"
#include "archive_rows.h"
#include "controller/archive/bundle.h"

namespace backsight::controller {
namespace {

using storage::FakeDisk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kNoon = 1'767'268'800'000'000;  // of 1 January 2026
constexpr std::uint64_t kSecondUs = 1'000'000;
const ArchiveLayout kLayout("/archive");
const Archiver kArchiver{"0.1.0", "abc"};

std::string raw(std::uint64_t id) { return fmt::format(R"({{"id":{},"label":"x"}})", id); }

std::unique_ptr<ArchiveStore> open_store(FakeDisk& disk, const RotationLimits& limits = {}) {
  auto store = ArchiveStore::open(disk, kLayout, kArchiver, limits);
  EXPECT_TRUE(store) << store.error().sentence;
  return store ? std::move(*store) : nullptr;
}

void bundle_all(FakeDisk& disk, ArchiveStore& store) {
  for (const BundleName& name : store.take_closed()) {
    const auto report = make_bundle(disk, kLayout, name);
    ASSERT_TRUE(report) << report.error().sentence;
  }
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

TEST(ArchiveStore, MakesABundleOfEachTable) {
  FakeDisk disk;
  const auto store = open_store(disk);
  ASSERT_TRUE(store->append(Datatype::kRevtr, raw(1), kNoon));
  ASSERT_TRUE(store->append(Datatype::kRevtr, raw(2), kNoon + 1));
  ASSERT_TRUE(store->append(Datatype::kPing, R"({"id":3,"spoofed":1})", kNoon + 2));
  ASSERT_TRUE(store->sync());
  EXPECT_THAT(store->take_closed(), IsEmpty());
  EXPECT_TRUE(store->rotate(kNoon + 3, true));
  ASSERT_TRUE(store->sync());
  bundle_all(disk, *store);
  const std::string revtr = "/archive/revtr1/2026/01/01/20260101T120000.000000Z-revtr1.jsonl.gz";
  EXPECT_THAT(
      files_ending(disk, ".jsonl.gz"),
      ElementsAre("/archive/ping1/2026/01/01/20260101T120000.000002Z-ping1.jsonl.gz", revtr));
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
  EXPECT_THAT(files_ending(disk, ".open"), IsEmpty());
  EXPECT_THAT(files_ending(disk, ".tmp"), IsEmpty());
  for (const Datatype datatype : kAllDatatypes) {
    EXPECT_EQ(text_of(disk, fmt::format("/archive/schemas/{}.json", name(datatype))),
              bigquery_schema(datatype));
  }
}

TEST(ArchiveStore, RotatesBySizeByAgeAndAtMidnight) {
  FakeDisk disk;
  const auto store = open_store(disk, {.bytes = 1000, .age_us = 600 * kSecondUs});
  const auto closed_by = [&](std::uint64_t now) {
    ASSERT_TRUE(store->append(Datatype::kRevtr, raw(1), now));
    ASSERT_TRUE(store->sync());
    store->rotate(now);
    ASSERT_TRUE(store->sync());
  };
  closed_by(kNoon);
  closed_by(kNoon + 599 * kSecondUs);
  EXPECT_THAT(store->take_closed(), IsEmpty());
  closed_by(kNoon + 600 * kSecondUs);  // opens another
  EXPECT_EQ(store->take_closed().size(), 1U);
  for (std::uint64_t i = 0; i < 3; ++i) closed_by(kNoon + 601 * kSecondUs);
  EXPECT_EQ(store->take_closed().size(), 1U) << "by size";
  const std::uint64_t before_midnight = kNoon + 43'199 * kSecondUs;
  closed_by(before_midnight);
  EXPECT_THAT(store->take_closed(), IsEmpty());
  closed_by(before_midnight + 2 * kSecondUs);
  const auto closed = store->take_closed();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(day_of(closed[0].unix_us), "2026-01-01");
  store->rotate(before_midnight + 700 * kSecondUs);
  ASSERT_TRUE(store->sync());
  EXPECT_EQ(day_of(store->take_closed().at(0).unix_us), "2026-01-02");
}

TEST(ArchiveStore, GivesEachSpoolANameOfItsOwn) {
  FakeDisk disk;
  const auto store = open_store(disk);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(store->append(Datatype::kRevtr, raw(id), kNoon));
    store->rotate(kNoon, true);
    if (id == 2) {
      ASSERT_TRUE(store->sync());
      bundle_all(disk, *store);
    }
  }
  ASSERT_TRUE(store->sync());
  bundle_all(disk, *store);
  EXPECT_EQ(files_ending(disk, ".jsonl.gz").size(), 3U);
  EXPECT_THAT(archived(disk), ElementsAre(1, 2, 3));
}

TEST(ArchiveStore, BundlesWhatAnEarlierProcessLeftAndCutsATornRow) {
  FakeDisk disk;
  {
    const auto store = open_store(disk);
    for (std::uint64_t id = 1; id <= 3; ++id)
      ASSERT_TRUE(store->append(Datatype::kRevtr, raw(id), kNoon));
    ASSERT_TRUE(store->append(Datatype::kPing, R"({"id":9})", kNoon));
    ASSERT_TRUE(store->sync());
  }
  const auto spool = files_ending(disk, "-revtr1.open");
  ASSERT_EQ(spool.size(), 1U);
  auto& bytes = disk.bytes(spool[0]);
  bytes.resize(bytes.size() - 7);
  const auto store = open_store(disk);
  const auto recovered = store->take_recovered();
  ASSERT_EQ(recovered.size(), 2U);
  EXPECT_EQ(recovered[0].id, 1U);
  EXPECT_EQ(recovered[1].label, "x");
  const auto closed = store->take_closed();
  ASSERT_EQ(closed.size(), 2U);
  const auto report = make_bundle(disk, kLayout, closed[0]);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows, 2U);
  EXPECT_THAT(report->complaints, ElementsAre(HasSubstr("a torn row and were cut")));
  EXPECT_THAT(archived(disk), ElementsAre(1, 2));
}

TEST(ArchiveStore, NeverWritesAPublishedBundleAgain) {
  FakeDisk disk;
  std::string spool;
  std::vector<std::byte> rows;
  {
    const auto store = open_store(disk);
    ASSERT_TRUE(store->append(Datatype::kRevtr, raw(1), kNoon));
    ASSERT_TRUE(store->sync());
    spool = files_ending(disk, ".open").at(0);
    rows = disk.bytes(spool);
    store->rotate(kNoon, true);
    ASSERT_TRUE(store->sync());
    bundle_all(disk, *store);
  }
  // As after a death before the spool was removed; what is in it would make another bundle.
  rows.insert(rows.end(), rows.begin(), rows.end());
  ASSERT_TRUE(disk.open_to_write(spool));
  disk.bytes(spool) = rows;
  const auto store = open_store(disk);
  bundle_all(disk, *store);
  EXPECT_THAT(archived(disk), ElementsAre(1));
  EXPECT_THAT(files_ending(disk, ".open"), IsEmpty());
}

TEST(ArchiveStore, LeavesOutRowsThatDoNotSatisfyTheSchema) {
  FakeDisk disk;
  const auto store = open_store(disk);
  ASSERT_TRUE(store->append(Datatype::kRevtr, raw(1), kNoon));
  ASSERT_TRUE(store->append(Datatype::kRevtr, R"({"id":"two"})", kNoon));
  ASSERT_TRUE(store->append(Datatype::kRevtr, R"({"colour":3})", kNoon));
  ASSERT_TRUE(store->append(Datatype::kRevtr, raw(4), kNoon));
  ASSERT_TRUE(store->append(Datatype::kPing, R"({"id":null,"ping":1})", kNoon));
  store->rotate(kNoon, true);
  ASSERT_TRUE(store->sync());
  for (const BundleName& name : store->take_closed()) {
    const auto report = make_bundle(disk, kLayout, name);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->rejected, name.datatype == Datatype::kRevtr ? 2U : 1U);
    ASSERT_EQ(report->complaints.size(), 1U);
    EXPECT_THAT(report->complaints[0], HasSubstr("rows do not satisfy the schema"));
  }
  EXPECT_THAT(archived(disk), ElementsAre(1, 4));
  const auto rejected = files_ending(disk, "revtr1.rejected");
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_THAT(text_of(disk, rejected[0]), HasSubstr("\"two\""));
  EXPECT_THAT(files_ending(disk, ".open"), IsEmpty());
  EXPECT_THAT(files_ending(disk, ".tmp"), IsEmpty());
}

TEST(ArchiveStore, BelongsToOneProcess) {
  FakeDisk disk;
  const auto store = open_store(disk);
  const auto second = ArchiveStore::open(disk, kLayout, kArchiver, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().sentence, HasSubstr("/archive: in use by process"));
}

TEST(ArchiveStore, KeepsRowsWhileTheDiskIsFull) {
  FakeDisk disk;
  const auto store = open_store(disk);
  ASSERT_TRUE(store->append(Datatype::kRevtr, raw(1), kNoon));
  ASSERT_TRUE(store->sync());
  disk.set_capacity(disk.used() + 100);
  for (std::uint64_t id = 2; id <= 20; ++id) {
    ASSERT_TRUE(store->append(Datatype::kRevtr, raw(id), kNoon + id));
    EXPECT_FALSE(store->sync());
  }
  EXPECT_GT(store->pending_bytes(), 1000U);
  disk.obey();
  store->rotate(kNoon, true);
  ASSERT_TRUE(store->sync());
  disk.set_capacity(disk.used() + 10);
  const auto closed = store->take_closed();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_THAT(make_bundle(disk, kLayout, closed[0]).error().sentence, HasSubstr("No space left"));
  EXPECT_THAT(files_ending(disk, ".jsonl.gz"), IsEmpty());
  disk.obey();
  ASSERT_TRUE(make_bundle(disk, kLayout, closed[0]));
  EXPECT_EQ(archived(disk).size(), 20U);
}

// Appends, syncs, rotates and bundles until the disk stops obeying. Returns what was acknowledged.
std::set<std::uint64_t> write_until_stopped(FakeDisk& disk, std::uint64_t seed, std::uint64_t& id) {
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> acknowledged;
  auto store = ArchiveStore::open(disk, kLayout, kArchiver, {.bytes = 1500});
  if (!store) return acknowledged;
  std::vector<BundleName> closed = (*store)->take_closed();
  for (int group = 0; group < 12; ++group) {
    const std::uint64_t now = kNoon + id * kSecondUs;
    std::set<std::uint64_t> pending;
    for (auto i = random() % 4; i > 0; --i) {
      if (!(*store)->append(Datatype::kRevtr, raw(id), now)) return acknowledged;
      pending.insert(id++);
    }
    (*store)->rotate(now, random() % 4 == 0);
    if (!(*store)->sync()) return acknowledged;
    acknowledged.merge(pending);
    for (const BundleName& name : (*store)->take_closed()) closed.push_back(name);
    while (!closed.empty() && random() % 3 != 0) {
      if (!make_bundle(disk, kLayout, closed.back())) return acknowledged;
      closed.pop_back();
    }
  }
  return acknowledged;
}

enum class End { kProcess, kPower };

// What was acknowledged is archived once after the next start; nothing is archived twice.
void expect_kept(FakeDisk& disk, const std::set<std::uint64_t>& acknowledged) {
  const auto store = open_store(disk);
  ASSERT_NE(store, nullptr);
  bundle_all(disk, *store);
  const auto ids = archived(disk);
  for (const std::uint64_t id : ids) ASSERT_EQ(ids.count(id), 1U) << "id " << id;
  for (const std::uint64_t id : acknowledged) ASSERT_EQ(ids.count(id), 1U) << "id " << id;
  ASSERT_THAT(files_ending(disk, ".open"), IsEmpty());
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

TEST(ArchiveStore, SurvivesTheProcessAtEachCall) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) stop_at_each_call(End::kProcess, seed);
}

TEST(ArchiveStore, SurvivesThePowerAtEachCall) {
  for (std::uint64_t seed = 11; seed <= 14; ++seed) stop_at_each_call(End::kPower, seed);
}

TEST(ArchiveStore, GoesOnWhenASingleCallFails) {
  std::uint64_t calls = 0;
  for (std::uint64_t call = 0; call == 0 || call < calls; ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call);
    const auto store = open_store(disk, {.bytes = 700});
    if (call > 0) disk.fail_at(disk.calls() + call - 1);
    const std::uint64_t begin = disk.calls();
    std::vector<BundleName> closed;
    for (std::uint64_t id = 1; id <= 9; ++id) {
      while (!store->append(Datatype::kRevtr, raw(id), kNoon + id)) {
      }
      while (!store->sync()) {
      }
    }
    store->rotate(kNoon, true);
    while (!store->sync()) {
    }
    for (const BundleName& name : store->take_closed()) {
      while (!make_bundle(disk, kLayout, name)) {
      }
    }
    calls = disk.calls() - begin;
    const auto ids = archived(disk);
    ASSERT_EQ(std::vector<std::uint64_t>(ids.begin(), ids.end()),
              (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

}  // namespace
}  // namespace backsight::controller
