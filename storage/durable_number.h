// A number on the disk that only grows: a consumer's commit mark, a boot counter. Two slots, each
// with its checksum, are written in turn: a torn write leaves the other one.
//
//   slot 0 at 0, slot 1 at 512:  0..7 value, 8..11 CRC-32 of them; the greater valid one counts
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/error.h"
#include "storage/file_system.h"

namespace backsight::storage {

// Thread: one at a time.
class DurableNumber {
 public:
  // Reads the number; 0 when there is none yet, or none that can be read.
  [[nodiscard]] static Expected<DurableNumber> open(FileSystem& files, std::string directory,
                                                    std::string name);

  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  // Makes the number durable. A smaller or equal one is left alone.
  [[nodiscard]] Expected<void> store(std::uint64_t value);

 private:
  DurableNumber(FileSystem& files, std::string directory, std::string name)
      : files_(&files), directory_(std::move(directory)), name_(std::move(name)) {}

  FileSystem* files_;
  std::string directory_;
  std::string name_;
  std::unique_ptr<File> file_;  // once written
  std::uint64_t value_ = 0;
  unsigned slot_ = 0;  // that holds value_
};

}  // namespace backsight::storage
