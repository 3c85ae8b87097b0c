// The end of a request in two logs, archive and book: whichever of their disks refuses, and
// wherever the process dies, it was shown only if it is archived, and it is there once.
#include "controller/service/path_ends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "archive_rows.h"
#include "journal_support.h"
#include "stubborn_disk.h"

namespace backsight::controller {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

// One life of a controller, without what measures.
struct Life {
  Life(const std::filesystem::path& folder, storage::FileSystem& archive_disk,
       storage::FileSystem& book_disk) {
    ArchiveOptions archiving;
    archiving.directory = (folder / "archive").string();
    archiving.rotation.bytes = 4'000;  // a bundle each few paths
    archiving.waits_for_release = true;
    archiving.retry_interval = 1ms;
    archiving.files = &archive_disk;
    auto archive_opened = Archive::open(archiving, {});
    EXPECT_TRUE(archive_opened) << archive_opened.error().sentence;
    archive = std::move(*archive_opened);
    BookOptions booking;
    booking.now_us = [] { return kNowUs; };
    auto book_opened = RequestBook::open(book_disk, (folder / "book").string(), booking);
    EXPECT_TRUE(book_opened) << book_opened.error().sentence;
    opened = std::move(*book_opened);
    settle_recovered(*archive, opened);
    ends = std::make_unique<PathEnds>(book(), *archive);
  }

  RequestBook& book() { return *opened.book; }
  void end(const Request& request) {
    last = ends->add(ended_as(request, FailReason::kUnresponsive, kNowUs));
  }
  std::vector<Request> accept(std::size_t count, std::mt19937_64& random) {
    std::vector<Request> requests;
    for (std::size_t i = 0; i < count; ++i) requests.push_back(random_request(random));
    for (Request& it : requests) it.user = "alice";
    EXPECT_TRUE(book().accept(requests));
    return requests;
  }
  std::size_t shown(std::uint64_t batch) { return book().progress(batch, 0)->ended.size(); }
  template <typename Condition>
  void advance_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      ends->advance(last);
      std::this_thread::yield();
    }
  }

  std::unique_ptr<Archive> archive;
  RequestBook::Opened opened;
  std::unique_ptr<PathEnds> ends;
  std::uint64_t last = 0;
};

class PathEndsTest : public testing::Test {
 protected:
  Life live() { return {folder_.path(), archive_disk_, book_disk_}; }
  [[nodiscard]] std::multiset<std::uint64_t> bundled() const {
    std::multiset<std::uint64_t> ids;
    for (const auto& row : rows_of((folder_.path() / "archive").string(), Datatype::kRevtr)) {
      ids.insert(row["raw"]["id"].get<std::uint64_t>());
    }
    return ids;
  }

  DataFolder folder_;
  StubbornDisk archive_disk_;
  StubbornDisk book_disk_;
  std::mt19937_64 random_{1};
};

TEST_F(PathEndsTest, ShowNothingThatTheArchiveHasNot) {
  Life life = live();
  const auto requests = life.accept(2, random_);
  archive_disk_.refuse("No space left on device");
  for (const Request& it : requests) life.end(it);
  life.advance_until([&] { return archive_disk_.refusals() > 3; });
  EXPECT_EQ(life.shown(requests[0].batch), 0U);
  EXPECT_TRUE(life.ends->is_waiting());
  archive_disk_.obey();
  life.advance_until([&] { return life.shown(requests[0].batch) == 2; });
  EXPECT_FALSE(life.ends->is_waiting());
}

TEST_F(PathEndsTest, MeasureAgainWhatTheArchiveNeverTook) {
  std::vector<Request> requests;
  {
    Life life = live();
    requests = life.accept(2, random_);
    archive_disk_.refuse("No space left on device");
    for (const Request& it : requests) life.end(it);
    life.ends->finish(life.last, 1ms);
    EXPECT_EQ(life.shown(requests[0].batch), 0U);
    EXPECT_FALSE(life.archive->close());
  }
  archive_disk_.obey();
  Life life = live();
  EXPECT_THAT(life.opened.unfinished, SizeIs(2));
}

TEST_F(PathEndsTest, AreKnownAfterADeathThoughTheBookCouldNotWriteThem) {
  std::uint64_t batch = 0;
  {
    Life life = live();
    const auto requests = life.accept(20, random_);
    batch = requests[0].batch;
    book_disk_.refuse("No space left on device");
    for (const Request& it : requests) life.end(it);
    life.advance_until([&] { return life.shown(batch) == 20; });
    life.ends->finish(life.last, 1s);
    ASSERT_TRUE(life.archive->close());
    EXPECT_THAT(bundled(), IsEmpty());  // the spool is all that remembers them
  }
  book_disk_.obey();
  {
    Life life = live();
    EXPECT_THAT(life.opened.unfinished, IsEmpty());
    life.ends->finish(life.last, 1s);
    EXPECT_EQ(life.shown(batch), 20U);
    ASSERT_TRUE(life.archive->close());
  }
  EXPECT_THAT(bundled(), SizeIs(20));
}

// Lives until it is killed: ends what was left, asks for more, says what was shown.
[[noreturn]] void live_on(const std::filesystem::path& folder, std::uint64_t seed, int pipe) {
  Life life(folder, storage::posix_file_system(), storage::posix_file_system());
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> told;
  for (const Request& it : life.opened.unfinished) life.end(it);
  for (std::set<std::uint64_t> batches;;) {
    const auto requests = life.accept(1 + random() % 3, random);
    batches.insert(requests[0].batch);
    // One of a batch may stay open until the next life.
    for (std::size_t i = random() % 2; i < requests.size(); ++i) life.end(requests[i]);
    life.ends->advance(life.last);
    for (const std::uint64_t batch : batches) {
      const auto progress = life.book().progress(batch, 0);
      for (const ReversePath& path : progress->ended) {
        if (!told.insert(path.id).second) continue;
        if (::write(pipe, &path.id, sizeof path.id) != sizeof path.id) ::_exit(4);
      }
    }
    if (batches.size() > 20) batches.erase(batches.begin());
  }
}

TEST_F(PathEndsTest, AreArchivedOnceThroughManyDeaths) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::multiset<std::uint64_t> shown;
  for (int death = 0; death < 8; ++death) {
    int pipes[2];
    ASSERT_EQ(::pipe(pipes), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipes[0]);
      live_on(folder_.path(), random(), pipes[1]);
    }
    ::close(pipes[1]);
    std::uint64_t id = 0;
    for (auto lines = random() % 40; lines > 0 && ::read(pipes[0], &id, sizeof id) == sizeof id;) {
      shown.insert(id);
      --lines;
    }
    ::kill(child, SIGKILL);
    while (::read(pipes[0], &id, sizeof id) == sizeof id) shown.insert(id);
    ::close(pipes[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  }
  Life life = live();
  for (const Request& it : life.opened.unfinished) life.end(it);
  life.ends->finish(life.last, 20s);
  EXPECT_EQ(life.book().under_way(), 0U);
  ASSERT_TRUE(life.archive->close());
  const auto archived = bundled();
  for (const std::uint64_t id : archived) ASSERT_EQ(archived.count(id), 1U) << id;
  for (const std::uint64_t id : shown) {
    ASSERT_EQ(shown.count(id), 1U) << id << " was shown twice";
    ASSERT_TRUE(archived.contains(id)) << id;
  }
}

}  // namespace
}  // namespace backsight::controller
