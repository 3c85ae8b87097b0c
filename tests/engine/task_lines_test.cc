// Task lines from a file or a pipe: good ones, bad ones, long ones, and no end of line.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/control/task_source.h"

namespace backsight::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TaskLines : public ::testing::Test {
 protected:
  TaskLines() {
    std::string path = (std::filesystem::temp_directory_path() / "backsight_lines_XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~TaskLines() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& text) {
    const auto path = folder_ / "tasks.jsonl";
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  // Everything there is, `max` at a time.
  void read_all(TaskSource& source, std::size_t max = 256) {
    while (!source.is_exhausted()) {
      TaskIntake intake;
      const auto taken = source.take(max, intake);
      ASSERT_TRUE(taken) << taken.error().sentence;
      ASSERT_LE(intake.tasks.size() + intake.complaints.size(), max);
      for (const auto& it : intake.tasks) {
        ids_.push_back(it.task.id);
        lines_.push_back(it.position);
      }
      for (const auto& it : intake.bad) bad_.push_back(it.id);
      for (const auto& it : intake.complaints) complaints_.push_back(it);
    }
  }
  void read(const std::string& text, std::size_t max = 256) {
    auto source = open_task_lines(file(text));
    ASSERT_TRUE(source);
    read_all(**source, max);
  }
  static std::string task(std::uint64_t id) {
    return "{\"id\":" + std::to_string(id) + ",\"kind\":\"ping\",\"dst\":\"198.51.100.7\"}";
  }

  std::filesystem::path folder_;
  std::vector<std::uint64_t> ids_;
  std::vector<std::uint64_t> lines_;
  std::vector<std::uint64_t> bad_;
  std::vector<std::string> complaints_;
};

TEST_F(TaskLines, AreReadInOrderWithTheirLineNumbers) {
  read(task(7) + "\n" + task(9) + "\n\n  \t\r\n" + task(8) + "\r\n");
  EXPECT_THAT(ids_, ElementsAre(7, 9, 8));
  EXPECT_THAT(lines_, ElementsAre(1, 2, 5));
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(TaskLines, NeedNoEndOnTheLastOne) {
  read(task(1) + "\n" + task(2));
  EXPECT_THAT(ids_, ElementsAre(1, 2));
}

TEST_F(TaskLines, MayBeNone) {
  read("");
  read("\n\n");
  EXPECT_TRUE(ids_.empty());
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(TaskLines, ThatAreBadAreToldWithTheirPlaceAndTheRestIsRead) {
  read(task(1) + "\nnonsense\n{\"id\":5,\"kind\":\"pong\",\"dst\":\"198.51.100.7\"}\n" + task(2) +
       "\n");
  EXPECT_THAT(ids_, ElementsAre(1, 2));
  EXPECT_THAT(bad_, ElementsAre(5)) << "who names himself gets a result";
  EXPECT_THAT(complaints_, ElementsAre(HasSubstr("tasks.jsonl:2: "), HasSubstr("tasks.jsonl:3: ")));
}

TEST_F(TaskLines, AreTakenSoManyAtATimeBadOnesToo) {
  std::string text;
  for (std::uint64_t id = 0; id < 1000; ++id) text += (id % 3 == 0 ? "bad" : task(id)) + "\n";
  read(text, 10);
  EXPECT_EQ(ids_.size(), 666U);
  EXPECT_EQ(complaints_.size(), 334U);
}

TEST_F(TaskLines, ThatAreTooLongAreToldOnceEachAndSkipped) {
  for (const std::size_t bytes : {70'000U, 200'000U, 1'000'000U}) {
    ids_.clear();
    lines_.clear();
    complaints_.clear();
    read(task(1) + "\n" + std::string(bytes, 'x') + "\n" + task(3) + "\n" +
         std::string(bytes, '{'));
    EXPECT_THAT(ids_, ElementsAre(1, 3));
    EXPECT_THAT(lines_, ElementsAre(1, 3)) << bytes;
    EXPECT_THAT(complaints_, ElementsAre(HasSubstr(":2: the line is longer"),
                                         HasSubstr(":4: the line is longer")));
  }
}

TEST_F(TaskLines, ComeThroughAPipeInPiecesWithoutBlocking) {
  const std::string path = (folder_ / "pipe").string();
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int writer = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  auto source = open_task_lines(path);
  close(reader);
  ASSERT_TRUE(source);
  TaskIntake intake;
  const auto take = [&] {
    intake.clear();
    EXPECT_TRUE((*source)->take(16, intake));
    return intake.tasks.size();
  };
  EXPECT_EQ(take(), 0U);
  const std::string text = task(1) + "\n" + task(2);
  EXPECT_EQ(write(writer, text.data(), 10), 10);
  EXPECT_EQ(take(), 0U);
  EXPECT_FALSE((*source)->is_exhausted());
  EXPECT_GT(write(writer, text.data() + 10, text.size() - 10), 0);
  EXPECT_EQ(take(), 1U);
  EXPECT_EQ(take(), 0U) << "the second may go on";
  close(writer);
  EXPECT_EQ(take(), 1U);
  EXPECT_TRUE((*source)->is_exhausted());
}

TEST_F(TaskLines, ThatCannotBeReadAreAnErrorThatNamesThem) {
  const auto absent = open_task_lines((folder_ / "absent").string());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().exit_code(), 2);
  EXPECT_THAT(absent.error().sentence, HasSubstr("absent cannot be read"));
  auto folder = open_task_lines(folder_.string());
  ASSERT_TRUE(folder);
  TaskIntake intake;
  const auto taken = (*folder)->take(1, intake);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().exit_code(), 1);
}

}  // namespace
}  // namespace backsight::engine
