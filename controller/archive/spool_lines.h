// Reads a spool's lines. What stands behind the last line end is a torn write.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/error.h"
#include "storage/file_system.h"

namespace backsight::controller {

class SpoolLines {
 public:
  explicit SpoolLines(std::unique_ptr<storage::File> file) : file_(std::move(file)) {}

  // The next line without its end; nothing at the end. Good until the next call.
  [[nodiscard]] Expected<std::optional<std::string_view>> next();
  // Once next() gave nothing.
  [[nodiscard]] std::uint64_t torn_bytes() const noexcept { return buffer_.size() - begin_; }

 private:
  std::unique_ptr<storage::File> file_;
  std::uint64_t offset_ = 0;  // read up to there
  std::string buffer_;
  std::size_t begin_ = 0;
};

}  // namespace backsight::controller
