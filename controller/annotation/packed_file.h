// Reads files that may be packed with gzip, as measurement data comes, from begin to end and never
// as a whole.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/error.h"

struct gzFile_s;

namespace backsight::controller {

class PackedFile {
 public:
  // Refuses what is no regular file.
  [[nodiscard]] static Expected<PackedFile> open(const std::filesystem::path& path);

  // Unpacked bytes, fewer than asked only at the end. A packed file that was cut is an error.
  [[nodiscard]] Expected<std::size_t> read(std::span<char> bytes);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  struct Close {
    void operator()(gzFile_s* file) const noexcept;
  };

  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

// A file line by line.
class PackedLines {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

  [[nodiscard]] static Expected<PackedLines> open(const std::filesystem::path& path);

  // The next line without its end (LF or CR LF); nothing at the file's end. Good until the next
  // call. A longer line than kMaxLineBytes is an error.
  [[nodiscard]] Expected<std::optional<std::string_view>> next();
  // Of the line that next() returned last; from 1 on.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  explicit PackedLines(PackedFile file) : file_(std::move(file)) {}
  Expected<bool> fill();
  [[nodiscard]] std::string_view take(std::size_t bytes, std::size_t end_bytes) noexcept;

  PackedFile file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is not yet returned
  std::uint64_t number_ = 0;
  bool is_at_end_ = false;
};

}  // namespace backsight::controller
