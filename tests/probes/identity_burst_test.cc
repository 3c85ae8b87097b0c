// Many tags and handles at once are those that come one by one.
#include "probes/identity/identity_burst.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace backsight::probes {
namespace {

constexpr unsigned kSeed = 20;

TagInput input_of(std::mt19937_64& random) {
  return {.id = {static_cast<std::uint16_t>(random()), random() & kMaxProbeNumber},
          .src = {static_cast<std::uint32_t>(random())},
          .dst = {static_cast<std::uint32_t>(random())},
          .handle = static_cast<std::uint32_t>(random()),
          .kind = static_cast<Kind>(random() % 4),
          .is_spoofed = random() % 2 == 1};
}

TEST(IdentityBurst, HasAWayForEveryCpu) {
  ASSERT_FALSE(identity_targets().empty());
  EXPECT_EQ(identity_targets().back().register_bits, 128U);
}

TEST(IdentityBurst, MakesTheTagsOfOneProbeAtATime) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  for (const IdentityTarget& target : identity_targets()) {
    SCOPED_TRACE(std::to_string(target.register_bits) + " bits");
    for (std::size_t count = 0; count <= kIdentityBurst; ++count) {
      const TagKey key{random(), random()};
      TagBurst burst{};
      std::array<TagInput, kIdentityBurst> inputs;
      for (std::size_t i = 0; i < count; ++i) burst.set(i, inputs[i] = input_of(random));
      std::array<std::uint64_t, kIdentityBurst> tags{};
      target.make_tags(key, burst, count, tags.data());
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(tags[i], make_tag(key, inputs[i])) << i << " of " << count;
      }
    }
  }
}

// That `many` of each target does to random handles what `one` does to one.
void expect_alike(decltype(IdentityTarget::seal_handles) IdentityTarget::*many,
                  std::uint32_t (HandleCipher::*one)(std::uint32_t) const noexcept) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  for (const IdentityTarget& target : identity_targets()) {
    SCOPED_TRACE(std::to_string(target.register_bits) + " bits");
    for (std::size_t count = 0; count <= kIdentityBurst; ++count) {
      const HandleCipher cipher({random(), random()});
      std::array<std::uint64_t, kIdentityBurst> handles{};
      for (std::size_t i = 0; i < count; ++i) handles[i] = random() >> 32;
      const auto before = handles;
      (target.*many)(cipher, count, handles.data());
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(handles[i], (cipher.*one)(static_cast<std::uint32_t>(before[i])));
      }
    }
  }
}

TEST(IdentityBurst, SealsTheHandlesOfOneProbeAtATime) {
  expect_alike(&IdentityTarget::seal_handles, &HandleCipher::seal);
}

TEST(IdentityBurst, OpensTheHandlesOfOneProbeAtATime) {
  expect_alike(&IdentityTarget::open_handles, &HandleCipher::open);
}

TEST(IdentityBurst, KnowsWhichInputItsWordsAreOf) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  TagBurst burst{};
  const TagInput input = input_of(random);
  burst.set(7, input);
  EXPECT_TRUE(burst.is(7, input));
  TagInput other = input;
  other.id.number ^= 1;
  EXPECT_FALSE(burst.is(7, other));
  other = input;
  other.dst.value ^= 0x80000000;
  EXPECT_FALSE(burst.is(7, other));
  other = input;
  other.is_spoofed = !input.is_spoofed;
  EXPECT_FALSE(burst.is(7, other));
  burst.clear(7);
  EXPECT_FALSE(burst.is(7, input));
  EXPECT_FALSE(burst.is(7, TagInput{}));
}

TEST(IdentityBurst, UsesTheWidestWay) {
  const TagKey key{1, 2};
  TagBurst burst{};
  burst.set(0, {.id = {1, 17},
                .src = {1},
                .dst = {2},
                .handle = 3,
                .kind = Kind::kPing,
                .is_spoofed = false});
  std::array<std::uint64_t, kIdentityBurst> tags{};
  make_tags(key, burst, 1, tags);
  EXPECT_EQ(tags[0], make_tag(key, {.id = {1, 17},
                                    .src = {1},
                                    .dst = {2},
                                    .handle = 3,
                                    .kind = Kind::kPing,
                                    .is_spoofed = false}));
  std::array<std::uint64_t, kIdentityBurst> handles{5};
  seal_handles(HandleCipher(key), 1, handles);
  EXPECT_EQ(handles[0], HandleCipher(key).seal(5));
  open_handles(HandleCipher(key), 1, handles);
  EXPECT_EQ(handles[0], 5U);
}

}  // namespace
}  // namespace backsight::probes
