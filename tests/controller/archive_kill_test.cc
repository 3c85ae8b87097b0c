// A process that archives is killed at random instants, over and over: what it was told to be
// durable is in one bundle, once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>

#include "archive_rows.h"
#include "controller/archive/archive.h"

namespace backsight::controller {
namespace {

using namespace std::chrono_literals;

// Between a child and its parent.
struct Shared {
  std::atomic<std::uint64_t> next{1};     // id to append
  std::atomic<std::uint64_t> durable{0};  // ids up to it were synced, when the child said so
};

ArchiveOptions options_of(const std::filesystem::path& folder) {
  ArchiveOptions options;
  options.directory = folder.string();
  options.bundles.bytes = 20'000;  // a bundle each 40 rows
  options.sync_interval = 1ms;
  return options;
}

// Archives until it is killed. Returns only on an error.
void archive_on(const std::filesystem::path& folder, Shared& shared) {
  const LoneArchive archive = open_archive(options_of(folder));
  if (archive.archive == nullptr) return;
  const std::uint64_t before = shared.next - 1;
  while (true) {
    ReversePath path;
    path.id = shared.next++;
    const std::uint64_t number = archive->append(path);
    if (number % 8 == 0 && !archive->wait_until_synced(number, 10s)) return;
    shared.durable = before + archive->synced();
  }
}

TEST(ArchiveKilled, LosesNothingThatWasSyncedAndHasNothingTwice) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const DataFolder folder;
  const auto archive = folder.path() / "archive";
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* shared = new (memory) Shared;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> durable;  // first and last id of each life
  for (int life = 0; life < 25; ++life) {
    const std::uint64_t first = shared->next;
    shared->durable = first - 1;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      archive_on(archive, *shared);
      ::_exit(1);
    }
    // Sometimes before it has begun, sometimes after hundreds of rows.
    const std::uint64_t rows = random() % 4 == 0 ? 0 : random() % 300;
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (shared->durable < first + rows && std::chrono::steady_clock::now() < end) {
      ::usleep(static_cast<useconds_t>(random() % 300));
    }
    const std::uint64_t told = shared->durable;
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    ASSERT_GE(told, first + rows - (rows == 0 ? 1 : 0)) << "it did not come so far";
    durable.emplace_back(first, told);
    ++shared->next;  // the last id may be under way
  }
  {
    const LoneArchive last = open_archive(options_of(archive));
    ASSERT_NE(last.archive, nullptr) << last.why_not;
    ASSERT_TRUE(last->close());
  }
  std::map<std::uint64_t, int> times;
  for (const auto& row : rows_of(archive, Datatype::kRevtr)) {
    ++times[row["raw"]["id"].get<std::uint64_t>()];
  }
  for (const auto& [id, count] : times) ASSERT_EQ(count, 1) << "id " << id;
  for (const auto& [first, last] : durable) {
    for (std::uint64_t id = first; id <= last; ++id) ASSERT_TRUE(times.contains(id)) << "id " << id;
  }
  for (const auto& entry : std::filesystem::directory_iterator(archive / "spool")) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
  ::munmap(memory, sizeof(Shared));
}

}  // namespace
}  // namespace backsight::controller
