#include "probes/reading/route_reading.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace backsight::probes {
namespace {

// Routers are letters, the destination is D, its alias E, the unspecified address 0, a private
// one 1.
Ipv4Addr hop(char letter) {
  if (letter == '0') return {};
  return {letter == '1' ? 0x0a000001u : 0xc6336400u + static_cast<unsigned char>(letter)};
}
constexpr char kDestination = 'D';

RecordedRoute route_of(std::string_view letters, std::uint8_t slots = 9) {
  RecordedRoute route;
  route.slots = slots;
  for (const char letter : letters) route.hops[route.count++] = hop(letter);
  return route;
}

RouteReading read(std::string_view letters, std::string_view aliases = "") {
  std::vector<Ipv4Addr> addresses;
  for (const char letter : aliases) addresses.push_back(hop(letter));
  return read_route(route_of(letters), hop(kDestination), addresses);
}

struct Example {
  std::string_view what;
  std::string_view letters;
  std::string_view aliases;
  TurningPoint turning_point;
  int forward_end;
  int reverse_begin;
};

TEST(ReadRoute, SplitsTheExamples) {
  const Example examples[] = {
      {"empty", "", "", TurningPoint::kUnknown, 0, 0},
      {"only forward hops", "abc", "", TurningPoint::kUnknown, 3, 3},
      {"one stamp of the destination", "abDxy", "", TurningPoint::kDestination, 2, 3},
      {"Linux stamps on arrival and on departure", "abDDxy", "", TurningPoint::kDestination, 2, 4},
      {"destination in the first slot", "Dx", "", TurningPoint::kDestination, 0, 1},
      {"destination in the ninth slot: nothing behind", "abcdefghD", "", TurningPoint::kDestination,
       8, 9},
      {"destination in the eighth slot: one hop", "abcdefgDx", "", TurningPoint::kDestination, 7,
       8},
      {"an alias stamps", "abExy", "E", TurningPoint::kDestination, 2, 3},
      {"alias and address make one run", "abEDxy", "E", TurningPoint::kDestination, 2, 4},
      {"an alias nobody told of is a hop", "abExy", "", TurningPoint::kUnknown, 5, 5},
      {"the last run counts", "DabDxy", "", TurningPoint::kDestination, 3, 4},
      {"the destination's stamp beats a pair", "aabDx", "", TurningPoint::kDestination, 3, 4},
      {"not stamped, the last router did twice", "abccyx", "", TurningPoint::kDoubleStamp, 3, 3},
      {"of two pairs the last", "aabccx", "", TurningPoint::kDoubleStamp, 4, 4},
      {"a pair in slots 6 and 7", "abcdefggh", "", TurningPoint::kDoubleStamp, 7, 7},
      {"a pair that reaches slot 8 says nothing", "abcdefghh", "", TurningPoint::kUnknown, 9, 9},
      {"a pair beats a loop", "abbax", "", TurningPoint::kDoubleStamp, 2, 2},
      {"turned between", "abcbx", "", TurningPoint::kLoop, 2, 2},
      {"of nested loops the inner", "abcdba", "", TurningPoint::kLoop, 2, 2},
      {"a loop that ends in slot 8", "abcdefgxg", "", TurningPoint::kLoop, 7, 7},
      {"zero stamps are no sign", "a00b0", "", TurningPoint::kUnknown, 5, 5},
      {"two networks have one private address", "a1b1c", "", TurningPoint::kUnknown, 5, 5},
      {"and may be neighbours", "a11bc", "", TurningPoint::kUnknown, 5, 5},
      {"a private stamp between is a hop", "ab1bx", "", TurningPoint::kLoop, 2, 2},
  };
  for (const Example& example : examples) {
    SCOPED_TRACE(example.what);
    const RouteReading reading = read(example.letters, example.aliases);
    EXPECT_EQ(reading.turning_point, example.turning_point);
    EXPECT_EQ(reading.forward_end, example.forward_end);
    EXPECT_EQ(reading.reverse_begin, example.reverse_begin);
    EXPECT_EQ(reading.count, example.letters.size());
    EXPECT_EQ(reading.destination_stamped, example.turning_point == TurningPoint::kDestination);
    EXPECT_EQ(reading.is_full, example.letters.size() == 9);
  }
}

TEST(ReadRoute, ShortOptionsAreFullEarlier) {
  EXPECT_TRUE(read_route(route_of("abc", 3), hop('D')).is_full);
  EXPECT_FALSE(read_route(route_of("ab", 3), hop('D')).is_full);
}

// The rules again, as slow and plain as they can be said.
RouteReading model(std::string_view letters, std::string_view aliases) {
  const std::size_t size = letters.size();
  const auto is_destination = [&](std::size_t slot) {
    return letters[slot] == kDestination || aliases.find(letters[slot]) != aliases.npos;
  };
  RouteReading reading;
  reading.count = static_cast<std::uint8_t>(size);
  reading.is_full = size == 9;
  reading.forward_end = reading.reverse_begin = static_cast<std::uint8_t>(size);
  for (std::size_t end = size; end >= 1; --end) {
    if (!is_destination(end - 1)) continue;
    std::size_t begin = 0;
    for (std::size_t slot = 0; slot < end; ++slot) {
      if (!is_destination(slot)) begin = slot + 1;
    }
    reading.destination_stamped = true;
    reading.turning_point = TurningPoint::kDestination;
    reading.forward_end = static_cast<std::uint8_t>(begin);
    reading.reverse_begin = static_cast<std::uint8_t>(end);
    return reading;
  }
  const auto look = [&](TurningPoint how, auto is_sign) {
    bool found = false;
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = i + 1; j < size; ++j) {
        if (letters[i] != letters[j] || letters[i] < 'A' || !is_sign(i, j)) continue;
        reading.turning_point = how;
        reading.forward_end = reading.reverse_begin = static_cast<std::uint8_t>(i + 1);
        found = true;
      }
    }
    return found;
  };
  if (look(TurningPoint::kDoubleStamp,
           [](std::size_t i, std::size_t j) { return j == i + 1 && j < 8; })) {
    return reading;
  }
  look(TurningPoint::kLoop, [](std::size_t i, std::size_t j) { return j > i + 1; });
  return reading;
}

TEST(ReadRoute, AgreesWithTheModelOnRandomRoutes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const std::string_view alphabet = i % 2 == 0 ? "abcDE01" : "abcdefghijk01";
    std::string letters;
    for (std::size_t left = random() % 10; left > 0; --left) {
      letters += alphabet[random() % alphabet.size()];
    }
    const std::string_view aliases = random() % 2 == 0 ? "E" : "";
    const RouteReading expected = model(letters, aliases);
    const RouteReading reading = read(letters, aliases);
    ASSERT_EQ(reading.turning_point, expected.turning_point) << letters;
    ASSERT_EQ(reading.forward_end, expected.forward_end) << letters;
    ASSERT_EQ(reading.reverse_begin, expected.reverse_begin) << letters;
    ASSERT_EQ(reading.destination_stamped, expected.destination_stamped) << letters;
    ASSERT_EQ(reading.is_full, expected.is_full) << letters;
  }
}

}  // namespace
}  // namespace backsight::probes
