#include "probes/reading/ip_options.h"

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

// Nothing of them can be read, and that is told.
void expect_left_out(std::span<const std::byte> options) {
  const auto parsed = parse_ip_options(options);
  EXPECT_TRUE(parsed.has_unread) << testing::to_hex(options);
  EXPECT_FALSE(parsed.has_record_route || parsed.has_timestamps) << testing::to_hex(options);
  EXPECT_EQ(parsed.record_route.count + parsed.record_route.slots, 0);
  EXPECT_EQ(parsed.timestamps.count + parsed.timestamps.slots, 0);
}

TEST(ParseIpOptions, NoneIsFine) {
  const auto parsed = parse_ip_options({});
  ASSERT_FALSE(parsed.has_unread);
  EXPECT_FALSE(parsed.has_record_route);
  EXPECT_FALSE(parsed.has_timestamps);
}

TEST(ParseIpOptions, PaddingAndForeignOptionsAreSkipped) {
  const auto parsed = parse_ip_options(from_hex(R"(
      01 01             # no operation, twice
      94 04 0000        # router alert (RFC 2113)
      07 07 08 c0000201 # Record Route, its one slot filled
      00                # end; what follows is no option
      07 01 00)"));
  ASSERT_FALSE(parsed.has_unread);
  ASSERT_TRUE(parsed.has_record_route);
  EXPECT_EQ(parsed.record_route.count, 1);
  EXPECT_EQ(parsed.record_route.hops[0], ip("192.0.2.1"));
}

TEST(ParseIpOptions, LeavesOutImpossibleLengths) {
  expect_left_out(from_hex("94"));        // no length byte
  expect_left_out(from_hex("94 00"));     // would never end
  expect_left_out(from_hex("94 01"));     // shorter than itself
  expect_left_out(from_hex("94 04 00"));  // beyond the header
  expect_left_out(from_hex("01 01 07"));
}

TEST(ParseRecordRoute, CountsSlotsBeforeThePointer) {
  for (std::uint8_t count = 0; count <= 9; ++count) {
    const auto parsed =
        parse_ip_options(record_route(39, static_cast<std::uint8_t>(4 + 4 * count)));
    ASSERT_FALSE(parsed.has_unread);
    EXPECT_EQ(parsed.record_route.count, count);
    EXPECT_EQ(parsed.record_route.slots, 9);
    for (std::size_t i = 0; i < kMaxRecordedHops; ++i) {
      EXPECT_EQ(parsed.record_route.hops[i].value, i < count ? 3 + 4 * i : 0);
    }
  }
}

TEST(ParseRecordRoute, AnyPointerBeyondTheOptionMeansFull) {
  for (int pointer = 40; pointer <= 255; ++pointer) {
    const auto parsed = parse_ip_options(record_route(39, static_cast<std::uint8_t>(pointer)));
    ASSERT_FALSE(parsed.has_unread) << pointer;
    EXPECT_EQ(parsed.record_route.count, 9);
  }
}

TEST(ParseRecordRoute, AcceptsEveryNumberOfSlots) {
  for (std::uint8_t slots = 0; slots <= 9; ++slots) {
    const auto parsed = parse_ip_options(record_route(static_cast<std::uint8_t>(3 + 4 * slots), 4));
    ASSERT_FALSE(parsed.has_unread);
    EXPECT_EQ(parsed.record_route.slots, slots);
    EXPECT_EQ(parsed.record_route.count, 0);
  }
}

TEST(ParseRecordRoute, LeavesOutPointerInsideHeader) {
  for (std::uint8_t pointer = 0; pointer < 4; ++pointer) expect_left_out(record_route(39, pointer));
}

TEST(ParseRecordRoute, LeavesOutPointerInsideASlot) {
  for (std::uint8_t pointer = 5; pointer < 40; ++pointer) {
    if (pointer % 4 != 0) expect_left_out(record_route(39, pointer));
  }
}

TEST(ParseRecordRoute, LeavesOutLengthsThatAreNotWholeSlots) {
  for (std::uint8_t length = 4; length <= 40; ++length) {
    if ((length - 3) % 4 != 0) expect_left_out(record_route(length, 4));
  }
  expect_left_out(from_hex("07 02"));
}

TEST(ParseRecordRoute, LeavesOutMoreSlotsThanAHeaderHolds) { expect_left_out(record_route(43, 4)); }

TEST(ParseRecordRoute, LeavesOutASecondOne) {
  Packet options = record_route(7, 4);
  const Packet again = options;
  options.insert(options.end(), again.begin(), again.end());
  expect_left_out(options);
}

TEST(ParseTimestamps, ReadsTimestampsOnly) {
  const auto parsed = parse_ip_options(from_hex("44 0c 0d 20  008a61ca 80000001"));
  ASSERT_FALSE(parsed.has_unread);
  ASSERT_TRUE(parsed.has_timestamps);
  const RecordedTimestamps& read = parsed.timestamps;
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
  ASSERT_FALSE(parsed.has_unread);
  const RecordedTimestamps& read = parsed.timestamps;
  EXPECT_EQ(read.type, TimestampType::kWithAddresses);
  EXPECT_EQ(read.count, 1);
  EXPECT_EQ(read.slots, 2);
  EXPECT_EQ(read.stamps[0].address, ip("192.0.2.2"));
  EXPECT_EQ(read.stamps[0].milliseconds, 7u);
}

TEST(ParseTimestamps, PrespecifiedAddressesAreReadBeforeTheyAreStamped) {
  const auto parsed =
      parse_ip_options(from_hex("44 14 0d 03  c0000202 00000007  c6336401 00000000"));
  ASSERT_FALSE(parsed.has_unread);
  const RecordedTimestamps& read = parsed.timestamps;
  EXPECT_EQ(read.type, TimestampType::kPrespecified);
  EXPECT_EQ(read.count, 1);
  EXPECT_EQ(read.slots, 2);
  EXPECT_EQ(read.stamps[1].address, ip("198.51.100.1"));
}

TEST(ParseTimestamps, LeavesOutPointerInsideHeader) {
  for (std::uint8_t pointer = 0; pointer < 5; ++pointer) {
    expect_left_out(timestamps(40, pointer, 0));
  }
}

TEST(ParseTimestamps, LeavesOutPointerInsideASlot) {
  expect_left_out(timestamps(40, 6, 0));
  expect_left_out(timestamps(36, 9, 1));  // between an address and its timestamp
  expect_left_out(timestamps(36, 9, 3));
}

TEST(ParseTimestamps, LeavesOutUnknownTypes) {
  for (const int type : {2, 4, 5, 8, 15}) {
    expect_left_out(timestamps(36, 5, static_cast<std::uint8_t>(type)));
  }
}

TEST(ParseTimestamps, LeavesOutLengthsThatAreNotWholeSlots) {
  expect_left_out(from_hex("44 02"));
  expect_left_out(from_hex("44 03 05"));
  expect_left_out(timestamps(39, 5, 0));
  expect_left_out(timestamps(40, 5, 1));
  expect_left_out(timestamps(8, 5, 3));
  expect_left_out(timestamps(44, 5, 0));  // more than a header holds
}

TEST(ParseTimestamps, LeavesOutASecondOne) {
  Packet options = timestamps(8, 5, 0);
  const Packet again = options;
  options.insert(options.end(), again.begin(), again.end());
  expect_left_out(options);
}

// An option that can be read is, whatever is wrong behind it or before it.
TEST(ParseIpOptions, LeavesOutWhatCannotBeReadAndNothingElse) {
  const Packet route = record_route(11, 8);
  for (const char* const broken : {"94 00", "94 01", "94", "94 08 00", "44", "44 ff 05 00"}) {
    Packet options = route;
    const Packet tail = from_hex(broken);
    options.insert(options.end(), tail.begin(), tail.end());
    const auto parsed = parse_ip_options(options);
    EXPECT_TRUE(parsed.has_unread) << broken;
    EXPECT_TRUE(parsed.has_record_route) << broken;
    EXPECT_EQ(parsed.record_route.count, 1);
    EXPECT_FALSE(parsed.has_timestamps);
  }
  for (const Packet& broken : {timestamps(8, 6, 0), timestamps(8, 5, 2), timestamps(8, 0, 0)}) {
    Packet options = broken;
    options.insert(options.end(), route.begin(), route.end());
    const auto parsed = parse_ip_options(options);
    EXPECT_TRUE(parsed.has_unread);
    EXPECT_TRUE(parsed.has_record_route);
    EXPECT_FALSE(parsed.has_timestamps);
  }
}

TEST(ParseIpOptions, EndsAtTheirEndWhateverStandsBehind) {
  const auto parsed = parse_ip_options(from_hex("07 07 08 c0000201 00 ff ff ff 07 00"));
  EXPECT_FALSE(parsed.has_unread);
  EXPECT_EQ(parsed.record_route.count, 1);
}

// The options' grammar as plainly as it can be said: which options are there, and is all read?
struct Model {
  bool has_unread = false;
  int route_count = -1;
  int stamp_count = -1;
};

// -1: the option cannot be read.
int count_with_model(const Packet& options, std::size_t start, int length) {
  const auto at = [&](std::size_t i) { return std::to_integer<int>(options[start + i]); };
  const int header = at(0) == 7 ? 3 : 4;
  if (length < header) return -1;
  const int type = at(0) == 7 ? 0 : at(3) % 16;
  if (type > 3 || type == 2) return -1;
  const int slot = type == 0 ? 4 : 8;
  if ((length - header) % slot != 0 || (length - header) / slot > 9) return -1;
  const int pointer = at(2);
  if (pointer <= header) return -1;
  if (pointer <= length && (pointer - 1 - header) % slot != 0) return -1;
  return ((pointer > length ? length + 1 : pointer) - 1 - header) / slot;
}

Model read_with_model(const Packet& options) {
  const auto at = [&](std::size_t i) { return std::to_integer<int>(options[i]); };
  const int size = static_cast<int>(options.size());
  Model model;
  int routes = 0;
  int stamps = 0;
  for (int i = 0; i < size;) {
    const auto start = static_cast<std::size_t>(i);
    if (at(start) == 0) break;
    if (at(start) == 1) {
      ++i;
      continue;
    }
    if (i + 1 >= size || at(start + 1) < 2 || i + at(start + 1) > size) {
      model.has_unread = true;
      break;
    }
    const int length = at(start + 1);
    if (at(start) == 7 || at(start) == 68) {
      int& times = at(start) == 7 ? routes : stamps;
      int& count = at(start) == 7 ? model.route_count : model.stamp_count;
      count = ++times == 1 ? count_with_model(options, start, length) : -1;
      model.has_unread |= count < 0;
    }
    i += length;
  }
  return model;
}

TEST(ParseIpOptions, AgreesWithTheModelOnRandomOptions) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int whole = 0;
  for (int round = 0; round < 500'000; ++round) {
    Packet options(random() % 45);
    for (auto& byte : options) {
      // Small numbers and the types we read come often, so that many options are nearly right.
      const std::uint8_t palette[] = {0, 1, 4, 5, 7, 7, 8, 11, 12, 68, 68, 3, 39, 40};
      byte = static_cast<std::byte>(random() % 3 == 0 ? random() & 0xff : palette[random() % 14]);
    }
    const Model expected = read_with_model(options);
    const auto parsed = parse_ip_options(options);
    ASSERT_EQ(parsed.has_unread, expected.has_unread) << testing::to_hex(options);
    whole += parsed.has_unread ? 0 : 1;
    ASSERT_EQ(parsed.has_record_route, expected.route_count >= 0) << testing::to_hex(options);
    ASSERT_EQ(parsed.has_timestamps, expected.stamp_count >= 0) << testing::to_hex(options);
    ASSERT_EQ(parsed.record_route.count, std::max(expected.route_count, 0));
    ASSERT_EQ(parsed.timestamps.count, std::max(expected.stamp_count, 0));
  }
  EXPECT_GT(whole, 1000) << "the random options are too wild to test anything";
}

}  // namespace
}  // namespace backsight::probes
