// docs/formats.md says of tasks what the tables of kinds and numbers say.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string>

#include "probes/protocols.h"
#include "tasks/json/json.h"
#include "tasks/numbers.h"

namespace backsight::tasks {
namespace {

std::string page() {
  std::ifstream file(BACKSIGHT_DOCS "/formats.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The row of the page that begins with this key. Empty: there is none.
std::string row_of(std::string_view key) {
  const std::string text = page();
  const std::size_t begin = text.find(fmt::format("\n| `{}` |", key));
  if (begin == text.npos) return {};
  return text.substr(begin + 1, text.find('\n', begin + 1) - begin - 1);
}

template <typename Rows>
std::string words_of(const Rows& rows) {
  std::string words;
  for (const auto& row : rows) {
    words += fmt::format("{}`{}`", words.empty() ? "" : ", ", row.word);
    if constexpr (requires { row.meaning; }) {
      if (!row.meaning.empty()) words += fmt::format(" ({})", row.meaning);
    }
  }
  return words;
}

TEST(FormatsPage, NamesTheKindsAndTheirWords) {
  EXPECT_EQ(row_of("kind"),
            fmt::format("| `kind` | all | {} | required |", words_of(probes::kKinds)));
  EXPECT_EQ(row_of("method"),
            fmt::format("| `method` | `{}` | {} | `{}` |", name(probes::Kind::kTrace),
                        words_of(probes::kTraceProtocols), name(Task{}.method)));
  EXPECT_EQ(row_of("ts"), fmt::format("| `ts` | `{}` | {} | `{}` |", name(probes::Kind::kTimestamp),
                                      words_of(probes::timestamp::kTypes), name(Task{}.timestamp)));
}

TEST(FormatsPage, GivesEachNumberItsKindRangeAndDefault) {
  for_each_number([](const Number& it, auto member) {
    const std::string row = row_of(it.key);
    const std::string kind = it.kind ? fmt::format("`{}`", name(*it.kind)) : "all";
    // A bound by another key is tighter than the range.
    const std::string most = it.key == "first_ttl" ? "`max_ttl`" : std::to_string(it.most);
    EXPECT_TRUE(row.starts_with(fmt::format("| `{}` | {} | {}..{}", it.key, kind, it.least, most)))
        << it.key << ": " << row;
    EXPECT_TRUE(row.ends_with(fmt::format(" | {} |", Task{}.*member))) << it.key << ": " << row;
  });
}

TEST(FormatsPage, TheFaultOfAnUnknownKeyNamesEachNumber) {
  const auto task = parse_task_line(R"({"id":1,"kind":"ping","dst":"192.0.2.1","typo":1})");
  ASSERT_FALSE(task);
  for_each_number([&](const Number& it, auto) {
    EXPECT_NE(task.error().sentence.find(fmt::format(" {}", it.key)), std::string::npos) << it.key;
  });
}

}  // namespace
}  // namespace backsight::tasks
