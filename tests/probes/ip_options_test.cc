#include "probes/ip_options.h"

#include <random>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::from_hex;
using testing::ip;
using testing::Packet;

Packet record_route(std::uint8_t length, std::uint8_t pointer) {
  Packet option(length, std::byte{0});
  option[0] = std::byte{7};
  option[1] = std::byte{length};
  option[2] = std::byte{pointer};
  for (std::size_t at = 3; at + 4 <= length; at += 4) {
    store_be32(option.data() + at, static_cast<std::uint32_t>(at));
  }
  return option;
}

Packet timestamps(std::uint8_t length, std::uint8_t pointer, std::uint8_t flags) {
  Packet option(length, std::byte{0});
  option[0] = std::byte{68};
  option[1] = std::byte{length};
  option[2] = std::byte{pointer};
  option[3] = std::byte{flags};
  return option;
}

void expect_refused(std::span<const std::byte> options) {
  const auto parsed = parse_ip_options(options);
  ASSERT_FALSE(parsed) << testing::to_hex(options);
  EXPECT_EQ(parsed.error(), Reject::kIpOptions);
}

TEST(ParseIpOptions, NoneIsFine) {
  const auto parsed = parse_ip_options({});
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->has_record_route);
  EXPECT_FALSE(parsed->has_timestamps);
}

TEST(ParseIpOptions, PaddingAndForeignOptionsAreSkipped) {
  const auto parsed = parse_ip_options(from_hex(R"(
      01 01             # no operation, twice
      94 04 0000        # router alert (RFC 2113)
      07 07 08 c0000201 # Record Route, its one slot filled
      00                # end; what follows is no option
      07 01 00)"));
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->has_record_route);
  EXPECT_EQ(parsed->record_route.count, 1);
  EXPECT_EQ(parsed->record_route.hops[0], ip("192.0.2.1"));
}

TEST(ParseIpOptions, RefusesImpossibleLengths) {
  expect_refused(from_hex("94"));        // no length byte
  expect_refused(from_hex("94 00"));     // would never end
  expect_refused(from_hex("94 01"));     // shorter than itself
  expect_refused(from_hex("94 04 00"));  // beyond the header
  expect_refused(from_hex("01 01 07"));
}

TEST(ParseRecordRoute, CountsSlotsBeforeThePointer) {
  for (std::uint8_t count = 0; count <= 9; ++count) {
    const auto parsed =
        parse_ip_options(record_route(39, static_cast<std::uint8_t>(4 + 4 * count)));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->record_route.count, count);
    EXPECT_EQ(parsed->record_route.slots, 9);
    for (std::size_t i = 0; i < kMaxRecordedHops; ++i) {
      EXPECT_EQ(parsed->record_route.hops[i].value, i < count ? 3 + 4 * i : 0);
    }
  }
}

TEST(ParseRecordRoute, AnyPointerBeyondTheOptionMeansFull) {
  for (int pointer = 40; pointer <= 255; ++pointer) {
    const auto parsed = parse_ip_options(record_route(39, static_cast<std::uint8_t>(pointer)));
    ASSERT_TRUE(parsed) << pointer;
    EXPECT_EQ(parsed->record_route.count, 9);
  }
}

TEST(ParseRecordRoute, AcceptsEveryNumberOfSlots) {
  for (std::uint8_t slots = 0; slots <= 9; ++slots) {
    const auto parsed = parse_ip_options(record_route(static_cast<std::uint8_t>(3 + 4 * slots), 4));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->record_route.slots, slots);
    EXPECT_EQ(parsed->record_route.count, 0);
  }
}

TEST(ParseRecordRoute, RefusesPointerInsideHeader) {
  for (std::uint8_t pointer = 0; pointer < 4; ++pointer) expect_refused(record_route(39, pointer));
}

TEST(ParseRecordRoute, RefusesPointerInsideASlot) {
  for (std::uint8_t pointer = 5; pointer < 40; ++pointer) {
    if (pointer % 4 != 0) expect_refused(record_route(39, pointer));
  }
}

TEST(ParseRecordRoute, RefusesLengthsThatAreNotWholeSlots) {
  for (std::uint8_t length = 4; length <= 40; ++length) {
    if ((length - 3) % 4 != 0) expect_refused(record_route(length, 4));
  }
  expect_refused(from_hex("07 02"));
}

TEST(ParseRecordRoute, RefusesMoreSlotsThanAHeaderHolds) { expect_refused(record_route(43, 4)); }

TEST(ParseRecordRoute, RefusesASecondOne) {
  Packet options = record_route(7, 4);
  const Packet again = options;
  options.insert(options.end(), again.begin(), again.end());
  expect_refused(options);
}

TEST(ParseTimestamps, ReadsTimestampsOnly) {
  const auto parsed = parse_ip_options(from_hex("44 0c 0d 20  008a61ca 80000001"));
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->has_timestamps);
  const RecordedTimestamps& read = parsed->timestamps;
  EXPECT_EQ(read.type, TimestampType::kOnly);
  EXPECT_EQ(read.count, 2);
  EXPECT_EQ(read.slots, 2);
  EXPECT_EQ(read.overflow, 2);
  EXPECT_EQ(read.stamps[0].milliseconds, 0x008a61cau);
  EXPECT_EQ(read.stamps[1].milliseconds, 0x80000001u);
  EXPECT_TRUE(read.stamps[0].address.is_unspecified());
}

TEST(ParseTimestamps, ReadsAddressesWithTimestamps) {
  const auto parsed =
      parse_ip_options(from_hex("44 14 0d 01  c0000202 00000007  00000000 00000000"));
  ASSERT_TRUE(parsed);
  const RecordedTimestamps& read = parsed->timestamps;
  EXPECT_EQ(read.type, TimestampType::kWithAddresses);
  EXPECT_EQ(read.count, 1);
  EXPECT_EQ(read.slots, 2);
  EXPECT_EQ(read.stamps[0].address, ip("192.0.2.2"));
  EXPECT_EQ(read.stamps[0].milliseconds, 7u);
}

TEST(ParseTimestamps, PrespecifiedAddressesAreReadBeforeTheyAreStamped) {
  const auto parsed =
      parse_ip_options(from_hex("44 14 0d 03  c0000202 00000007  c6336401 00000000"));
  ASSERT_TRUE(parsed);
  const RecordedTimestamps& read = parsed->timestamps;
  EXPECT_EQ(read.type, TimestampType::kPrespecified);
  EXPECT_EQ(read.count, 1);
  EXPECT_EQ(read.slots, 2);
  EXPECT_EQ(read.stamps[1].address, ip("198.51.100.1"));
}

TEST(ParseTimestamps, RefusesPointerInsideHeader) {
  for (std::uint8_t pointer = 0; pointer < 5; ++pointer) {
    expect_refused(timestamps(40, pointer, 0));
  }
}

TEST(ParseTimestamps, RefusesPointerInsideASlot) {
  expect_refused(timestamps(40, 6, 0));
  expect_refused(timestamps(36, 9, 1));  // between an address and its timestamp
  expect_refused(timestamps(36, 9, 3));
}

TEST(ParseTimestamps, RefusesUnknownTypes) {
  for (const int type : {2, 4, 5, 8, 15}) {
    expect_refused(timestamps(36, 5, static_cast<std::uint8_t>(type)));
  }
}

TEST(ParseTimestamps, RefusesLengthsThatAreNotWholeSlots) {
  expect_refused(from_hex("44 02"));
  expect_refused(from_hex("44 03 05"));
  expect_refused(timestamps(39, 5, 0));
  expect_refused(timestamps(40, 5, 1));
  expect_refused(timestamps(8, 5, 3));
  expect_refused(timestamps(44, 5, 0));  // more than a header holds
}

TEST(ParseTimestamps, RefusesASecondOne) {
  Packet options = timestamps(8, 5, 0);
  const Packet again = options;
  options.insert(options.end(), again.begin(), again.end());
  expect_refused(options);
}

// The options' grammar as plainly as it can be said: is there a fault, and which options are there?
struct Model {
  bool is_fine = true;
  int route_count = -1;
  int stamp_count = -1;
};

Model read_with_model(const Packet& options) {
  const auto at = [&](std::size_t i) { return std::to_integer<int>(options[i]); };
  const int size = static_cast<int>(options.size());
  Model model;
  const Model fault{.is_fine = false};
  for (int i = 0; i < size;) {
    const auto start = static_cast<std::size_t>(i);
    if (at(start) == 0) break;
    if (at(start) == 1) {
      ++i;
      continue;
    }
    if (i + 1 >= size || at(start + 1) < 2 || i + at(start + 1) > size) return fault;
    const int length = at(start + 1);
    const bool is_route = at(start) == 7;
    if (is_route || at(start) == 68) {
      const int header = is_route ? 3 : 4;
      if (length < header) return fault;
      const int type = is_route ? 0 : at(start + 3) % 16;
      if (type > 3 || type == 2) return fault;
      const int slot = type == 0 ? 4 : 8;
      int& count = is_route ? model.route_count : model.stamp_count;
      if (count >= 0 || (length - header) % slot != 0 || (length - header) / slot > 9) return fault;
      const int pointer = at(start + 2);
      if (pointer <= header) return fault;
      if (pointer <= length && (pointer - 1 - header) % slot != 0) return fault;
      count = ((pointer > length ? length + 1 : pointer) - 1 - header) / slot;
    }
    i += length;
  }
  return model;
}

TEST(ParseIpOptions, AgreesWithTheModelOnRandomOptions) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int accepted = 0;
  for (int round = 0; round < 500'000; ++round) {
    Packet options(random() % 45);
    for (auto& byte : options) {
      // Small numbers and the types we read come often, so that many options are nearly right.
      const std::uint8_t palette[] = {0, 1, 4, 5, 7, 7, 8, 11, 12, 68, 68, 3, 39, 40};
      byte = static_cast<std::byte>(random() % 3 == 0 ? random() & 0xff : palette[random() % 14]);
    }
    const Model expected = read_with_model(options);
    const auto parsed = parse_ip_options(options);
    ASSERT_EQ(parsed.has_value(), expected.is_fine) << testing::to_hex(options);
    if (!parsed) continue;
    ++accepted;
    ASSERT_EQ(parsed->has_record_route, expected.route_count >= 0);
    ASSERT_EQ(parsed->has_timestamps, expected.stamp_count >= 0);
    ASSERT_EQ(parsed->record_route.count, std::max(expected.route_count, 0));
    ASSERT_EQ(parsed->timestamps.count, std::max(expected.stamp_count, 0));
  }
  EXPECT_GT(accepted, 1000) << "the random options are too wild to test anything";
}

}  // namespace
}  // namespace backsight::probes
