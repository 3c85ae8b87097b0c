// Rows of large JSON files, one by one.
#include "controller/atlas_import/json_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "data_files.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Rows {
  std::vector<std::string> texts;
  std::string error;
};

Rows read_file(const std::filesystem::path& file) {
  auto rows = JsonRows::open(file);
  if (!rows) return {{}, rows.error().sentence};
  Rows read;
  while (true) {
    const auto row = rows->next();
    if (!row) read.error = row.error().sentence;
    if (!row || !row->has_value()) return read;
    read.texts.emplace_back(**row);
    EXPECT_EQ(rows->number(), read.texts.size());
  }
}

Rows read_text(const std::string& text) {
  const DataFolder folder;
  return read_file(folder.write("rows.json", text));
}

TEST(JsonRows, AreAnArraysElements) {
  const Rows rows = read_text(" [ {\"a\":[1,2]} ,\n{\"b\":\"],}\\\"[\"},3, \"x,y\",null]\n");
  EXPECT_EQ(rows.error, "");
  EXPECT_THAT(rows.texts,
              ElementsAre("{\"a\":[1,2]} ", "{\"b\":\"],}\\\"[\"}", "3", "\"x,y\"", "null"));
}

TEST(JsonRows, AreLines) {
  const Rows rows = read_text("{\"a\":1}\n\n  {\"b\":2}\r\nodd\n{\"c\":3}");
  EXPECT_EQ(rows.error, "");
  EXPECT_THAT(rows.texts, ElementsAre("{\"a\":1}", "{\"b\":2}\r", "odd", "{\"c\":3}"));
}

TEST(JsonRows, AreTheResultsOfPages) {
  const std::string page =
      R"({"count":3,"next":"https://x/?page=2","a":[{"results":[7]}],"results" : [{"a":1},{"b":[2]}])";
  const std::string last = R"({ "next": null, "results":[{"c":"]}"}] })";
  EXPECT_THAT(read_text(page + R"(,"more":{"x":[9]}})" + "\n" + last).texts,
              ElementsAre("{\"a\":1}", "{\"b\":[2]}", "{\"c\":\"]}\"}"));
  EXPECT_THAT(read_text("[1,2]\n[3]").texts, ElementsAre("1", "2", "3"));
  EXPECT_THAT(read_text(page).error, HasSubstr("before its page does: it was cut"));
  EXPECT_THAT(read_text(R"({"result":[1],"x":{"results":[2]}})").texts, testing::SizeIs(1))
      << "a line";
}

TEST(JsonRows, AreNotAllWhenThePageNamesANextOne) {
  const DataFolder folder;
  const auto lacks = [&](const std::string& text) {
    auto rows = JsonRows::open(folder.write("rows.json", text));
    while (rows->next().value()) {
    }
    return rows->lacks_pages();
  };
  const std::string next = R"({"next":"https://x/?page=2","results":[1]})";
  const std::string none = R"({"next":null,"results":[1]})";
  EXPECT_TRUE(lacks(next));
  EXPECT_FALSE(lacks(none));
  EXPECT_FALSE(lacks(next + none));
  EXPECT_TRUE(lacks(next + next));
  EXPECT_FALSE(lacks(R"({"next":"x"})"));
}

TEST(JsonRows, AreNoneInAnEmptyArray) {
  for (const char* text : {"[]", "[ ]\n", "[] []", R"({"results": []})"}) {
    const Rows rows = read_text(text);
    EXPECT_EQ(rows.error, "");
    EXPECT_THAT(rows.texts, IsEmpty());
  }
}

TEST(JsonRows, TellWhereAFileWasCut) {
  const std::string whole = R"([{"a":"x"},{"b":[1]}])";
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    const Rows rows = read_text(whole.substr(0, bytes));
    EXPECT_THAT(rows.error, HasSubstr("it was cut")) << bytes;
    EXPECT_LE(rows.texts.size(), 2U);
  }
  const DataFolder folder;
  std::mt19937_64 random(1);
  std::string text = "[";
  for (int i = 0; i < 5000; ++i) text += "{\"a\":" + std::to_string(random()) + "},";
  const auto file = folder.write_packed("rows.json.gz", text + "{}]");
  EXPECT_EQ(read_file(file).texts.size(), 5001U);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  const Rows rows = read_file(file);
  EXPECT_THAT(rows.error, HasSubstr("was cut"));
}

TEST(JsonRows, RefuseARowWithoutEnd) {
  const Rows rows = read_text("[1," + std::string(JsonRows::kMaxRowBytes + 1'000'000, '{'));
  EXPECT_THAT(rows.texts, ElementsAre("1"));
  EXPECT_THAT(rows.error, HasSubstr("row 2: is longer than"));
}

nlohmann::json random_value(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 6 : 4)) {
    case 0:
      return random() % 1000;
    case 1:
      return nullptr;
    case 2:
      return std::string(random() % 5, "]}\\\",[{ \n"[random() % 9]);
    case 3:
      return random() % 2 == 0;
    case 4: {
      nlohmann::json list = nlohmann::json::array();
      for (auto i = random() % 4; i > 0; --i) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      nlohmann::json object = nlohmann::json::object();
      for (auto i = random() % 4; i > 0; --i) {
        object["\"[" + std::to_string(i)] = random_value(random, depth - 1);
      }
      return object;
    }
  }
}

TEST(JsonRows, AgreeWithAParserOfTheWhole) {
  const DataFolder folder;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    nlohmann::json list = nlohmann::json::array();
    for (auto i = random() % 200; i > 0; --i) list.push_back(random_value(random, 4));
    const Rows rows = read_file(folder.write("rows.json", list.dump(seed % 2 == 0 ? -1 : 2)));
    ASSERT_EQ(rows.error, "");
    ASSERT_EQ(rows.texts.size(), list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      ASSERT_EQ(nlohmann::json::parse(rows.texts[i]), list[i]);
    }
  }
}

}  // namespace
}  // namespace backsight::controller
