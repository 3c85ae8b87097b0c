// A bounded queue from one thread to one other, lock-free, with room for `capacity` items. Each
// side keeps a copy of the other's index and looks at the shared one only when the copy says full
// or empty, so that in bursts the cache line rarely moves.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "probes/wire/assert.h"

namespace backsight::engine {

template <typename T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // REQUIRES: capacity is a power of two.
  explicit SpscRing(std::size_t capacity)
      : mask_(capacity - 1), items_(std::make_unique_for_overwrite<T[]>(capacity)) {
    BACKSIGHT_ASSERT(std::has_single_bit(capacity));
  }

  // Thread: the producer.
  [[nodiscard]] std::size_t free_slots() noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - cached_head_ > mask_) {
      // Acquire: the consumer has finished reading the slots it gave back.
      cached_head_ = head_.load(std::memory_order_acquire);
    }
    return mask_ + 1 - (tail - cached_head_);
  }

  // As free_slots(), but asks the consumer's index even when the copy says there is room.
  [[nodiscard]] std::size_t refreshed_free_slots() noexcept {
    cached_head_ = head_.load(std::memory_order_acquire);
    return mask_ + 1 - (tail_.load(std::memory_order_relaxed) - cached_head_);
  }

  // Thread: the producer.
  [[nodiscard]] bool try_push(const T& item) noexcept {
    if (free_slots() == 0) return false;
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    items_[tail & mask_] = item;
    // Release: the item is written before the consumer can see the index.
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Takes what is there, at most out.size() items. Thread: the consumer.
  [[nodiscard]] std::size_t pop(std::span<T> out) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (cached_tail_ - head < out.size()) cached_tail_ = tail_.load(std::memory_order_acquire);
    const std::size_t count = std::min(cached_tail_ - head, out.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = items_[(head + i) & mask_];
    head_.store(head + count, std::memory_order_release);
    return count;
  }

  // Items inside, as either side may see it from outside: exact only when nobody moves.
  [[nodiscard]] std::size_t approximate_size() const noexcept {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

 private:
  static constexpr std::size_t kLine = 64;
  const std::size_t mask_;
  const std::unique_ptr<T[]> items_;
  alignas(kLine) std::atomic<std::size_t> head_{0};  // written by the consumer
  std::size_t cached_tail_ = 0;                      // the consumer's
  alignas(kLine) std::atomic<std::size_t> tail_{0};  // written by the producer
  std::size_t cached_head_ = 0;                      // the producer's
};

}  // namespace backsight::engine
