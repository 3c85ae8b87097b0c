// What the tests of the file log share: records whose bytes follow from their position, and reading
// a whole log.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "storage/log/log_reader.h"
#include "storage/log/log_writer.h"

namespace backsight::storage {

inline constexpr const char* kDirectory = "/q/log";

// Payload of the record at `position` with `count` items: torn or mixed bytes show.
inline std::vector<std::byte> payload_of(std::uint64_t position, std::uint32_t count) {
  const std::uint64_t seed = position * 0x9e3779b97f4a7c15 + count;
  std::vector<std::byte> bytes(1 + seed % 97 + (seed >> 20) % 5 * 300);
  std::uint64_t state = seed;
  for (std::byte& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

inline void append_item(LogWriter& log, std::uint32_t count = 1) {
  const std::uint64_t position = log.next_position();
  EXPECT_EQ(log.append(payload_of(position, count), count), position);
}

struct LogContent {
  std::map<std::uint64_t, std::uint32_t> records;  // position to items
  std::vector<std::string> complaints;
  std::uint64_t lost_items = 0;
  std::uint64_t end = 0;

  [[nodiscard]] std::uint64_t items() const {
    std::uint64_t sum = 0;
    for (const auto& [position, count] : records) sum += count;
    return sum;
  }
};

// Reads all there is; each record's bytes are checked.
inline LogContent read_log(FileSystem& files, const std::string& directory = kDirectory,
                           std::uint64_t from = kFirstPosition) {
  LogContent content;
  LogReader reader(files, directory, from);
  while (true) {
    const auto record = reader.next(content.complaints);
    EXPECT_TRUE(record) << record.error().sentence;
    if (!record || !*record) break;
    const auto expected = payload_of((*record)->position, (*record)->count);
    const auto& payload = (*record)->payload;
    EXPECT_TRUE(std::equal(payload.begin(), payload.end(), expected.begin(), expected.end()))
        << "record " << (*record)->position;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(payload.data()) % kRecordAlignment, 0U);
    EXPECT_TRUE(content.records.emplace((*record)->position, (*record)->count).second);
  }
  content.lost_items = reader.lost_items();
  content.end = reader.position();
  return content;
}

inline std::unique_ptr<LogWriter> open_log(FileSystem& files, std::uint64_t segment_bytes = 4096,
                                           const std::string& directory = kDirectory) {
  LogOptions options;
  options.segment_bytes = segment_bytes;
  auto log = LogWriter::open(files, directory, options);
  EXPECT_TRUE(log) << log.error().sentence;
  return log ? std::move(*log) : nullptr;
}

}  // namespace backsight::storage
