// The engine's own containers against those of the standard library.
#include <set>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "engine/control/id_set.h"
#include "engine/worker/fixed_map.h"
#include "engine/worker/seen.h"
#include "tests/support/random.h"

namespace backsight::engine {
namespace {

TEST(FixedMap, DoesWhatAnUnorderedMapWould) {
  BACKSIGHT_RANDOM(random);
  for (const std::uint32_t capacity : {1U, 2U, 7U, 64U, 1000U}) {
    FixedMap<std::uint32_t> map(capacity);
    std::unordered_map<std::uint32_t, std::uint32_t> model;
    // Few keys, of neighbouring homes and not: chains grow, wrap round and are cut in the middle.
    const std::uint64_t keys = capacity * 2U + 1;
    for (int step = 0; step < 50'000; ++step) {
      const auto key =
          static_cast<std::uint32_t>(random.below(keys)) * (random.one_in(2) ? 1 : 0x01000001);
      const std::uint32_t* found = map.find(key);
      ASSERT_EQ(found != nullptr, model.count(key) == 1) << key;
      if (found != nullptr) {
        ASSERT_EQ(*found, model[key]);
      }
      if (random.one_in(2)) {
        map.erase(key);
        model.erase(key);
      } else if (found == nullptr && !map.is_full()) {
        const auto value = static_cast<std::uint32_t>(random.word());
        ASSERT_EQ(map.insert(key, value), value);
        model[key] = value;
      }
      ASSERT_EQ(map.size(), model.size());
      ASSERT_EQ(map.is_full(), model.size() == capacity);
    }
    for (const auto& [key, value] : model) {
      ASSERT_NE(map.find(key), nullptr);
      ASSERT_EQ(*map.find(key), value);
    }
  }
}

TEST(FixedMap, EndsItsSearchWhenItIsFull) {
  FixedMap<int> map(4);
  for (std::uint32_t key = 0; key < 4; ++key) map.insert(key, 1);
  EXPECT_TRUE(map.is_full());
  for (std::uint32_t key = 4; key < 10'000; ++key) ASSERT_EQ(map.find(key), nullptr);
}

std::size_t runs_of(const std::set<std::uint64_t>& numbers) {
  std::size_t runs = 0;
  for (const std::uint64_t number : numbers) runs += numbers.count(number - 1) == 0 ? 1 : 0;
  return runs;
}

TEST(IdSet, DoesWhatASetWould) {
  BACKSIGHT_RANDOM(random);
  IdSet ids;
  std::set<std::uint64_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t id = 1 + random.below(300);
    if (random.below(5) < 3) {
      ASSERT_EQ(ids.insert(id), model.insert(id).second) << id;
    } else {
      ASSERT_EQ(ids.erase(id), model.erase(id) == 1) << id;
    }
    const std::uint64_t other = random.below(302);
    ASSERT_EQ(ids.contains(other), model.count(other) == 1) << other;
    if (step % 100 == 0) {
      ASSERT_EQ(ids.intervals(), runs_of(model));
    }
  }
}

TEST(IdSet, KeepsARunInOneInterval) {
  IdSet ids;
  for (std::uint64_t id = 0; id < 100'000; id += 2) EXPECT_TRUE(ids.insert(id));
  for (std::uint64_t id = 1; id < 100'000; id += 2) EXPECT_TRUE(ids.insert(id));
  EXPECT_EQ(ids.intervals(), 1U);
}

TEST(IdSet, HoldsTheFirstAndTheLastNumberThereIs) {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  IdSet ids;
  EXPECT_TRUE(ids.insert(kLast));
  EXPECT_TRUE(ids.insert(0));
  EXPECT_FALSE(ids.insert(kLast));
  EXPECT_FALSE(ids.insert(0));
  EXPECT_TRUE(ids.insert(kLast - 1));
  EXPECT_FALSE(ids.contains(1));
  EXPECT_EQ(ids.intervals(), 2U);
  EXPECT_TRUE(ids.erase(kLast));
  EXPECT_TRUE(ids.contains(kLast - 1));
  EXPECT_FALSE(ids.contains(kLast));
  EXPECT_TRUE(ids.erase(0));
  EXPECT_FALSE(ids.erase(0));
}

TEST(SeenTags, KnowsATagTheSecondTime) {
  BACKSIGHT_RANDOM(random);
  SeenTags seen(1000);
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t tag = random.word();
    EXPECT_TRUE(seen.is_new(tag));
    EXPECT_FALSE(seen.is_new(tag));
  }
}

// Buckets fill unevenly, so it is not all of them.
TEST(SeenTags, RemembersNearlyAllOfHalfItsRoom) {
  BACKSIGHT_RANDOM(random);
  SeenTags seen(64 * 1024);
  std::vector<std::uint64_t> tags(32 * 1024);
  for (std::uint64_t& tag : tags) {
    tag = random.word();
    static_cast<void>(seen.is_new(tag));
  }
  std::size_t forgotten = 0;
  for (const std::uint64_t tag : tags) forgotten += seen.is_new(tag) ? 1 : 0;
  EXPECT_LT(forgotten, tags.size() / 50);
}

}  // namespace
}  // namespace backsight::engine
