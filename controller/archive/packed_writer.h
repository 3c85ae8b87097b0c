// Writes a file packed with gzip, in one go from its begin. The same content gives the same bytes.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "storage/file_system.h"

struct z_stream_s;

namespace backsight::controller {

class PackedWriter {
 public:
  // Replaces what the file holds.
  explicit PackedWriter(storage::File& file);
  ~PackedWriter();
  PackedWriter(const PackedWriter&) = delete;
  PackedWriter& operator=(const PackedWriter&) = delete;

  [[nodiscard]] Expected<void> write(std::string_view bytes);
  // Writes what is left; the file ends there, and is on the disk. REQUIRES: called once, last.
  [[nodiscard]] Expected<void> finish();
  [[nodiscard]] std::uint64_t bytes() const noexcept { return written_; }

 private:
  Expected<void> pack(std::string_view bytes, int flush);

  storage::File& file_;
  std::unique_ptr<z_stream_s> stream_;
  std::vector<unsigned char> buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace backsight::controller
