// Reads files that may be packed with gzip, bzip2, xz or zstd, as measurement data comes, from
// begin to end and never as a whole. What they are shows in their bytes, not in their names.
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
#include <utility>

#include "config/error.h"
#include "controller/annotation/unpacker.h"

namespace backsight::controller {

class PackedFile {
 public:
  // Refuses what is no regular file, what is empty, and what begins as no file of data does: a web
  // page, an archive of files, a database, an API's error.
  [[nodiscard]] static Expected<PackedFile> open(const std::filesystem::path& path);

  // Unpacked bytes, fewer than asked only at the end. A packed file that was cut is an error.
  [[nodiscard]] Expected<std::size_t> read(std::span<char> bytes);
  // All that is left. `most_bytes` and more are an error.
  [[nodiscard]] Expected<std::string> read_rest(std::size_t most_bytes);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // What it begins with, unpacked; good until the first read.
  [[nodiscard]] std::string_view beginning() const noexcept { return beginning_; }

 private:
  class Descriptor {
   public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    [[nodiscard]] int get() const noexcept { return number_; }

   private:
    int number_;
  };

  PackedFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  [[nodiscard]] Expected<void> begin();
  // Fills packed_ to at least `bytes`, or to the file's end.
  [[nodiscard]] Expected<void> fetch(std::size_t bytes);
  [[nodiscard]] Expected<std::size_t> unpack(std::span<char> bytes);
  // Between two members. False: there is no more.
  [[nodiscard]] Expected<bool> next_member();
  [[nodiscard]] std::string_view packed() const noexcept {
    return std::string_view(packed_).substr(packed_at_);
  }

  std::string path_;
  Descriptor file_;
  std::string packed_;  // read and not yet unpacked, from packed_at_ on
  std::size_t packed_at_ = 0;
  bool is_at_end_ = false;  // of the packed bytes
  Packing packing_ = Packing::kNone;
  std::unique_ptr<Unpacker> unpacker_;  // of the member that is being read
  std::string beginning_;               // unpacked to be looked at, from beginning_at_ on
  std::size_t beginning_at_ = 0;
};

// A file line by line.
class PackedLines {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

  explicit PackedLines(PackedFile file) : file_(std::move(file)) {}
  [[nodiscard]] static Expected<PackedLines> open(const std::filesystem::path& path);

  // The next line without its end (LF or CR LF) and without a byte order mark; nothing at the
  // file's end. Good until the next call. A longer line than kMaxLineBytes is an error.
  [[nodiscard]] Expected<std::optional<std::string_view>> next();
  // Of the line that next() returned last; from 1 on.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  Expected<bool> fill();
  [[nodiscard]] std::string_view take(std::size_t bytes, std::size_t end_bytes) noexcept;

  PackedFile file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is not yet returned
  std::uint64_t number_ = 0;
  bool is_at_end_ = false;
};

}  // namespace backsight::controller
