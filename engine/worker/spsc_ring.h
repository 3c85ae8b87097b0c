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

#include "probes/assert.h"

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
    next(0) = item;
    publish(1);
    return true;
  }

  // Room for the item `index` places behind those published, to be written in place.
  // REQUIRES: index < free_slots(). Thread: the producer.
  [[nodiscard]] T& next(std::size_t index) noexcept {
    return items_[(tail_.load(std::memory_order_relaxed) + index) & mask_];
  }
  // Lets the consumer see the next `count` items. Thread: the producer.
  void publish(std::size_t count) noexcept {
    // Release: the items are written before the consumer can see the index.
    tail_.store(tail_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }

  // Items that wait, as many as `enough` or all. Thread: the consumer.
  [[nodiscard]] std::size_t available(std::size_t enough) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    // Acquire: the items are there when the index says so.
    if (cached_tail_ - head < enough) cached_tail_ = tail_.load(std::memory_order_acquire);
    return std::min(cached_tail_ - head, enough);
  }
  // The item `index` places behind the first, in place. REQUIRES: index < available(index + 1).
  // Thread: the consumer.
  [[nodiscard]] const T& front(std::size_t index) const noexcept {
    return items_[(head_.load(std::memory_order_relaxed) + index) & mask_];
  }
  // Gives the first `count` items' room back. Thread: the consumer.
  void release(std::size_t count) noexcept {
    // Release: the producer writes there only after they were read.
    head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }

  // Takes what is there, at most out.size() items. Thread: the consumer.
  [[nodiscard]] std::size_t pop(std::span<T> out) noexcept {
    const std::size_t count = available(out.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = front(i);
    release(count);
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
