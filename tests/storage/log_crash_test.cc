// The file log on a disk that stops obeying, loses power and fills up.
#include <algorithm>
#include <random>

#include "fake_disk.h"
#include "log_support.h"
#include "storage/durable_number.h"

namespace backsight::storage {
namespace {

using Random = std::mt19937_64;
using Records = std::map<std::uint64_t, std::uint32_t>;

// Appends and syncs until the disk stops obeying. Returns the records that were acknowledged.
Records write_until_stopped(FakeDisk& disk, int groups, std::uint64_t seed) {
  Random random(seed);
  Records acknowledged;
  LogOptions options;
  options.segment_bytes = 900;
  auto log = LogWriter::open(disk, kDirectory, options);
  if (!log) return acknowledged;
  for (int group = 0; group < groups; ++group) {
    Records pending;
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      const auto count = static_cast<std::uint32_t>(1 + random() % 4);
      pending[(*log)->next_position()] = count;
      append_item(**log, count);
    }
    if ((*log)->sync()) acknowledged.merge(pending);
  }
  return acknowledged;
}

// All that was acknowledged is there once; what else is there was appended. A power cut may leave
// the later record of a group that was not acknowledged and take the earlier: such a gap is told.
enum class Gaps { kNone, kOfUnacknowledged };
void expect_kept(const Records& acknowledged, FakeDisk& disk, Gaps gaps = Gaps::kNone) {
  const LogContent content = read_log(disk);
  for (const auto& [position, count] : acknowledged) {
    const auto found = content.records.find(position);
    ASSERT_NE(found, content.records.end()) << "position " << position;
    ASSERT_EQ(found->second, count);
  }
  if (gaps == Gaps::kOfUnacknowledged) return;
  ASSERT_EQ(content.lost_items, 0U) << (content.complaints.empty() ? "" : content.complaints[0]);
}

void expect_goes_on(FakeDisk& disk, const Records& acknowledged, Gaps gaps = Gaps::kNone) {
  Records more;
  {
    const auto log = open_log(disk, 900);
    ASSERT_NE(log, nullptr);
    more[log->next_position()] = 2;
    append_item(*log, 2);
    ASSERT_TRUE(log->sync());
  }
  more.insert(acknowledged.begin(), acknowledged.end());
  ASSERT_EQ(more.size(), acknowledged.size() + 1) << "a position was given twice";
  expect_kept(more, disk, gaps);
}

TEST(FileLogCrash, KeepsWhatWasAcknowledgedWhicheverCallIsTheLast) {
  FakeDisk measured;
  write_until_stopped(measured, 12, 1);
  for (std::uint64_t call = 0; call <= measured.calls(); ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call + 1);
    disk.stop_at(call);
    const Records acknowledged = write_until_stopped(disk, 12, 1);
    disk.obey();
    expect_kept(acknowledged, disk);
    expect_goes_on(disk, acknowledged);
  }
}

TEST(FileLogCrash, KeepsWhatWasAcknowledgedWhenOneCallFails) {
  FakeDisk measured;
  write_until_stopped(measured, 12, 1);
  for (std::uint64_t call = 0; call <= measured.calls(); ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    FakeDisk disk(call + 1);
    disk.fail_at(call);
    const Records acknowledged = write_until_stopped(disk, 12, 1);
    disk.obey();
    expect_kept(acknowledged, disk);
    expect_goes_on(disk, acknowledged);
  }
}

TEST(FileLogCrash, KeepsWhatWasAcknowledgedWhenThePowerFails) {
  FakeDisk measured;
  write_until_stopped(measured, 12, 1);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FakeDisk disk(seed);
    disk.stop_at(seed % (measured.calls() + 1));
    Records acknowledged = write_until_stopped(disk, 12, 1);
    for (int cut = 0; cut < 3; ++cut) {
      disk.cut_power();
      // Now and then a reader sees the log before the next writer does.
      if (seed % 3 == 0) expect_kept(acknowledged, disk, Gaps::kOfUnacknowledged);
      disk.stop_at(disk.calls() + seed % 41);
      const Records more = write_until_stopped(disk, 3, seed);
      for (const auto& [position, count] : more) {
        ASSERT_TRUE(acknowledged.emplace(position, count).second) << "given twice: " << position;
      }
    }
    disk.cut_power();
    expect_kept(acknowledged, disk, Gaps::kOfUnacknowledged);
    expect_goes_on(disk, acknowledged, Gaps::kOfUnacknowledged);
  }
}

TEST(FileLogCrash, TakesNothingBackThatAReaderWasGiven) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FakeDisk disk(seed);
    disk.stop_at(20 + seed % 100);
    write_until_stopped(disk, 12, seed);
    disk.obey();
    const Records given = read_log(disk).records;  // the writer is dead
    disk.cut_power();
    expect_kept(given, disk, Gaps::kOfUnacknowledged);
    expect_goes_on(disk, given, Gaps::kOfUnacknowledged);
  }
}

TEST(FileLogCrash, CountsNothingOnAFullDiskAndGoesOnWhenThereIsRoom) {
  FakeDisk disk;
  const auto log = open_log(disk, 2000);
  Records acknowledged;
  std::uint64_t refused = 0;
  disk.set_capacity(3000);
  for (int i = 0; i < 100; ++i) {
    if (i == 60) disk.set_capacity(100'000);
    const std::uint64_t position = log->next_position();
    append_item(*log);
    append_item(*log, 3);
    if (log->sync()) {
      acknowledged[position] = 1;
      acknowledged[position + 1] = 3;
    } else {
      ++refused;
      EXPECT_EQ(log->next_position(), position);
      EXPECT_LE(disk.used(), 3000U);
    }
    if (i % 10 == 0) {
      ASSERT_EQ(read_log(disk).records, acknowledged);
    }
  }
  EXPECT_GT(refused, 10U);
  EXPECT_GT(acknowledged.size(), 80U);
  EXPECT_EQ(read_log(disk).records, acknowledged);
}

TEST(DurableNumber, GrowsAndSurvivesWhicheverCallIsTheLast) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FakeDisk disk(seed);
    disk.stop_at(seed % 40);
    std::uint64_t stored = 0;
    std::uint64_t asked = 0;
    if (auto number = DurableNumber::open(disk, "/q", "mark")) {
      for (std::uint64_t value = 3; value < 40; value += 3) {
        asked = value;
        if (!number->store(value)) break;
        stored = value;
      }
    }
    disk.cut_power();
    const auto number = DurableNumber::open(disk, "/q", "mark");
    ASSERT_TRUE(number);
    EXPECT_GE(number->value(), stored);
    EXPECT_LE(number->value(), asked);
  }
}

TEST(DurableNumber, LeavesASmallerOneAlone) {
  FakeDisk disk;
  auto number = DurableNumber::open(disk, "/q", "mark");
  ASSERT_TRUE(number->store(7));
  ASSERT_TRUE(number->store(5));
  EXPECT_EQ(DurableNumber::open(disk, "/q", "mark")->value(), 7U);
}

}  // namespace
}  // namespace backsight::storage
