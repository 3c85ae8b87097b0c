// A process that accepts and ends requests is killed at random moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "controller/journal/request_book.h"
#include "journal_support.h"

namespace backsight::controller {
namespace {

// One line of what the victim acknowledged.
struct Acknowledged {
  char what = 0;  // 'A' a batch, 'E' an end that was shown
  std::uint64_t batch = 0;
  std::uint64_t id = 0;
};

BookOptions options() {
  BookOptions options;
  options.journal.segment_bytes = 20'000;
  options.now_us = [] { return kNowUs; };
  return options;
}

// Never returns.
[[noreturn]] void run_victim(const std::string& folder, int pipe) {
  auto opened = RequestBook::open(storage::posix_file_system(), {folder, folder}, options());
  if (!opened) _exit(3);
  RequestBook& book = *opened->book;
  const auto acknowledge = [pipe](const Acknowledged& what) {
    if (write(pipe, &what, sizeof what) != sizeof what) _exit(4);
  };
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      while (true) {
        std::vector<Request> requests{random_request(random), random_request(random)};
        if (!book.accept(requests)) _exit(5);
        acknowledge({'A', requests[0].batch, 0});
        ReversePath path = path_for(requests[0], random);
        path.fail_reason = FailReason::kNone;
        write_end(book.journal(), path);
        if (!book.journal().sync()) _exit(8);
        book.show(book.journal().take_written());
        const auto shown = book.wait_for_more(requests[0].batch, 0, std::chrono::minutes(1));
        if (shown->ended.size() != 1) _exit(6);
        acknowledge({'E', requests[0].batch, requests[0].id});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  _exit(7);
}

// Starts a victim, kills it after so many lines, adds what it acknowledged.
void kill_one(const std::string& folder, std::size_t lines, std::vector<Acknowledged>& all) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(pipes[0]);
    run_victim(folder, pipes[1]);
  }
  close(pipes[1]);
  Acknowledged line;
  while (lines > 0 && read(pipes[0], &line, sizeof line) == sizeof line) {
    all.push_back(line);
    --lines;
  }
  EXPECT_EQ(lines, 0U) << "the victim ended by itself";
  kill(pid, SIGKILL);
  while (read(pipes[0], &line, sizeof line) == sizeof line) all.push_back(line);
  close(pipes[0]);
  waitpid(pid, nullptr, 0);
}

TEST(JournalKill, KeepsWhatWasAcknowledgedThroughManyDeaths) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::string folder = std::filesystem::temp_directory_path() / "backsight-kill-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::vector<Acknowledged> all;
  for (int death = 0; death < 15; ++death) kill_one(folder, 1 + random() % 60, all);
  {
    auto opened = RequestBook::open(storage::posix_file_system(), {folder, folder}, options());
    ASSERT_TRUE(opened) << opened.error().sentence;
    std::set<std::uint64_t> batches;
    for (const Acknowledged& line : all) {
      const auto progress = opened->book->progress(line.batch, 0);
      ASSERT_TRUE(progress) << "batch " << line.batch;
      if (line.what == 'A') {
        ASSERT_TRUE(batches.insert(line.batch).second) << line.batch << " was given out twice";
        ASSERT_EQ(progress->total, 2U);
      } else {
        ASSERT_EQ(progress->ended.size(), 1U);
        ASSERT_EQ(progress->ended[0].id, line.id);
        ASSERT_THAT(progress->ended[0].json, ::testing::HasSubstr(R"("fail_reason":"",)"));
      }
    }
    // The second of each batch has not ended, and the first of a few.
    EXPECT_GE(opened->unfinished.size(), batches.size());
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace backsight::controller
