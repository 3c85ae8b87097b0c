// The ring between two threads: nothing is lost, doubled, torn or out of order.
#include "engine/worker/spsc_ring.h"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/random.h"

namespace backsight::engine {
namespace {

// Wide enough to be seen half written.
struct Item {
  std::array<std::uint64_t, 8> words{};
};

Item item_of(std::uint64_t number) {
  Item item;
  for (std::size_t i = 0; i < item.words.size(); ++i) item.words[i] = number * (i + 1);
  return item;
}

void hand_over(std::size_t capacity, std::uint64_t count, std::size_t at_once) {
  SpscRing<Item> ring(capacity);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < count;) {
      if (ring.try_push(item_of(i))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::vector<Item> out(at_once);
  std::uint64_t wrong = 0;
  for (std::uint64_t next = 0; next < count;) {
    const std::size_t taken = ring.pop(out);
    if (taken == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < taken; ++i, ++next) {
      wrong += out[i].words == item_of(next).words ? 0 : 1;
    }
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(ring.approximate_size(), 0U);
}

TEST(SpscRing, HandsOverEverythingInOrderOneByOne) { hand_over(64, 50'000, 1); }
TEST(SpscRing, HandsOverEverythingInOrderInBulk) { hand_over(64, 100'000, 17); }
TEST(SpscRing, HandsOverEverythingWhenItHoldsOneItem) { hand_over(1, 5'000, 4); }
TEST(SpscRing, HandsOverEverythingWhenTheConsumerTakesMoreThanItHolds) { hand_over(8, 25'000, 64); }

TEST(SpscRing, IsFullAtItsCapacityAndFreeAgainAfterAPop) {
  SpscRing<int> ring(4);
  EXPECT_EQ(ring.capacity(), 4U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(ring.free_slots(), 4U - static_cast<std::size_t>(i));
    EXPECT_TRUE(ring.try_push(i));
  }
  EXPECT_EQ(ring.free_slots(), 0U);
  EXPECT_FALSE(ring.try_push(4));
  std::array<int, 2> out{};
  EXPECT_EQ(ring.pop(out), 2U);
  EXPECT_EQ(out, (std::array<int, 2>{0, 1}));
  EXPECT_EQ(ring.refreshed_free_slots(), 2U);
  EXPECT_EQ(ring.approximate_size(), 2U);
}

TEST(SpscRing, DoesWhatAQueueWould) {
  BACKSIGHT_RANDOM(random);
  SpscRing<std::uint64_t> ring(16);
  std::vector<std::uint64_t> model;
  std::uint64_t next = 0;
  for (int step = 0; step < 100'000; ++step) {
    if (random.one_in(2)) {
      const bool has_room = model.size() < 16;
      ASSERT_EQ(ring.try_push(next), has_room);
      if (has_room) model.push_back(next++);
    } else {
      std::vector<std::uint64_t> out(random.below(20));
      const std::size_t taken = ring.pop(out);
      ASSERT_EQ(taken, std::min(out.size(), model.size()));
      for (std::size_t i = 0; i < taken; ++i) ASSERT_EQ(out[i], model[i]);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    ASSERT_EQ(ring.refreshed_free_slots(), 16 - model.size());
  }
}

}  // namespace
}  // namespace backsight::engine
