// backsight-vp between streams of all kinds, and stopped in the middle of them: no result is lost
// and none comes twice.
#include "program.h"

#include <gmock/gmock.h>

#include <csignal>
#include <set>

namespace backsight::engine {
namespace {

using ::testing::HasSubstr;

// The number behind "--skip " in what it said.
std::string line_to_go_on_from(const std::string& said) {
  const std::size_t at = said.find("--skip ");
  if (at == std::string::npos) return "";
  return said.substr(at + 7, said.find_first_not_of("0123456789", at + 7) - at - 7);
}

TEST_F(VpFolder, StopsWhereItIsAndGoesOnFromThere) {
  std::string tasks;
  for (std::uint64_t id = 1; id <= 20'000; ++id) {
    tasks += ping_line(id, 50);
    if (id % 1000 == 0) tasks += "\n";
  }
  write("tasks.jsonl", tasks);
  const Arguments arguments = {"--tasks", "tasks.jsonl", "--results", "results.jsonl"};
  for (const int number : {SIGTERM, SIGINT}) {
    Arguments slowly = {"--tasks", "tasks.jsonl", "--set", "rates.total_pps=100"};
    auto program = start(slowly);
    ASSERT_TRUE(program->wait_for("timed_out"));
    program->signal(number);
    const Ran ran = program->finish();
    EXPECT_EQ(ran.code, 1) << "it has not come to the end";
    EXPECT_THAT(ran.err, HasSubstr("stopping"));
    const std::string line = line_to_go_on_from(ran.err);
    ASSERT_NE(line, "") << ran.err;
    write("results.jsonl", ran.out);
    const Ran rest = run({"--tasks", "tasks.jsonl", "--results", "results.jsonl", "--skip", line});
    EXPECT_EQ(rest.code, 0) << rest.err;
    std::set<std::uint64_t> ids;
    for (const auto& result : lines(read("results.jsonl"))) {
      EXPECT_TRUE(ids.insert(result["task"].get<std::uint64_t>()).second) << result;
      EXPECT_EQ(result["outcome"], "timed_out") << result;
    }
    EXPECT_EQ(ids.size(), 20'000U);
    EXPECT_LT(lines(ran.out).size(), 10'000U) << "it has not read on";
  }
}

TEST_F(VpFolder, SkipsLinesThatAreThereOnly) {
  write("tasks.jsonl", ping_line(1) + "nonsense\n" + ping_line(3));
  const Ran ran = run({"--tasks", "tasks.jsonl", "--skip", "2"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(lines(ran.out).size(), 1U);
  EXPECT_EQ(lines(ran.out)[0]["task"], 3);
  EXPECT_EQ(run({"--tasks", "tasks.jsonl", "--skip", "3"}).code, 0);
  const Ran behind = run({"--tasks", "tasks.jsonl", "--skip", "4"});
  EXPECT_EQ(behind.code, 2);
  EXPECT_THAT(behind.err, HasSubstr("--skip 4: tasks.jsonl has 3 lines"));
  EXPECT_EQ(run({"--skip", "4"}).code, 2) << "of what?";
}

class VpStreams : public VpFolder {
 protected:
  VpStreams() {
    std::string tasks;
    for (std::uint64_t id = 1; id <= 3000; ++id) tasks += ping_line(id, 10);
    write("tasks.jsonl", tasks);
  }
  // With the shell's redirections.
  [[nodiscard]] Ran run_redirected(const std::string& redirections) const {
    const std::string line = std::string("exec '") + BACKSIGHT_VP +
                             "' --config vp.yaml --tasks tasks.jsonl " + redirections;
    return Program(folder_, "sh", {"-c", line}).finish();
  }
};

TEST_F(VpStreams, WaitsForAReaderThatPauses) {
  for (const Output output : {Output::kBlocking, Output::kNonBlocking}) {
    auto program = start({"--tasks", "tasks.jsonl"}, "", output);
    ASSERT_TRUE(program->wait_until_full());
    const Ran ran = program->finish();
    EXPECT_EQ(ran.code, 0) << ran.err;
    std::set<std::uint64_t> ids;
    for (const auto& line : lines(ran.out)) ids.insert(line["task"].get<std::uint64_t>());
    EXPECT_EQ(lines(ran.out).size(), 3000U);
    EXPECT_EQ(ids.size(), 3000U);
  }
}

TEST_F(VpStreams, DoesNotHangOnAReaderThatIsGoneToSleep) {
  for (const Output output : {Output::kBlocking, Output::kNonBlocking}) {
    auto program = start({"--tasks", "tasks.jsonl"}, "", output);
    ASSERT_TRUE(program->wait_until_full());
    program->signal(SIGTERM);
    program->signal(SIGINT);
    EXPECT_EQ(program->wait_for_end(), 1);
  }
}

TEST_F(VpStreams, SaysInOneSentenceThatNobodyTakesTheResults) {
  for (const auto& [redirections, why] :
       {std::pair{"> /dev/full", "No space left on device"},
        std::pair{">&-", "Bad file descriptor"}, std::pair{"| head -n 1; exit 0", ""}}) {
    const Ran ran = run_redirected(redirections);
    EXPECT_THAT(ran.err, HasSubstr("cannot be written")) << redirections;
    EXPECT_THAT(ran.err, HasSubstr(why));
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  }
  EXPECT_EQ(run_redirected("> /dev/full").code, 1);
  EXPECT_EQ(run_redirected(">&-").code, 1);
}

TEST_F(VpStreams, NeedsNobodyWhoReadsItsWords) {
  for (const char* const redirections : {"2> /dev/full", "2>&-"}) {
    const Ran ran = run_redirected(redirections);
    EXPECT_EQ(ran.code, 0) << redirections;
    EXPECT_EQ(lines(ran.out).size(), 3000U);
  }
}

TEST_F(VpStreams, CannotReadTasksFromAClosedInput) {
  const Ran ran = run_redirected("--tasks - <&-");
  EXPECT_EQ(ran.code, 2) << "--tasks twice";
  write("sh.sh", std::string("exec '") + BACKSIGHT_VP + "' --config vp.yaml --tasks - <&-\n");
  const Ran closed = Program(folder_, "sh", {"sh.sh"}).finish();
  EXPECT_EQ(closed.code, 1);
  EXPECT_THAT(closed.err, HasSubstr("standard input: cannot be read: Bad file descriptor"));
}

TEST_F(VpStreams, TellsThatItsAnswerCouldNotBePrinted) {
  for (const char* const option : {"--print-config", "--check-config", "--help", "--version"}) {
    write("sh.sh",
          std::string("exec '") + BACKSIGHT_VP + "' --config vp.yaml " + option + " > /dev/full\n");
    EXPECT_EQ(Program(folder_, "sh", {"sh.sh"}).finish().code, 1) << option;
  }
}

TEST_F(VpStreams, FitsIntoASmallStack) {
  write("sh.sh", std::string("ulimit -s 1024 && exec '") + BACKSIGHT_VP +
                     "' --config vp.yaml --tasks tasks.jsonl\n");
  const Ran ran = Program(folder_, "sh", {"sh.sh"}).finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines(ran.out).size(), 3000U);
}

}  // namespace
}  // namespace backsight::engine
