// A log with a copy beside it, either of them damaged.
#include <gmock/gmock.h>

#include "fake_disk.h"
#include "log_support.h"
#include "storage/mirror.h"

namespace backsight::storage {
namespace {

LogOptions small() {
  LogOptions options;
  options.segment_bytes = 900;
  return options;
}

// Repairs, opens, writes `count` records. Returns those that were acknowledged.
std::map<std::uint64_t, std::uint32_t> write_some(FakeDisk& disk, int count, std::uint64_t next) {
  std::map<std::uint64_t, std::uint32_t> written;
  if (!repair_from_copy(disk, kDirectory)) return written;
  const auto log = MirroredWriter::open(disk, kDirectory, small());
  if (!log) return written;
  for (int i = 0; i < count; ++i) {
    EXPECT_GE((*log)->end(), next);
    const auto items = static_cast<std::uint32_t>(1 + i % 3);
    const auto position = (*log)->write(payload_of((*log)->end(), items), items);
    if (position) written[*position] = items;
  }
  return written;
}

void expect_has(FakeDisk& disk, const std::map<std::uint64_t, std::uint32_t>& written) {
  const LogContent content = read_log(disk);
  for (const auto& [position, items] : written) {
    const auto found = content.records.find(position);
    ASSERT_NE(found, content.records.end()) << "position " << position;
    ASSERT_EQ(found->second, items);
  }
}

TEST(Mirror, MendsABitThatFlippedAnywhere) {
  FakeDisk measured;
  write_some(measured, 12, 1);
  for (const std::string& path : measured.paths()) {
    if (!path.ends_with(".log")) continue;
    for (std::size_t bit = 0; bit < measured.bytes(path).size() * 8; bit += 7) {
      SCOPED_TRACE(testing::Message() << path << " bit " << bit);
      FakeDisk disk;
      const auto written = write_some(disk, 12, 1);
      disk.bytes(path)[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
      const bool is_log = path.find("/copy/") == std::string::npos;
      const auto told = repair_from_copy(disk, kDirectory);
      ASSERT_TRUE(told);
      // A padding byte of the header is nobody's.
      ASSERT_LE(told->size(), is_log ? 1U : 0U);
      expect_has(disk, written);
      auto more = write_some(disk, 2, written.rbegin()->first);
      ASSERT_EQ(more.size(), 2U);
      more.insert(written.begin(), written.end());
      expect_has(disk, more);
    }
  }
}

TEST(Mirror, KeepsWhatWasAcknowledgedWhenThePowerFails) {
  FakeDisk measured;
  write_some(measured, 12, 1);
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FakeDisk disk(seed);
    disk.stop_at(seed % (measured.calls() + 1));
    auto written = write_some(disk, 12, 1);
    for (int cut = 0; cut < 2; ++cut) {
      disk.cut_power();
      disk.stop_at(disk.calls() + seed % 53);
      const auto more = write_some(disk, 3, 1);
      for (const auto& [position, items] : more) {
        ASSERT_TRUE(written.emplace(position, items).second) << "given twice: " << position;
      }
    }
    disk.cut_power();
    ASSERT_TRUE(repair_from_copy(disk, kDirectory));
    expect_has(disk, written);
  }
}

TEST(Mirror, GoesOnWithoutACopyThatCannotBeWritten) {
  FakeDisk disk;
  const auto written = write_some(disk, 3, 1);
  for (const std::string& path : disk.paths()) {
    if (path.find("/copy/") != std::string::npos) disk.bytes(path).clear();
  }
  auto more = write_some(disk, 3, 1);
  EXPECT_EQ(more.size(), 3U);
  more.insert(written.begin(), written.end());
  expect_has(disk, more);
}

}  // namespace
}  // namespace backsight::storage
