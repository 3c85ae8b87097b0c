#include "probes/identity/identity.h"

#include <bit>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "golden.h"

namespace backsight::probes {
namespace {

using testing::ip;
using testing::kGoldenId;
using testing::kGoldenKey;

// The first outputs of the reference implementation (vectors_sip64) for the key 00 01 .. 0f and the
// messages 00 01 .. of 0, 8, 16 and 24 bytes; checked against libsodium's crypto_shorthash too.
TEST(SipHash, GivesTheReferenceVectors) {
  const std::uint64_t words[] = {0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x1716151413121110};
  EXPECT_EQ(siphash24(kGoldenKey, words, 0), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(siphash24(kGoldenKey, words, 1), 0x93f5f5799a932462u);
  EXPECT_EQ(siphash24(kGoldenKey, words, 2), 0x3f2acc7f57c29bdbu);
  EXPECT_EQ(siphash24(kGoldenKey, words, 3), 0xb8ad50c6f649af94u);
}

TEST(Identity, StandsInTheBytesAsDocumented) {
  std::byte bytes[kIdentityBytes];
  store_identity(bytes,
                 {.id = {.vp = 0x0102, .number = 0x030405060708}, .tag = 0x1112131415161718});
  EXPECT_EQ(testing::to_hex(bytes), "01020304050607081112131415161718");
}

TEST(Identity, IsReadAsWritten) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 1000; ++i) {
    const Identity written{.id = {static_cast<std::uint16_t>(random()), random() & kMaxProbeNumber},
                           .tag = random()};
    std::byte bytes[kIdentityBytes];
    store_identity(bytes, written);
    const Identity read = load_identity(bytes);
    EXPECT_EQ(read.id, written.id);
    EXPECT_EQ(read.tag, written.tag);
  }
}

TEST(Tag, DependsOnEverythingItCovers) {
  const TagInput base{.id = kGoldenId,
                      .src = ip("192.0.2.1"),
                      .dst = ip("203.0.113.2"),
                      .handle = 7,
                      .kind = Kind::kPing,
                      .is_spoofed = false};
  std::set<std::uint64_t> tags = {make_tag(kGoldenKey, base)};
  const auto expect_new = [&](TagKey key, auto change) {
    TagInput input = base;
    change(input);
    EXPECT_TRUE(tags.insert(make_tag(key, input)).second);
  };
  for (int bit = 0; bit < 48; ++bit) {
    expect_new(kGoldenKey, [&](TagInput& input) { input.id.number ^= std::uint64_t{1} << bit; });
  }
  for (int bit = 0; bit < 32; ++bit) {
    const std::uint32_t mask = std::uint32_t{1} << bit;
    expect_new(kGoldenKey, [&](TagInput& input) { input.src.value ^= mask; });
    expect_new(kGoldenKey, [&](TagInput& input) { input.dst.value ^= mask; });
    expect_new(kGoldenKey, [&](TagInput& input) { input.handle ^= mask; });
  }
  expect_new(kGoldenKey, [](TagInput& input) { input.id.vp = 2; });
  expect_new(kGoldenKey, [](TagInput& input) { std::swap(input.src, input.dst); });
  expect_new(kGoldenKey, [](TagInput& input) { input.is_spoofed = true; });
  for (const auto kind : {Kind::kRecordRoute, Kind::kTimestamp, Kind::kTrace}) {
    expect_new(kGoldenKey, [&](TagInput& input) { input.kind = kind; });
  }
  expect_new({kGoldenKey.k0 + 1, kGoldenKey.k1}, [](TagInput&) {});
  expect_new({kGoldenKey.k0, kGoldenKey.k1 + 1}, [](TagInput&) {});
}

// The three words of docs/wire-identity.md.
TEST(Tag, IsTheSipHashOfTheDocumentedWords) {
  const std::uint64_t words[] = {0x0001000000000011, 0xc0000201cb007102, 0xa1b2c3d400010100};
  EXPECT_EQ(make_tag(kGoldenKey, {.id = kGoldenId,
                                  .src = ip("192.0.2.1"),
                                  .dst = ip("203.0.113.2"),
                                  .handle = testing::kGoldenHandle,
                                  .kind = Kind::kRecordRoute,
                                  .is_spoofed = false}),
            siphash24(kGoldenKey, words, 3));
}

TEST(HandleCipher, OpensWhatItSealed) {
  const HandleCipher cipher(kGoldenKey);
  std::mt19937 random(5);
  for (int i = 0; i < 100'000; ++i) {
    const auto plain = static_cast<std::uint32_t>(random());
    ASSERT_EQ(cipher.open(cipher.seal(plain)), plain);
    ASSERT_EQ(cipher.seal(cipher.open(plain)), plain);
  }
}

TEST(HandleCipher, NeighboursLookUnrelated) {
  const HandleCipher cipher(kGoldenKey);
  int flipped = 0;
  constexpr int kPairs = 10'000;
  for (std::uint32_t plain = 0; plain < kPairs; ++plain) {
    flipped += std::popcount(cipher.seal(plain) ^ cipher.seal(plain + 1));
  }
  const double mean = static_cast<double>(flipped) / kPairs;
  EXPECT_NEAR(mean, 16.0, 0.5) << "half of 32 bits";
}

// A Feistel network with the same key in each round is its own inverse but for the halves' order:
// one known pair would give a second.
TEST(HandleCipher, RoundsHaveKeysOfTheirOwn) {
  const HandleCipher cipher(kGoldenKey);
  int equal = 0;
  for (std::uint32_t plain = 0; plain < 10'000; ++plain) {
    equal += std::rotl(cipher.open(std::rotl(plain, 16)), 16) == cipher.seal(plain) ? 1 : 0;
  }
  EXPECT_LE(equal, 2);
}

TEST(HandleCipher, AnotherKeyGivesAnotherPermutation) {
  const HandleCipher one(kGoldenKey);
  const HandleCipher other({kGoldenKey.k0 ^ 1, kGoldenKey.k1});
  int equal = 0;
  for (std::uint32_t plain = 0; plain < 10'000; ++plain) {
    equal += one.seal(plain) == other.seal(plain) ? 1 : 0;
  }
  EXPECT_LE(equal, 2);
}

}  // namespace
}  // namespace backsight::probes
