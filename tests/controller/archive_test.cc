// The archive with its threads, on a real disk: order, back pressure, a disk that is full for a
// while, days.
#include "controller/archive/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "archive_rows.h"
#include "controller/archive/rows.h"
#include "mmdb_writer.h"
#include "passing_disk.h"

namespace backsight::controller {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kPatience = 20s;
constexpr std::uint64_t kNoon = 1'767'268'800'000'000;  // of 1 January 2026

// The real disk, which can be full.
class FullableDisk final : public PassingDisk {
 public:
  std::atomic<bool> is_full{false};
  std::atomic<int> refusals{0};
  std::atomic<std::uint64_t> syncs{0};

 private:
  class FullableFile final : public PassingFile {
   public:
    FullableFile(FullableDisk& disk, std::unique_ptr<storage::File> real)
        : PassingFile(std::move(real)), disk_(disk) {}
    Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
      if (disk_.is_full) {
        // A part of it is written.
        static_cast<void>(PassingFile::write_at(offset, bytes.first(bytes.size() / 2)));
        ++disk_.refusals;
        return run_failed("the file: cannot write: No space left on device");
      }
      return PassingFile::write_at(offset, bytes);
    }
    Expected<void> sync() override {
      ++disk_.syncs;
      return PassingFile::sync();
    }

   private:
    FullableDisk& disk_;
  };

  std::unique_ptr<storage::File> stand_before(std::unique_ptr<storage::File> file) override {
    return std::make_unique<FullableFile>(*this, std::move(file));
  }
};

// What was told, as the operator reads it.
class Told {
 public:
  [[nodiscard]] auto teller() {
    return [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      sentences_.push_back(sentence);
    };
  }
  [[nodiscard]] std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return sentences_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> sentences_;
};

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() {
    options_.directory = (folder_.path() / "archive").string();
    options_.archiver = {"0.1.0", "abc"};
    options_.tell = told_.teller();
    options_.files = &disk_;
    options_.sync_interval = 5ms;
    options_.retry_interval = 5ms;
    options_.unix_us = [this] { return now_.load(); };
    options_.show = [this](std::span<const EndedRecord> ended) {
      const std::lock_guard lock(mutex_);
      shown_.insert(shown_.end(), ended.begin(), ended.end());
    };
  }

  LoneArchive open(const Annotation& annotation = {}) {
    JournalOptions journal;
    journal.tell = [tell = told_.teller()](const std::string& sentence, bool) { tell(sentence); };
    LoneArchive lone = open_archive(options_, annotation, journal);
    EXPECT_NE(lone.archive, nullptr) << lone.why_not;
    return lone;
  }
  std::vector<nlohmann::json> rows(Datatype datatype) const {
    return rows_of(options_.directory, datatype);
  }
  static ReversePath path_of(std::uint64_t id) {
    ReversePath path;
    path.id = id;
    return path;
  }

  template <typename Condition>
  static void wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }

  DataFolder folder_;
  Told told_;
  FullableDisk disk_;
  std::atomic<std::uint64_t> now_{kNoon};
  ArchiveOptions options_;
  std::mutex mutex_;  // of shown_
  std::vector<EndedRecord> shown_;
};

TEST_F(ArchiveTest, KeepsEachRecordInItsTable) {
  std::mt19937_64 random(1);
  std::array<std::size_t, kDatatypes> appended{};
  {
    const auto archive = open();
    for (int i = 0; i < 200; ++i) {
      const TraceRecord trace = random_trace(random);
      ++appended[static_cast<std::size_t>(datatype_of(trace))];
      archive->append(random_path(random));
      archive->append(random_ping(random));
      archive->append(trace);
      EXPECT_EQ(archive->append(random_ranking(random)), static_cast<std::uint64_t>(4 * i + 4));
    }
    ASSERT_TRUE(archive->close());
    EXPECT_EQ(archive->synced(), 800U);
    const ArchiveStatus status = archive->status();
    EXPECT_EQ(status.appended, 800U);
    EXPECT_EQ(status.bundles, 5U);
    EXPECT_EQ(status.rejected_rows, 0U);
    EXPECT_EQ(status.failing, "");
    EXPECT_EQ(status.rows[static_cast<std::size_t>(Datatype::kPing)], 200U);
  }
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(200));
  EXPECT_THAT(rows(Datatype::kPing), SizeIs(200));
  EXPECT_THAT(rows(Datatype::kRankedSpoofers), SizeIs(200));
  for (const Datatype datatype : {Datatype::kTrace, Datatype::kTraceAtlas}) {
    EXPECT_THAT(rows(datatype), SizeIs(appended[static_cast<std::size_t>(datatype)]));
  }
  EXPECT_THAT(told_.all(), IsEmpty());
}

TEST_F(ArchiveTest, AnnotatesHopsAsTheyAreWritten) {
  const auto place = probes::parse_prefix("198.51.100.0/24").value();
  auto locations = Locations::open(folder_.write(
      "city.mmdb", mmdb::database({{place, mmdb::city("Ghent", "BE", 51.05, 3.7167)}})));
  ASSERT_TRUE(locations);
  const Annotation annotation = {std::make_shared<PrefixTable>(PrefixTable::of({{place, 64500}})),
                                 std::make_shared<Locations>(std::move(*locations))};
  ReversePath path = path_of(1);
  path.hops.push_back({.address = probes::parse_ipv4("198.51.100.7").value()});
  const auto archive = open(annotation);
  ASSERT_TRUE(archive->wait_until_synced(archive->append(path), kPatience));
  archive->set_annotation(
      {std::make_shared<PrefixTable>(PrefixTable::of({{place, 64501}})), nullptr});
  archive->append(path);
  ASSERT_TRUE(archive->close());
  const auto revtrs = rows(Datatype::kRevtr);
  ASSERT_THAT(revtrs, SizeIs(2));
  EXPECT_EQ(revtrs[1]["raw"]["revtr_hops"][0]["asn"], 64501) << "another file came meanwhile";
  const auto& hop = revtrs[0]["raw"]["revtr_hops"][0];
  EXPECT_EQ(hop["asn"], 64500);
  EXPECT_EQ(hop["cidr"], "198.51.100.0/24");
  EXPECT_EQ(hop["geolocation_ipinfo"]["city"], "Ghent");
  EXPECT_EQ(revtrs[0]["date"], "2026-01-01");
}

TEST_F(ArchiveTest, SaysWhatIsDurable) {
  const auto archive = open();
  const std::uint64_t number = archive->append(path_of(7));
  ASSERT_TRUE(archive->wait_until_synced(number, kPatience));
  EXPECT_GE(archive->synced(), number);
  std::vector<EndedRecord> shown;
  {
    const std::lock_guard lock(mutex_);
    shown = shown_;
  }
  ASSERT_THAT(shown, SizeIs(1));
  EXPECT_EQ(shown[0].id, 7U);
  EXPECT_EQ(archive.journal->read(std::vector{shown[0].place})[0].value(),
            to_listed_json(path_of(7), {}));
  EXPECT_FALSE(archive->wait_until_synced(number + 1, 1ms));
}

TEST_F(ArchiveTest, SyncsWithoutBeingAsked) {
  const auto archive = open();
  archive->append(path_of(7));
  wait_until([&] { return archive->synced() == 1; });
}

TEST_F(ArchiveTest, BundlesBySizeWhileItRuns) {
  options_.bundles.bytes = 2000;
  const auto archive = open();
  for (std::uint64_t id = 1; id <= 100; ++id) {
    ASSERT_TRUE(archive->wait_until_synced(archive->append(path_of(id)), kPatience));
  }
  wait_until([&] { return archive->status().bundles >= 10; });
  ASSERT_TRUE(archive->close());
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(100));
}

TEST_F(ArchiveTest, BundlesByAgeThoughNobodyAppends) {
  const auto archive = open();
  ASSERT_TRUE(archive->wait_until_synced(archive->append(path_of(1)), kPatience));
  now_ += options_.bundles.age_us;
  wait_until([&] {
    static_cast<void>(archive->wait_until_synced(2, 1ms));  // wakes it
    return archive->status().bundles == 1;
  });
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(1));
}

TEST_F(ArchiveTest, TellsAFullDiskOnceAndGoesOnWhenThereIsRoom) {
  const auto archive = open();
  ASSERT_TRUE(archive->wait_until_synced(archive->append(path_of(1)), kPatience));
  disk_.is_full = true;
  for (std::uint64_t id = 2; id <= 50; ++id) archive->append(path_of(id));
  wait_until([&] { return disk_.refusals > 5; });
  EXPECT_EQ(archive->synced(), 1U);
  EXPECT_THAT(archive->status().failing, HasSubstr("No space left on device"));
  EXPECT_THAT(told_.all(), ElementsAre(testing::AllOf(HasSubstr("No space left on device"),
                                                      HasSubstr("free space on the disk of"),
                                                      HasSubstr(options_.directory))));
  disk_.is_full = false;
  ASSERT_TRUE(archive->wait_until_synced(50, kPatience));
  EXPECT_THAT(told_.all(), SizeIs(2));
  EXPECT_THAT(told_.all().back(), HasSubstr("the journal is written again"));
  EXPECT_EQ(archive->status().failing, "");
  ASSERT_TRUE(archive->close());
  const auto revtrs = rows(Datatype::kRevtr);
  ASSERT_THAT(revtrs, SizeIs(50));
  for (std::size_t i = 0; i < revtrs.size(); ++i) EXPECT_EQ(revtrs[i]["raw"]["id"], i + 1);
}

TEST_F(ArchiveTest, LetsNobodyWaitAndSaysWhenNoMoreShouldCome) {
  options_.queue_bytes = 20'000;
  const auto archive = open();
  disk_.is_full = true;
  constexpr std::uint64_t kRecords = 5'000;
  for (std::uint64_t id = 1; id <= kRecords; ++id) archive->append(path_of(id));
  EXPECT_FALSE(archive->has_room());
  wait_until([&] { return !archive->why_not_writable().empty(); });
  EXPECT_THAT(archive->why_not_writable(), HasSubstr("No space left on device"));
  EXPECT_EQ(archive->synced(), 0U);
  disk_.is_full = false;
  archive->wait_for_room();
  ASSERT_TRUE(archive->close());
  EXPECT_EQ(archive->synced(), kRecords);
  EXPECT_EQ(archive->why_not_writable(), "");
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(kRecords));
}

TEST_F(ArchiveTest, ShowsNothingThatIsNotDurableAndNothingTwice) {
  const auto archive = open();
  disk_.is_full = true;
  for (std::uint64_t id = 1; id <= 20; ++id) archive->append(path_of(id));
  wait_until([&] { return disk_.refusals > 5; });
  {
    const std::lock_guard lock(mutex_);
    EXPECT_THAT(shown_, IsEmpty());
  }
  disk_.is_full = false;
  ASSERT_TRUE(archive->wait_until_synced(20, kPatience));
  const std::lock_guard lock(mutex_);
  ASSERT_THAT(shown_, SizeIs(20));
  for (std::size_t i = 0; i < shown_.size(); ++i) EXPECT_EQ(shown_[i].id, i + 1);
}

TEST_F(ArchiveTest, WritesOnceForAllThatEndedMeanwhile) {
  const auto archive = open();
  ASSERT_TRUE(archive->wait_until_synced(archive->append(path_of(1)), kPatience));
  disk_.is_full = true;
  for (std::uint64_t id = 2; id <= 500; ++id) archive->append(path_of(id));
  wait_until([&] { return archive.journal->waiting().ends == 499; });
  const std::uint64_t before = disk_.syncs;
  disk_.is_full = false;
  ASSERT_TRUE(archive->wait_until_synced(500, kPatience));
  EXPECT_LE(disk_.syncs - before, 2U);
}

TEST_F(ArchiveTest, SaysAtTheEndWhatCouldNotBeWritten) {
  const auto archive = open();
  disk_.is_full = true;
  archive->append(path_of(1));
  archive->append(path_of(2));
  const auto closed = archive->close();
  ASSERT_FALSE(closed);
  EXPECT_THAT(closed.error().sentence, HasSubstr("2 records could not be archived"));
}

TEST_F(ArchiveTest, BundlesAtTheNextStartWhatItCouldNotBundle) {
  {
    const auto archive = open();
    ASSERT_TRUE(archive->wait_until_synced(archive->append(path_of(11)), kPatience));
    disk_.is_full = true;
    ASSERT_TRUE(archive->close());
    EXPECT_THAT(told_.all(), ElementsAre(HasSubstr("the rows stay in")));
  }
  EXPECT_THAT(rows(Datatype::kRevtr), IsEmpty());
  disk_.is_full = false;
  const auto archive = open();
  wait_until([&] { return archive->status().bundles == 1; });
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(1));
}

TEST_F(ArchiveTest, RefusesRecordsOnceClosed) {
  const auto archive = open();
  EXPECT_EQ(archive->append(path_of(1)), 1U);
  ASSERT_TRUE(archive->close());
  EXPECT_EQ(archive->append(path_of(2)), 0U);
  EXPECT_TRUE(archive->close());
  EXPECT_THAT(rows(Datatype::kRevtr), SizeIs(1));
}

TEST_F(ArchiveTest, TakesRecordsFromManyThreads) {
  const auto archive = open();
  std::vector<std::thread> appenders;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    appenders.emplace_back([&, thread] {
      for (std::uint64_t i = 1; i <= 500; ++i) archive->append(path_of(1000 * thread + i));
    });
  }
  for (auto& appender : appenders) appender.join();
  ASSERT_TRUE(archive->close());
  std::set<std::uint64_t> ids;
  for (const auto& row : rows(Datatype::kRevtr)) ids.insert(row["raw"]["id"].get<std::uint64_t>());
  EXPECT_THAT(ids, SizeIs(2000));
}

TEST_F(ArchiveTest, RefusesADirectoryThatIsNone) {
  options_.directory = folder_.write("file", "").string() + "/archive";
  EXPECT_THAT(open_archive(options_).why_not, HasSubstr("file"));
  options_.directory = "";
  EXPECT_THAT(open_archive(options_).why_not, HasSubstr("is no directory"));
}

}  // namespace
}  // namespace backsight::controller
