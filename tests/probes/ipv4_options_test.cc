#include "probes/wire/ipv4_options.h"

#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace backsight::probes::ipv4 {
namespace {

using testing::from_hex;
using testing::Packet;
using testing::to_hex;

struct Walked {
  std::vector<std::string> options;
  bool is_broken = false;
};

// On memory of exactly that size, so that a sanitizer sees each byte too many.
Walked walk(std::span<const std::byte> bytes) {
  const std::unique_ptr<std::byte[]> exact(new std::byte[bytes.size()]);
  std::ranges::copy(bytes, exact.get());
  OptionWalk walk(std::span<const std::byte>(exact.get(), bytes.size()));
  Walked walked;
  std::span<const std::byte> option;
  while (walk.next(option)) walked.options.push_back(to_hex(option));
  EXPECT_FALSE(walk.next(option)) << "an end is not the end";
  walked.is_broken = walk.is_broken();
  return walked;
}

TEST(OptionWalk, FindsNothingWhereNothingIs) {
  for (const char* const options : {"", "00", "01", "010101", "0100 0707", "00 94"}) {
    const Walked walked = walk(from_hex(options));
    EXPECT_TRUE(walked.options.empty()) << options;
    EXPECT_FALSE(walked.is_broken) << options;
  }
}

TEST(OptionWalk, EndsBeforeAnImpossibleLength) {
  for (const char* const options :
       {"94", "0194", "94 00", "94 01", "94 03", "94 ff 00", "94 00 07 02"}) {
    const Walked walked = walk(from_hex(options));
    EXPECT_TRUE(walked.options.empty()) << options;
    EXPECT_TRUE(walked.is_broken) << options;
  }
}

TEST(OptionWalk, EachTruncationShowsTheOptionsThatAreWhole) {
  const Packet whole =
      from_hex("01 94040000 0101 0707 04 00000000 4402 01 440c0500 0000000000000000 00");
  // Where each option begins and ends.
  const std::pair<std::size_t, std::size_t> places[] = {{1, 5}, {7, 14}, {14, 16}, {17, 29}};
  ASSERT_EQ(whole.size(), 30u);
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    std::vector<std::string> expected;
    bool is_cut = false;
    for (const auto& [begin, end] : places) {
      if (end <= bytes) expected.push_back(to_hex(std::span(whole).subspan(begin, end - begin)));
      is_cut |= begin < bytes && bytes < end;
    }
    const Walked walked = walk(std::span(whole).first(bytes));
    EXPECT_EQ(walked.options, expected) << bytes;
    EXPECT_EQ(walked.is_broken, is_cut) << bytes;
  }
}

TEST(OptionWalk, GivesPartsOfWhatItWalks) {
  Packet options = from_hex("01 0707 04 00000000");
  OptionWalk walk{std::span(options)};
  std::span<std::byte> option;
  ASSERT_TRUE(walk.next(option));
  option[kOptionPointer] = std::byte{8};
  EXPECT_EQ(to_hex(options), "0107070800000000");
}

TEST(OptionWalk, NeverLeavesItsBytesAndAlwaysEnds) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    Packet options(random() % 45);
    for (auto& byte : options)
      byte = static_cast<std::byte>(random() % 2 ? random() % 8 : random());
    std::size_t bytes = 0;
    for (const std::string& option : walk(options).options) {
      EXPECT_GE(option.size() / 2, kOptionHeaderBytes);
      bytes += option.size() / 2;
    }
    EXPECT_LE(bytes, options.size());
  }
}

}  // namespace
}  // namespace backsight::probes::ipv4
