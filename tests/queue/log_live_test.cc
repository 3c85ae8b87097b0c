// The file log on the real file system: readers beside a writer, writers in turn, and a writer that
// is killed.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "../storage/log_support.h"
#include "queue/file/put_tasks.h"
#include "queue/result_source.h"
#include "queue/vp_queue.h"

namespace backsight::queue {
namespace {

class LiveLog : public testing::Test {
 protected:
  LiveLog() {
    std::string path = (std::filesystem::temp_directory_path() / "backsight_log_XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
    directory_ = path + "/deep/log";
  }
  ~LiveLog() override { std::filesystem::remove_all(folder_); }

  storage::FileSystem& files_ = storage::posix_file_system();
  std::filesystem::path folder_;
  std::string directory_;
};

TEST_F(LiveLog, IsTailedWhileItIsWritten) {
  constexpr std::uint64_t kRecords = 3000;
  std::atomic<bool> is_written = false;
  std::atomic<std::uint64_t> mark = storage::kFirstPosition;
  std::thread writer([&] {
    const auto log = open_log(files_, 20'000, directory_);
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      append_item(*log);
      if (i % 3 == 0) {
        EXPECT_TRUE(log->sync());
      }
      if (i % 100 == 0) {
        EXPECT_TRUE(storage::free_segments(files_, directory_, mark));
      }
    }
    EXPECT_TRUE(log->sync());
    is_written = true;
  });
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&, is_consumer = i == 0] {
      storage::LogReader reader(files_, directory_, storage::kFirstPosition);
      std::vector<std::string> complaints;
      std::uint64_t records = 0;
      while (reader.position() <= kRecords) {
        const auto record = reader.next(complaints);
        ASSERT_TRUE(record) << record.error().sentence;
        if (!*record) {
          std::this_thread::yield();
          continue;
        }
        const auto expected = storage::payload_of((*record)->position, 1);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), (*record)->payload.begin(),
                               (*record)->payload.end()));
        ++records;
        if (is_consumer) mark = reader.position();
      }
      // The one who looks on may lose what the consumer has freed, and is told.
      EXPECT_EQ(records + reader.lost_items(), kRecords);
      if (is_consumer) {
        EXPECT_EQ(reader.lost_items(), 0U);
        EXPECT_TRUE(complaints.empty()) << complaints[0];
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
}

TEST_F(LiveLog, IsWrittenBySeveralInTurn) {
  const std::string url = "file://" + folder_.string();
  constexpr std::uint64_t kEach = 40;
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        tasks::Task task;
        task.id = writer * kEach + i;
        const auto put = put_tasks(url, "ams01", std::vector{task});
        EXPECT_TRUE(put) << put.error().sentence;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const auto queue = std::move(*open_vp_queue(url, "ams01"));
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(queue->take(1000, tasks, complaints));
  EXPECT_TRUE(complaints.empty());
  std::map<std::uint64_t, int> seen;
  for (const tasks::QueuedTask& queued : tasks) ++seen[queued.task.id];
  EXPECT_EQ(seen.size(), 3 * kEach);
  EXPECT_EQ(tasks.size(), 3 * kEach);
}

TEST_F(LiveLog, NamesTheProcessThatHoldsIt) {
  const auto log = open_log(files_, 4096, directory_);
  const auto second = storage::LogWriter::open(files_, directory_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sentence, directory_ + ": in use by process " +
                                         std::to_string(getpid()) +
                                         "; stop that one or use another folder");
}

TEST_F(LiveLog, SaysWhyItCannotBeOpened) {
  const auto log = storage::LogWriter::open(files_, "/proc/nowhere/log", {});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().sentence, "/proc/nowhere: cannot create: No such file or directory");
}

// A writer is killed at random moments; what it told us was synced is there, once.
TEST_F(LiveLog, KeepsWhatAKilledWriterAcknowledged) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uint64_t acknowledged = 0;  // position after the last one
  for (int round = 0; round < 30; ++round) {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    const int pid = fork();
    if (pid == 0) {
      storage::LogOptions options;
      options.segment_bytes = 30'000;
      auto log = storage::LogWriter::open(files_, directory_, options);
      if (!log) _exit(3);
      while (true) {
        for (int i = 0; i < 3; ++i) {
          const std::uint64_t position = (*log)->next_position();
          (*log)->append(storage::payload_of(position, 1));
        }
        if (!(*log)->sync()) _exit(4);
        const std::uint64_t end = (*log)->durable_end();
        if (write(pipes[1], &end, sizeof end) != sizeof end) _exit(5);
      }
    }
    close(pipes[1]);
    const std::uint64_t wanted = 1 + random() % 40;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      ASSERT_EQ(read(pipes[0], &acknowledged, sizeof acknowledged),
                static_cast<ssize_t>(sizeof acknowledged));
    }
    kill(pid, SIGKILL);
    // What it said before it died counts, too.
    while (read(pipes[0], &acknowledged, sizeof acknowledged) ==
           static_cast<ssize_t>(sizeof acknowledged)) {
    }
    close(pipes[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const storage::LogContent content = storage::read_log(files_, directory_);
    EXPECT_EQ(content.lost_items, 0U);
    EXPECT_GE(content.end, acknowledged);
    EXPECT_EQ(content.records.size(), content.end - storage::kFirstPosition);
    EXPECT_TRUE(content.complaints.empty()) << content.complaints[0];
  }
}

// Nothing to take is told without a look at the disk; what was put is seen by the first look after.
TEST_F(LiveLog, GivesATaskAtTheFirstTakeHoweverOftenThereWasNone) {
  const std::string url = "file://" + folder_.string();
  const auto queue = std::move(*open_vp_queue(url, "ams01"));
  std::vector<tasks::QueuedTask> taken;
  std::vector<std::string> complaints;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    for (int looks = 0; looks < 3; ++looks) {
      ASSERT_TRUE(queue->take(10, taken, complaints));
      ASSERT_TRUE(taken.empty());
    }
    tasks::Task task;
    task.id = id;
    ASSERT_TRUE(put_tasks(url, "ams01", std::span(&task, 1)));
    ASSERT_TRUE(queue->take(10, taken, complaints));
    ASSERT_EQ(taken.size(), 1U) << id;
    EXPECT_EQ(taken[0].task.id, id);
    taken.clear();
  }
  EXPECT_TRUE(complaints.empty());
}

TEST_F(LiveLog, EndsARestWhenATaskIsPut) {
  const std::string url = "file://" + folder_.string();
  const auto queue = std::move(*open_vp_queue(url, "ams01"));
  std::vector<tasks::QueuedTask> taken;
  std::vector<std::string> complaints;
  ASSERT_TRUE(queue->take(10, taken, complaints));
  tasks::Task task;
  task.id = 7;
  std::thread other([&] { EXPECT_TRUE(put_tasks(url, "ams01", std::span(&task, 1))); });
  while (taken.empty()) {
    queue->rest(std::chrono::hours(1));
    ASSERT_TRUE(queue->take(10, taken, complaints));
  }
  other.join();
  EXPECT_EQ(taken[0].task.id, 7U);
}

TEST_F(LiveLog, IsWatchedByTheKernel) {
  const auto write = [this](const char* name) {
    auto file = files_.open_to_write((folder_ / name).string());
    ASSERT_TRUE((*file)->write_at(0, std::as_bytes(std::span("x"))));
  };
  const auto watch = files_.watch(folder_.string());
  ASSERT_NE(watch, nullptr);
  EXPECT_FALSE(watch->has_changed());
  write("a");
  EXPECT_TRUE(watch->has_changed());
  EXPECT_FALSE(watch->has_changed()) << "told once";
  ASSERT_TRUE(files_.rename((folder_ / "a").string(), (folder_ / "b").string()));
  EXPECT_TRUE(watch->has_changed());
  ASSERT_TRUE(files_.remove((folder_ / "b").string()));
  EXPECT_TRUE(watch->has_changed());
  // What is there already is not waited for, and what comes ends the wait.
  write("c");
  EXPECT_TRUE(watch->wait(std::chrono::hours(1)));
  std::thread later([&] { write("d"); });
  EXPECT_TRUE(watch->wait(std::chrono::hours(1)));
  later.join();
  EXPECT_EQ(files_.watch((folder_ / "nowhere").string()), nullptr);
}

// A vantage point is killed at random moments: each task is answered once.
TEST_F(LiveLog, AnswersEachTaskOnceHoweverOftenItIsKilled) {
  const std::string url = "file://" + folder_.string();
  constexpr std::uint64_t kTasks = 3000;
  std::vector<tasks::Task> tasks(kTasks);
  for (std::uint64_t id = 0; id < kTasks; ++id) tasks[id].id = id;
  ASSERT_TRUE(put_tasks(url, "ams01", tasks));
  const auto source = std::move(*FileResultSource::open(files_, vp_layout(url, "ams01").value()));
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::map<std::uint64_t, int> seen;
  std::vector<std::string> complaints;
  while (seen.size() < kTasks) {
    const int pid = fork();
    if (pid == 0) {
      auto queue = open_vp_queue(url, "ams01");
      if (!queue) _exit(3);
      while (true) {
        std::vector<tasks::QueuedTask> taken;
        if (!(*queue)->take(7, taken, complaints)) _exit(4);
        tasks::ResultBatch batch;
        for (const tasks::QueuedTask& queued : taken) {
          batch.probes.emplace_back();
          batch.probes.back().task = queued.task.id;
          batch.probes.back().position = queued.position;
        }
        if (!(*queue)->put(batch)) _exit(5);
      }
    }
    const std::size_t enough = std::min<std::size_t>(kTasks, seen.size() + 1 + random() % 400);
    while (seen.size() < enough) {
      const auto stored = source->next(complaints);
      ASSERT_TRUE(stored) << stored.error().sentence;
      if (!*stored) {
        ASSERT_EQ(waitpid(pid, nullptr, WNOHANG), 0);
        std::this_thread::yield();
        continue;
      }
      for (const tasks::ProbeResult& result : (*stored)->message.results.probes)
        ++seen[result.task];
      ASSERT_TRUE(source->commit((*stored)->end));
    }
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  while (const auto stored = source->next(complaints).value()) {
    for (const tasks::ProbeResult& result : stored->message.results.probes) ++seen[result.task];
  }
  EXPECT_TRUE(complaints.empty()) << complaints[0];
  for (const auto& [id, count] : seen) ASSERT_EQ(count, 1) << "task " << id;
}

}  // namespace
}  // namespace backsight::queue
