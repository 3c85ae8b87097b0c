// Unpacks what gzip, bzip2, xz or zstd packed, piece by piece. The four libraries are called as
// they are: each is a part of every Debian system, and each checks the sums that its format keeps.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace backsight::controller {

enum class Packing : unsigned char { kNone, kGzip, kBzip2, kXz, kZstd };

// By the first bytes of a file, of which 6 are enough.
[[nodiscard]] Packing packing_of(std::string_view beginning) noexcept;

// One member of a packed file; files may have several, one behind the other.
class Unpacker {
 public:
  struct Step {
    std::size_t taken = 0;  // of the packed bytes
    std::size_t given = 0;  // of the room for unpacked ones
    bool is_end = false;    // the member is complete
  };

  virtual ~Unpacker() = default;
  // Neither taken nor given: it needs more packed bytes. The error says what is wrong with them.
  [[nodiscard]] virtual tl::expected<Step, std::string> step(std::span<const char> packed,
                                                             std::span<char> room) = 0;
};

// REQUIRES: it is packed. Throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<Unpacker> make_unpacker(Packing packing);

}  // namespace backsight::controller
