// Probes crafted many at once are, byte by byte, those crafted one by one.
#include "probes/crafting/echo_burst.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace backsight::probes {
namespace {

constexpr unsigned kSeed = 21;

std::vector<Shape> plain_shapes() {
  return {{.kind = Kind::kPing},
          {.kind = Kind::kRecordRoute},
          {.kind = Kind::kTimestamp, .timestamp = TimestampType::kOnly},
          {.kind = Kind::kTimestamp, .timestamp = TimestampType::kWithAddresses}};
}

// Small numbers now and then: sums that carry differ from those that do not.
std::uint64_t number(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return 0;
    case 1:
      return ~std::uint64_t{0};
    default:
      return random();
  }
}

TEST(CraftBurst, WritesTheBytesOfOneProbeAtATime) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  for (const CraftTarget& target : craft_targets()) {
    SCOPED_TRACE(std::to_string(target.register_bits) + " bits");
    for (const Shape& shape : plain_shapes()) {
      const Template prepared(shape);
      for (std::size_t count = 0; count <= kIdentityBurst; ++count) {
        std::array<ProbeFields, kIdentityBurst> fields;
        TagBurst words{};
        EchoBurst burst{};
        std::vector<std::array<std::byte, kMaxProbeBytes>> out(count);
        for (std::size_t i = 0; i < count; ++i) {
          ProbeFields& it = fields[i];
          it.src = {static_cast<std::uint32_t>(number(random))};
          it.dst = {static_cast<std::uint32_t>(number(random))};
          it.ttl = static_cast<std::uint8_t>(number(random));
          it.ip_id = static_cast<std::uint16_t>(number(random));
          it.handle = static_cast<std::uint32_t>(number(random));
          it.identity = {
              {static_cast<std::uint16_t>(number(random)), number(random) & kMaxProbeNumber},
              number(random)};
          words.set(i, {.id = it.identity.id,
                        .src = it.src,
                        .dst = it.dst,
                        .handle = it.handle,
                        .kind = shape.kind,
                        .is_spoofed = random() % 2 == 0});
          burst.out[i] = out[i].data();
          burst.ip_id[i] = it.ip_id;
          burst.ttl[i] = it.ttl;
          burst.tags[i] = it.identity.tag;
        }
        target.craft_echoes(prepared, words, count, burst);
        for (std::size_t i = 0; i < count; ++i) {
          std::array<std::byte, kMaxProbeBytes> one{};
          const std::uint16_t checksum = prepared.craft(fields[i], one.data());
          ASSERT_EQ(burst.checksums[i], checksum) << i << " of " << count;
          ASSERT_TRUE(std::equal(one.begin(), one.begin() + prepared.size(), out[i].begin()))
              << i << " of " << count;
        }
      }
    }
  }
}

TEST(CraftBurst, IsNotForShapesWithMoreToPatch) {
  EXPECT_FALSE(Template({.kind = Kind::kTrace}).is_plain_echo());
  EXPECT_FALSE(
      Template(
          {.kind = Kind::kTimestamp, .timestamp = TimestampType::kPrespecified, .prespecified = 2})
          .is_plain_echo());
  for (const Shape& shape : plain_shapes()) EXPECT_TRUE(Template(shape).is_plain_echo());
}

}  // namespace
}  // namespace backsight::probes
