// The end of a request, from the archive that writes it to the book that shows it: wherever the
// process dies and whatever the disk refuses, it was shown only if it is archived, and it is there
// once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "archive_rows.h"
#include "controller/journal/request_book.h"
#include "journal_support.h"
#include "stubborn_disk.h"

namespace backsight::controller {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

// One life of a controller, without what measures.
struct Life {
  Life(const std::filesystem::path& folder, storage::FileSystem& disk) {
    ArchiveOptions archiving;
    archiving.directory = (folder / "archive").string();
    archiving.bundles.bytes = 4'000;  // bundles each few paths
    archiving.retry_interval = 1ms;
    archiving.files = &disk;
    BookOptions booking;
    booking.now_us = [] { return kNowUs; };
    booking.journal.segment_bytes = 20'000;
    const auto layout = ArchiveLayout::of(archiving.directory);
    auto book_opened = RequestBook::open(
        disk, {layout->journal_directory(), (folder / "numbers").string()}, booking);
    EXPECT_TRUE(book_opened) << book_opened.error().sentence;
    opened = std::move(*book_opened);
    archiving.show = [this](std::span<const EndedRecord> ended) { book().show(ended); };
    auto archive_opened = Archive::open(archiving, {}, book().journal());
    EXPECT_TRUE(archive_opened) << archive_opened.error().sentence;
    archive = std::move(*archive_opened);
  }

  RequestBook& book() { return *opened.book; }
  void end(const Request& request) {
    last = archive->append(ended_as(request, FailReason::kUnresponsive, kNowUs));
  }
  std::vector<Request> accept(std::size_t count, std::mt19937_64& random) {
    std::vector<Request> requests;
    for (std::size_t i = 0; i < count; ++i) requests.push_back(random_request(random));
    for (Request& it : requests) it.user = "alice";
    EXPECT_TRUE(book().accept(requests));
    return requests;
  }
  std::size_t shown(std::uint64_t batch) { return book().progress(batch, 0)->ended.size(); }

  RequestBook::Opened opened;
  std::unique_ptr<Archive> archive;
  std::uint64_t last = 0;
};

class EndsTest : public testing::Test {
 protected:
  Life live() { return {folder_.path(), disk_}; }
  [[nodiscard]] std::multiset<std::uint64_t> bundled() const {
    std::multiset<std::uint64_t> ids;
    for (const auto& row : rows_of((folder_.path() / "archive").string(), Datatype::kRevtr)) {
      ids.insert(row["raw"]["id"].get<std::uint64_t>());
    }
    return ids;
  }

  DataFolder folder_;
  StubbornDisk disk_;
  std::mt19937_64 random_{1};
};

TEST_F(EndsTest, AreShownOnceTheyAreDurable) {
  Life life = live();
  const auto requests = life.accept(2, random_);
  const std::uint64_t batch = requests[0].batch;
  disk_.refuse("No space left on device");
  for (const Request& it : requests) life.end(it);
  while (disk_.refusals() < 4) std::this_thread::yield();
  EXPECT_EQ(life.shown(batch), 0U);
  EXPECT_EQ(life.book().under_way(), 2U);
  disk_.obey();
  EXPECT_GE(life.book().wait_for_more(batch, 0, 20s)->ended.size(), 1U);
  ASSERT_TRUE(life.archive->wait_until_synced(life.last, 20s));
  EXPECT_EQ(life.shown(batch), 2U);
  EXPECT_EQ(life.book().under_way(), 0U);
}

TEST_F(EndsTest, AreShownAsTheArchiveHasThem) {
  std::string json;
  {
    Life life = live();
    const Request request = life.accept(1, random_)[0];
    ReversePath path = path_for(request, random_);
    life.archive->append(path);
    json = life.book().wait_for_more(request.batch, 0, 20s)->ended.at(0).json;
    ASSERT_TRUE(life.archive->close());
  }
  const auto rows = rows_of((folder_.path() / "archive").string(), Datatype::kRevtr);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(nlohmann::json::parse(fields_of(json)), rows[0]["raw"]);
}

TEST_F(EndsTest, AreMeasuredAgainWhenTheDiskNeverTookThem) {
  std::vector<Request> requests;
  {
    Life life = live();
    requests = life.accept(2, random_);
    disk_.refuse("No space left on device");
    for (const Request& it : requests) life.end(it);
    EXPECT_FALSE(life.archive->close());
    EXPECT_EQ(life.shown(requests[0].batch), 0U);
  }
  disk_.obey();
  Life life = live();
  EXPECT_THAT(life.opened.unfinished, SizeIs(2));
}

// Lives until it is killed: ends what was left, asks for more, says what was shown.
[[noreturn]] void live_on(const std::filesystem::path& folder, std::uint64_t seed, int pipe) {
  Life life(folder, storage::posix_file_system());
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> told;
  for (const Request& it : life.opened.unfinished) life.end(it);
  for (std::set<std::uint64_t> batches;;) {
    const auto requests = life.accept(1 + random() % 3, random);
    batches.insert(requests[0].batch);
    // One of a batch may stay open until the next life.
    for (std::size_t i = random() % 2; i < requests.size(); ++i) life.end(requests[i]);
    for (const std::uint64_t batch : batches) {
      const auto progress = life.book().progress(batch, 0);
      for (const EndedPath& path : progress->ended) {
        if (!told.insert(path.id).second) continue;
        if (::write(pipe, &path.id, sizeof path.id) != sizeof path.id) ::_exit(4);
      }
    }
    if (batches.size() > 20) batches.erase(batches.begin());
  }
}

TEST_F(EndsTest, AreArchivedOnceThroughManyDeaths) {
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
  ASSERT_TRUE(life.archive->wait_until_synced(life.last, 20s));
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
