// Any bytes may be injected: each has one fate, and what comes back is well-formed.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "fixture.h"
#include "probes/reading/reply.h"
#include "tests/support/model_router.h"

namespace backsight::sim::testing {
namespace {

std::vector<Bytes> all_kinds(const World& world) {
  const Ipv4Addr vp = world.vantage_points()[0].address;
  const Ipv4Addr host = polite_host(world, 3);
  std::vector<Bytes> probes;
  for (const std::uint8_t ttl : {std::uint8_t{3}, std::uint8_t{64}}) {
    probes.push_back(craft({ping(), vp, host, ttl}));
    probes.push_back(craft({record_route(), vp, host, ttl}));
    probes.push_back(craft({{.kind = probes::Kind::kTimestamp}, vp, host, ttl}));
    for (const auto method :
         {probes::TraceMethod::kIcmp, probes::TraceMethod::kUdp, probes::TraceMethod::kTcp}) {
      probes.push_back(craft({trace(method), vp, host, ttl}));
    }
  }
  return probes;
}

void expect_well_formed(const Deliveries& out) {
  for (const Delivery& it : out.all()) {
    Packet packet;
    EXPECT_EQ(packet.read(out.bytes(it)), Malformed::kWellFormed);
    EXPECT_EQ(packet.size(), it.size);
  }
}

TEST(Hostile, EveryTruncationIsMalformed) {
  World& world = calm_world();
  const Ipv4Addr vp = world.vantage_points()[0].address;
  for (const Bytes& probe : all_kinds(world)) {
    for (std::size_t size = 0; size < probe.size(); ++size) {
      // A copy of exactly that size, so that sanitizers see a byte too far.
      const Bytes cut(probe.begin(), probe.begin() + static_cast<std::ptrdiff_t>(size));
      Deliveries out;
      EXPECT_EQ(world.inject(cut, vp, kNow, out), Fate::kMalformed);
      EXPECT_TRUE(out.all().empty());
    }
  }
}

// Truncated and then said to be so long: what is beyond the IPv4 header may be anything.
TEST(Hostile, ShortenedPacketsAreSurvived) {
  World& world = calm_world();
  const Ipv4Addr vp = world.vantage_points()[0].address;
  for (const Bytes& probe : all_kinds(world)) {
    for (std::size_t size = 20; size < probe.size(); ++size) {
      backsight::testing::Packet cut(probe.begin(),
                                     probe.begin() + static_cast<std::ptrdiff_t>(size));
      cut[2] = std::byte{0};
      cut[3] = static_cast<std::byte>(size);
      if (size >= 60) backsight::testing::fix_checksums(cut);
      const std::size_t header = (std::to_integer<std::size_t>(cut[0]) & 15) * 4;
      if (size >= header) {
        cut[10] = cut[11] = std::byte{0};
        const std::uint16_t sum = backsight::testing::slow_checksum(std::span(cut).first(header));
        cut[10] = static_cast<std::byte>(sum >> 8);
        cut[11] = static_cast<std::byte>(sum & 0xff);
      }
      Deliveries out;
      world.inject(Bytes(cut.begin(), cut.end()), vp, kNow, out);
      expect_well_formed(out);
    }
  }
}

TEST(Hostile, RandomChangesAreSurvived) {
  World& world = calm_world();
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  const Ipv4Addr vp = world.vantage_points()[0].address;
  const std::vector<Bytes> kinds = all_kinds(world);
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes = kinds[random() % kinds.size()];
    for (std::uint32_t n = random() % 4; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    // Half of them with a header checksum that is right again.
    const std::size_t header = (std::to_integer<std::size_t>(bytes[0]) & 15) * 4;
    if (random() % 2 == 0 && header >= 20 && header <= bytes.size()) {
      bytes[10] = bytes[11] = std::byte{0};
      const std::uint16_t sum = backsight::testing::slow_checksum(std::span(bytes).first(header));
      bytes[10] = static_cast<std::byte>(sum >> 8);
      bytes[11] = static_cast<std::byte>(sum & 0xff);
    }
    Deliveries out;
    world.inject(bytes, vp, kNow + static_cast<std::uint64_t>(i), out);
    expect_well_formed(out);
  }
}

TEST(Hostile, BadPacketsHaveTheirReason) {
  World& world = calm_world();
  const Ipv4Addr vp = world.vantage_points()[0].address;
  const Bytes good = craft({record_route(), vp, polite_host(world, 3)});
  const auto read = [](Bytes bytes) {
    Packet packet;
    return packet.read(bytes);
  };
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    backsight::testing::Packet bytes(good.begin(), good.end());
    bytes[at] = std::byte{value};
    bytes[10] = bytes[11] = std::byte{0};
    const std::uint16_t sum = backsight::testing::slow_checksum(std::span(bytes).first(60));
    bytes[10] = static_cast<std::byte>(sum >> 8);
    bytes[11] = static_cast<std::byte>(sum & 0xff);
    return Bytes(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(read(good), Malformed::kWellFormed);
  EXPECT_EQ(read({}), Malformed::kLength);
  EXPECT_EQ(read(changed(0, 0x6f)), Malformed::kHeader);
  EXPECT_EQ(read(changed(3, 255)), Malformed::kLength);
  EXPECT_EQ(read(changed(6, 0x20)), Malformed::kFragment);
  EXPECT_EQ(read(changed(21, 41)), Malformed::kOptions);
  EXPECT_EQ(read(changed(21, 2)), Malformed::kOptions);
  EXPECT_EQ(read(changed(22, 3)), Malformed::kOptions);
  EXPECT_EQ(read(changed(22, 6)), Malformed::kOptions);
  Bytes wrong = good;
  wrong[10] ^= std::byte{1};
  EXPECT_EQ(read(wrong), Malformed::kChecksum);
}

}  // namespace
}  // namespace backsight::sim::testing
