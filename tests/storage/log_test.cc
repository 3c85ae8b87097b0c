// The file log against a map of what it should hold.
#include <algorithm>
#include <random>

#include "fake_disk.h"
#include "log_support.h"

namespace backsight::storage {
namespace {

using Random = std::mt19937_64;

std::vector<std::string> segments_of(const FakeDisk& disk) {
  std::vector<std::string> segments;
  for (const std::string& path : disk.paths()) {
    if (path.ends_with(".log")) segments.push_back(path);
  }
  return segments;
}

TEST(FileLog, IsEmptyWhereThereIsNone) {
  FakeDisk disk;
  const LogContent content = read_log(disk);
  EXPECT_TRUE(content.records.empty());
  EXPECT_TRUE(content.complaints.empty());
  EXPECT_EQ(log_end(disk, kDirectory).value(), kFirstPosition);
}

TEST(FileLog, StoresBytesAsDocumented) {
  FakeDisk disk;
  const auto log = open_log(disk);
  const std::array payload = {std::byte{0xab}, std::byte{0xcd}};
  log->append(payload, 3);
  ASSERT_TRUE(log->sync());
  const auto& bytes = disk.bytes("/q/log/00000000000000000001.log");
  ASSERT_EQ(bytes.size(), 24U + 24U + 8U);
  EXPECT_EQ(std::memcmp(bytes.data(), "BSIGHTLG\1\0\0\0\1\0\0\0\0\0\0\0", 20), 0);
  EXPECT_EQ(load_le32(&bytes[20]), crc32_of(std::span(bytes).first(20)));
  EXPECT_EQ(load_le32(&bytes[24]), crc32_of(std::span(bytes).subspan(28)));
  EXPECT_EQ(
      std::memcmp(&bytes[28], "\2\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\xab\xcd\0\0\0\0\0\0", 28),
      0);
  EXPECT_EQ(load_le64(disk.bytes("/q/log/end").data()), 4U);
}

TEST(FileLog, HoldsWhatARandomWalkPutIn) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    FakeDisk disk(seed);
    std::map<std::uint64_t, std::uint32_t> synced;
    std::map<std::uint64_t, std::uint32_t> pending;
    const std::uint64_t segment_bytes = 200 + random() % 5000;
    auto log = open_log(disk, segment_bytes);
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t dice = random() % 10;
      if (dice < 6) {
        const auto count = static_cast<std::uint32_t>(1 + random() % 5);
        pending[log->next_position()] = count;
        append_item(*log, count);
      } else if (dice < 9) {
        ASSERT_TRUE(log->sync());
        synced.merge(pending);
        pending.clear();
      } else {
        log.reset();  // what was not synced is gone
        pending.clear();
        log = open_log(disk, segment_bytes);
        EXPECT_TRUE(log->complaints().empty());
      }
      if (step % 20 == 0) {
        ASSERT_EQ(read_log(disk).records, synced);
      }
    }
    const LogContent content = read_log(disk);
    EXPECT_EQ(content.records, synced);
    EXPECT_TRUE(content.complaints.empty());
    EXPECT_EQ(content.end, log->durable_end());
  }
}

TEST(FileLog, IsReadFromAnyPosition) {
  FakeDisk disk;
  const auto log = open_log(disk, 600);
  for (int i = 0; i < 40; ++i) {
    append_item(*log, 3);
    ASSERT_TRUE(log->sync());
  }
  EXPECT_GT(segments_of(disk).size(), 3U);
  for (std::uint64_t from = 1; from <= log->durable_end() + 2; ++from) {
    const LogContent content = read_log(disk, kDirectory, from);
    EXPECT_TRUE(content.complaints.empty());
    const std::uint64_t records = from >= log->durable_end() ? 0 : 40 - (from - 1) / 3;
    ASSERT_EQ(content.records.size(), records) << "from " << from;
  }
}

TEST(FileLog, FreesSegmentsBelowTheMarkButNeverTheLastRecord) {
  FakeDisk disk;
  auto log = open_log(disk, 300);
  for (int i = 0; i < 50; ++i) {
    append_item(*log);
    ASSERT_TRUE(log->sync());
  }
  const std::uint64_t all = bytes_behind(disk, kDirectory, 1).value();
  for (std::uint64_t mark = 1; mark <= 51; ++mark) {
    ASSERT_TRUE(free_segments(disk, kDirectory, mark));
    const LogContent content = read_log(disk, kDirectory, mark);
    EXPECT_EQ(content.records.size(), 51 - mark);
    EXPECT_EQ(content.lost_items, 0U);
    ASSERT_FALSE(segments_of(disk).empty());
    EXPECT_FALSE(read_log(disk, kDirectory, 1).records.empty());
    EXPECT_LE(bytes_behind(disk, kDirectory, mark).value(), all);
  }
  EXPECT_EQ(bytes_behind(disk, kDirectory, 51).value(), 0U);
  log.reset();
  log = open_log(disk, 300);
  EXPECT_EQ(log->next_position(), 51U);
}

// kill -9 at any byte: a log that ends anywhere holds its whole records, and goes on.
TEST(FileLog, KeepsWholeRecordsWhereverItEnds) {
  FakeDisk whole;
  std::vector<std::uint64_t> ends;  // of records, in bytes
  {
    const auto log = open_log(whole, 1 << 20);
    for (std::uint32_t i = 0; i < 12; ++i) {
      append_item(*log, 1 + i % 3);
      ASSERT_TRUE(log->sync());
      ends.push_back(whole.bytes("/q/log/00000000000000000001.log").size());
    }
  }
  const LogContent all = read_log(whole);
  const auto& bytes = whole.bytes("/q/log/00000000000000000001.log");
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    FakeDisk disk;
    const std::string path = "/q/log/00000000000000000001.log";
    ASSERT_TRUE(disk.open_to_write(path).value()->write_at(0, std::span(bytes).first(length)));
    const auto records =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), length) - ends.begin());
    const LogContent before = read_log(disk);  // the writer is dead, the tail torn
    ASSERT_EQ(before.records.size(), records) << "length " << length;
    ASSERT_TRUE(before.complaints.empty()) << before.complaints[0];
    const auto log = open_log(disk, 1 << 20);
    const bool is_torn = length > 24 && length != (records == 0 ? 24 : ends[records - 1]);
    ASSERT_EQ(log->complaints().size(), is_torn ? 1U : 0U) << "length " << length;
    ASSERT_EQ(disk.bytes(path).size(), records == 0 ? 0 : ends[records - 1]);
    append_item(*log);
    ASSERT_TRUE(log->sync());
    const LogContent after = read_log(disk);
    ASSERT_EQ(after.records.size(), records + 1);
    ASSERT_TRUE(after.complaints.empty()) << after.complaints[0];
    ASSERT_EQ(after.end, log->durable_end());
  }
}

// One bit, anywhere: at most one record is missing, and it is told.
TEST(FileLog, PassesDamageAndTellsWhere) {
  FakeDisk whole;
  {
    const auto log = open_log(whole, 700);
    for (std::uint32_t i = 0; i < 12; ++i) {
      append_item(*log, 2);
      ASSERT_TRUE(log->sync());
    }
  }
  const LogContent all = read_log(whole);
  for (const std::string& path : segments_of(whole)) {
    for (std::size_t bit = 0; bit < 8 * whole.bytes(path).size(); bit += 5) {
      std::byte& byte = whole.bytes(path)[bit / 8];
      byte ^= std::byte{1} << bit % 8;
      const LogContent content = read_log(whole);
      ASSERT_GE(content.records.size() + 1, all.records.size()) << path << " bit " << bit;
      ASSERT_FALSE(content.complaints.empty()) << path << " bit " << bit;
      byte ^= std::byte{1} << bit % 8;
    }
  }
  EXPECT_EQ(read_log(whole).records, all.records);
}

TEST(FileLog, GoesOnBehindAnAcknowledgedRecordThatIsDamaged) {
  FakeDisk disk;
  {
    const auto log = open_log(disk, 1 << 20);
    for (int i = 0; i < 3; ++i) {
      append_item(*log, 2);
      ASSERT_TRUE(log->sync());
    }
  }
  disk.bytes("/q/log/00000000000000000001.log").back() ^= std::byte{1};
  // A writer that relies on where the log ended does not notice; readers do.
  {
    const auto log = open_log(disk, 1 << 20);
    EXPECT_EQ(log->next_position(), 7U);
    append_item(*log);
    ASSERT_TRUE(log->sync());
  }
  const LogContent content = read_log(disk);
  EXPECT_EQ(content.records.size(), 3U);
  EXPECT_EQ(content.lost_items, 2U);
  EXPECT_EQ(content.complaints.size(), 2U);
}

TEST(FileLog, NeverGivesAPositionTwiceWhenItsEndIsLost) {
  FakeDisk disk;
  {
    const auto log = open_log(disk, 1 << 20);
    for (int i = 0; i < 3; ++i) {
      append_item(*log, 2);
      ASSERT_TRUE(log->sync());
    }
  }
  auto& bytes = disk.bytes("/q/log/00000000000000000001.log");
  bytes.resize(bytes.size() - 8);
  const auto log = open_log(disk, 1 << 20);
  EXPECT_EQ(log->next_position(), 7U);
  ASSERT_EQ(log->complaints().size(), 1U);
  EXPECT_NE(log->complaints()[0].find("items 5 to 6 were acknowledged"), std::string::npos);
  append_item(*log);
  ASSERT_TRUE(log->sync());
  const LogContent content = read_log(disk);
  EXPECT_EQ(content.lost_items, 2U);
  EXPECT_TRUE(content.records.contains(7));
}

TEST(FileLog, RefusesANewerVersion) {
  FakeDisk disk;
  {
    const auto log = open_log(disk);
    append_item(*log);
    ASSERT_TRUE(log->sync());
  }
  auto& bytes = disk.bytes("/q/log/00000000000000000001.log");
  bytes[8] = std::byte{2};
  store_le32(&bytes[20], crc32_of(std::span(bytes).first(20)));
  LogReader reader(disk, kDirectory, 1);
  std::vector<std::string> complaints;
  const auto record = reader.next(complaints);
  ASSERT_FALSE(record);
  EXPECT_NE(record.error().sentence.find("version 2"), std::string::npos);
}

TEST(FileLog, HasOneWriter) {
  FakeDisk disk;
  const auto first = open_log(disk);
  const auto second = LogWriter::open(disk, kDirectory, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sentence,
            "/q/log: in use by process 4711; stop that one or use another folder");
}

// Leaves a record whole in the file whose sync has not returned.
void append_unsynced(FakeDisk& disk, LogWriter& log) {
  append_item(log);
  disk.stop_at(disk.calls() + 1);  // after the write
  ASSERT_FALSE(log.sync());
  disk.obey();
}

TEST(FileLog, ShowsNothingBeforeItIsSynced) {
  FakeDisk disk;
  const auto log = open_log(disk, 1 << 20);
  append_item(*log);
  ASSERT_TRUE(log->sync());
  append_unsynced(disk, *log);
  LogReader reader(disk, kDirectory, 1);
  std::vector<std::string> complaints;
  ASSERT_TRUE(reader.next(complaints).value());
  EXPECT_FALSE(reader.next(complaints).value());
  append_item(*log, 2);
  ASSERT_TRUE(log->sync());
  EXPECT_EQ(reader.next(complaints).value()->count, 2U);
  EXPECT_TRUE(complaints.empty());
}

TEST(FileLog, ShowsNothingUnsyncedWhereATornTailWas) {
  FakeDisk disk;
  {
    const auto log = open_log(disk, 1 << 20);
    append_item(*log);
    ASSERT_TRUE(log->sync());
  }
  auto& bytes = disk.bytes("/q/log/00000000000000000001.log");
  bytes.resize(bytes.size() + 5000, std::byte{0x55});
  LogReader reader(disk, kDirectory, 1);
  std::vector<std::string> complaints;
  ASSERT_TRUE(reader.next(complaints).value());
  EXPECT_FALSE(reader.next(complaints).value());  // no writer: what is whole would count
  const auto log = open_log(disk, 1 << 20);
  append_unsynced(disk, *log);
  EXPECT_FALSE(reader.next(complaints).value());
  append_item(*log, 2);
  ASSERT_TRUE(log->sync());
  EXPECT_EQ(reader.next(complaints).value()->count, 2U);
  EXPECT_TRUE(complaints.empty());
}

}  // namespace
}  // namespace backsight::storage
