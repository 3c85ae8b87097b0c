// Lines on standard error: for people, for the journal, as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "daemon/log.h"

namespace backsight::daemon {
namespace {

using config::LogFormat;
using ::testing::StartsWith;

const std::chrono::system_clock::time_point kTime{std::chrono::milliseconds(1'800'000'000'123)};

std::string lines(const LogStyle& style, std::string_view sentence,
                  spdlog::level::level_enum level = spdlog::level::warn, bool names_level = true) {
  LogStyle named = style;
  named.program = "backsight-vp";
  return log_lines(named, level, names_level, sentence, kTime);
}

TEST(LogLines, AreTheProgramTheLevelAndTheSentence) {
  EXPECT_EQ(lines({}, "no gateway"), "backsight-vp: warning: no gateway\n");
  EXPECT_EQ(lines({}, "2 tasks", spdlog::level::info, false), "backsight-vp: 2 tasks\n");
}

TEST(LogLines, EraseTheProgressLineOfATerminal) {
  EXPECT_EQ(lines({.is_terminal = true}, "a"), "\x1b[Kbacksight-vp: warning: a\n");
}

TEST(LogLines, TellTheJournalThePriorityOfEachLine) {
  const LogStyle journal{.is_journal = true};
  EXPECT_EQ(lines(journal, "a"), "<4>a\n");
  EXPECT_EQ(lines(journal, "a\nb\n", spdlog::level::err), "<3>a\n<3>b\n");
  EXPECT_THAT(lines(journal, "a", spdlog::level::info), StartsWith("<6>"));
  EXPECT_THAT(lines(journal, "a", spdlog::level::debug), StartsWith("<7>"));
}

TEST(LogLines, AreOneObjectEachAsJson) {
  const LogStyle json{.format = LogFormat::kJson, .vp = "ams01"};
  EXPECT_EQ(lines(json, "a \"b\"\nc"),
            "{\"time\":\"2027-01-15T08:00:00.123Z\",\"level\":\"warning\",\"vp\":\"ams01\","
            "\"message\":\"a \\\"b\\\"\\nc\"}\n");
  EXPECT_EQ(lines({.format = LogFormat::kJson, .is_journal = true}, "a").substr(0, 4), "<4>{");
}

TEST(LogLines, SurviveWhatIsNoUtf8) {
  const std::string text = lines({.format = LogFormat::kJson}, "a\xff\xfe");
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

TEST(JournalStream, IsTheOneWithOurDeviceAndInode) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  struct stat status {};
  ASSERT_EQ(fstat(ends[1], &status), 0);
  const std::string ours = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal_stream(ends[1], ours.c_str()));
  EXPECT_FALSE(is_journal_stream(ends[1], (ours + "1").c_str()));
  EXPECT_FALSE(is_journal_stream(ends[1], ""));
  EXPECT_FALSE(is_journal_stream(ends[1], nullptr));
  EXPECT_FALSE(is_journal_stream(-1, ours.c_str()));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace backsight::daemon
