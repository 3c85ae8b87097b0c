// Files as people have them: packed in four ways, in pieces, cut, damaged, and things that are no
// data.
#include "controller/annotation/packed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "data_files.h"

namespace backsight::controller {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kMost = std::size_t{1} << 30;

std::string random_lines(std::uint64_t seed, std::size_t lines) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += std::to_string(random()) + "\n";
  return text;
}

class EachPacking : public testing::TestWithParam<Packing> {
 protected:
  Expected<std::string> read(const std::string& bytes) const {
    auto file = PackedFile::open(folder_.write("a.file", bytes));
    if (!file) return tl::unexpected(file.error());
    return file->read_rest(kMost);
  }
  std::string refusal(const std::string& bytes) const {
    const auto text = read(bytes);
    return text ? "" : text.error().sentence;
  }
  [[nodiscard]] static std::string pack(const std::string& text) {
    return packed(GetParam(), text);
  }

  DataFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Packings, EachPacking,
                         testing::Values(Packing::kGzip, Packing::kBzip2, Packing::kXz,
                                         Packing::kZstd));

TEST_P(EachPacking, IsUnpackedWhateverTheFileIsCalled) {
  const std::string text = random_lines(1, 20'000);
  EXPECT_EQ(read(pack(text)).value(), text);
}

TEST_P(EachPacking, MayBeOfSeveralMembers) {
  const std::string one = random_lines(1, 10);
  const std::string other = random_lines(2, 8'000);
  EXPECT_EQ(read(pack(one) + pack("") + pack(other) + pack(one)).value(), one + other + one);
  EXPECT_EQ(read(pack(one) + std::string(4096, '\0')).value(), one) << "zeros fill up a block";
}

TEST_P(EachPacking, IsRefusedWhereverItWasCut) {
  const std::string whole = pack(random_lines(1, 50));
  // Close to both ends everywhere, and here and there between.
  for (std::size_t bytes = 6; bytes < whole.size();
       bytes += bytes < 40 || bytes + 40 > whole.size() ? 1 : 29) {
    ASSERT_THAT(refusal(whole.substr(0, bytes)), HasSubstr("it was cut; fetch it again")) << bytes;
    ASSERT_THAT(refusal(whole + whole.substr(0, bytes)), HasSubstr("it was cut; fetch it again"));
  }
}

TEST_P(EachPacking, IsRefusedWhereverItIsDamaged) {
  const std::string text = random_lines(1, 50);
  const std::string whole = pack(text);
  for (std::size_t at = 6; at < whole.size(); at += at < 40 || at + 40 > whole.size() ? 1 : 7) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const auto read_anyway = read(damaged);
    // Some bits of a header say nothing of the data.
    if (read_anyway) {
      ASSERT_EQ(*read_anyway, text) << at;
    }
  }
}

TEST_P(EachPacking, IsRefusedWhenSomethingElseFollowsOrItIsPackedTwice) {
  const std::string whole = pack(random_lines(1, 10));
  EXPECT_THAT(refusal(whole + "garbage"), HasSubstr("something else follows"));
  EXPECT_THAT(refusal(pack(whole)), HasSubstr("is packed twice"));
  EXPECT_THAT(refusal(pack("")), HasSubstr("is empty"));
}

class NoData : public EachPacking {};
INSTANTIATE_TEST_SUITE_P(AndPlain, NoData, testing::Values(Packing::kNone, Packing::kBzip2));

TEST_P(NoData, IsCalledByItsName) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is empty"},
      {" \r\n\n", "holds nothing but blanks"},
      {"<!DOCTYPE html>\n<html>", "is a web page"},
      {"\n <HTML lang=en>", "is a web page"},
      {"<?xml version='1.0'?><Error/>", "is a web page"},
      {"SQLite format 3\0\x10"s, "is an SQLite database"},
      {"PK\x03\x04more", "is a zip archive"},
      {std::string(257, 'x') + "ustar", "is a tar archive"},
      {R"({"detail": "Request was throttled."})", "holds an error of an API: \"Request was"},
      {R"({"error": {"status": 404, "title": "Not Found", "detail": "No such"}})",
       "holds an error of an API: \"No such\""},
      {R"({"error": "quota exceeded"})", "error of an API: \"quota exceeded\""},
      {R"({"data": [], "meta": {"error": "Authentication failed"}})",
       "error of an API: \"Authentication failed\""},
      {R"({"message":"Internal\nServer Error"})", "error of an API: \"Internal\\x0aServer Error\""},
  };
  for (const auto& [content, words] : cases) {
    EXPECT_THAT(refusal(pack(content)), HasSubstr(words)) << content;
  }
}

TEST_P(NoData, IsNotWhatOnlyBeginsAlike) {
  for (const char* const content :
       {R"({"data": [{"asn": 1}], "meta": {"error": ""}})", R"({"msg_id": 1, "result": [{}]})",
        R"({"results": [{"error": "x"}], "detail": "of something"})", "{", "[]", "1.2.3.4\n"}) {
    EXPECT_EQ(refusal(pack(content)), "") << content;
  }
}

TEST(PackedLines, BeginBehindAByteOrderMark) {
  const DataFolder folder;
  auto lines = PackedLines::open(folder.write("a.txt", "\xef\xbb\xbfone\r\ntwo"));
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->next().value(), "one");
  EXPECT_EQ(lines->next().value(), "two");
  EXPECT_EQ(lines->next().value(), std::nullopt);
}

}  // namespace
}  // namespace backsight::controller
