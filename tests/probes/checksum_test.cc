// One's complement sums against a model that adds byte by byte.
#include "probes/wire/checksum.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::Packet;
using testing::slow_checksum;

TEST(Checksum, AgreesWithTheExampleOfRfc1071) {
  const Packet bytes = testing::from_hex("0001 f203 f4f5 f6f7");
  EXPECT_EQ(ones_sum(bytes), 0xddf2);
}

TEST(Checksum, FoldsUntilNoCarryIsLeft) {
  EXPECT_EQ(fold(0), 0);
  EXPECT_EQ(fold(0xffff), 0xffff);
  EXPECT_EQ(fold(0x10000), 1);
  EXPECT_EQ(fold(0x1ffff), 1);  // one fold gives 0x10000: the carry that is forgotten
  EXPECT_EQ(fold(0xffffffff), 0xffff);
  EXPECT_EQ(fold(0xffff0001), 1);
  EXPECT_EQ(fold(0xffffffffffffffff), 0xffff);
  EXPECT_EQ(fold(0xffffffff00000001), 1);
}

TEST(Checksum, FoldIsTheRemainderModulo0xffff) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    // Numbers with long runs of ones are where carries travel far.
    const std::uint64_t sum = random() | (i % 2 == 0 ? random() | random() : 0);
    const std::uint64_t remainder = sum % 0xffff;
    EXPECT_EQ(fold(sum), remainder == 0 ? 0xffff : remainder) << std::hex << sum;
  }
}

TEST(Checksum, AgreesWithTheModelAtEveryLengthAndAlignment) {
  std::mt19937 random(2);
  const std::uint8_t palette[] = {0x00, 0xff, 0xfe, 0x01, 0x80, 0x7f};
  for (std::size_t length = 0; length <= 256; ++length) {
    for (std::size_t offset = 0; offset < 8; ++offset) {
      Packet bytes(offset + length);
      const bool is_adversarial = random() % 2 == 0;
      for (auto& byte : bytes) {
        byte = static_cast<std::byte>(is_adversarial ? palette[random() % 6] : random() & 0xff);
      }
      const auto view = std::span(bytes).subspan(offset);
      ASSERT_EQ(static_cast<std::uint16_t>(~ones_sum(view)), slow_checksum(view))
          << length << " bytes at " << offset;
    }
  }
}

TEST(Checksum, HeadersOfOnesAddUp) {
  for (const std::size_t length : {20u, 24u, 40u, 60u}) {
    Packet bytes(length, std::byte{0xff});
    EXPECT_EQ(static_cast<std::uint16_t>(~ones_sum(bytes)), slow_checksum(bytes));
    store_be16(bytes.data() + 10, 0);
    store_be16(bytes.data() + 10, checksum_of(ones_sum(bytes)));
    EXPECT_TRUE(adds_up(bytes));
  }
}

TEST(Compensation, MakesAnyChecksumButAllOnes) {
  std::mt19937_64 random(3);
  for (std::uint32_t wanted = 0; wanted < 0xffff; ++wanted) {
    const std::uint64_t sum = wanted % 3 == 0 ? random() | 1 : 0xffff * (random() % 1000 + 1);
    const auto word = compensation(sum & 0xffffffffffff, static_cast<std::uint16_t>(wanted));
    ASSERT_EQ(checksum_of((sum & 0xffffffffffff) + word), wanted) << std::hex << sum;
  }
}

TEST(ByteOrder, WritesAndReadsBigEndianAtAnyAlignment) {
  std::byte bytes[16];
  for (std::size_t at = 0; at < 8; ++at) {
    store_be64(bytes + at, 0x0123456789abcdef);
    EXPECT_EQ(bytes[at], std::byte{0x01});
    EXPECT_EQ(load_be64(bytes + at), 0x0123456789abcdefu);
    EXPECT_EQ(load_be32(bytes + at), 0x01234567u);
    EXPECT_EQ(load_be16(bytes + at), 0x0123u);
    store_be32(bytes + at, 0xfedcba98);
    EXPECT_EQ(load_be64(bytes + at), 0xfedcba9889abcdefu);
  }
}

constexpr std::uint64_t round_trip_at_compile_time(std::uint64_t value) {
  std::byte bytes[8] = {};
  store_be64(bytes, value);
  return load_be64(bytes);
}
static_assert(round_trip_at_compile_time(0x0123456789abcdef) == 0x0123456789abcdef);

}  // namespace
}  // namespace backsight::probes
