// Remembers which proven replies of other vantage points were already told, so that a duplicate or
// replayed one is named and not told again. Fixed memory: the newest `capacity` tags or so; an
// older replay is stopped by its epoch at the latest. Thread: one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace backsight::engine {

class SeenTags {
 public:
  explicit SeenTags(std::size_t capacity)
      : mask_(std::bit_ceil(capacity / kWays + 1) - 1), buckets_(mask_ + 1) {}

  // True the first time. The tag is a keyed hash: its own bits spread it.
  [[nodiscard]] bool is_new(std::uint64_t tag) noexcept {
    Bucket& bucket = buckets_[tag & mask_];
    for (const std::uint64_t known : bucket.tags) {
      if (known == tag) return false;
    }
    bucket.tags[bucket.oldest] = tag;
    bucket.oldest = (bucket.oldest + 1) % kWays;
    return true;
  }

 private:
  static constexpr std::size_t kWays = 7;
  struct Bucket {
    std::array<std::uint64_t, kWays> tags{};
    std::uint64_t oldest = 0;
  };
  static_assert(sizeof(Bucket) == 64);
  std::size_t mask_;
  std::vector<Bucket> buckets_;
};

}  // namespace backsight::engine
