// The queue of one vantage point: exactly one result a task, whichever call is the last.
#include "queue/file/file_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "../storage/fake_disk.h"
#include "queue/file/put_tasks.h"
#include "queue/result_source.h"

namespace backsight::queue {
namespace {

using Random = std::mt19937_64;

const VpLayout kLayout{"/q", "/q/ams01", "/q/ams01/tasks", "/q/ams01/results",
                       "/q/ams01/status.json"};

storage::LogOptions small_segments() {
  storage::LogOptions options;
  options.segment_bytes = 1500;
  return options;
}

tasks::Task task_of(std::uint64_t id) {
  tasks::Task task;
  task.id = id;
  task.dst = {0xc6336407};
  return task;
}

tasks::ProbeResult answer_to(const tasks::QueuedTask& queued) {
  tasks::ProbeResult result;
  result.task = queued.task.id;
  result.position = queued.position;
  result.dst = queued.task.dst;
  return result;
}

bool put_ids(storage::FakeDisk& disk, std::uint64_t first, std::uint64_t count) {
  std::vector<tasks::Task> tasks;
  for (std::uint64_t id = first; id < first + count; ++id) tasks.push_back(task_of(id));
  return put_tasks(disk, kLayout, "ams01", tasks, small_segments()).has_value();
}

std::unique_ptr<FileQueue> open_queue(storage::FakeDisk& disk) {
  auto queue = FileQueue::open(disk, kLayout, "ams01", small_segments());
  EXPECT_TRUE(queue) << queue.error().sentence;
  return queue ? std::move(*queue) : nullptr;
}

std::vector<tasks::QueuedTask> take(FileQueue& queue, std::size_t max) {
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  EXPECT_TRUE(queue.take(max, tasks, complaints));
  EXPECT_THAT(complaints, testing::IsEmpty());
  return tasks;
}

std::vector<std::uint64_t> ids_of(const std::vector<tasks::QueuedTask>& tasks) {
  std::vector<std::uint64_t> ids;
  for (const tasks::QueuedTask& queued : tasks) ids.push_back(queued.task.id);
  return ids;
}

// How often each task is answered in the results that nobody has committed.
std::map<std::uint64_t, int> answers(storage::FakeDisk& disk) {
  std::map<std::uint64_t, int> count;
  std::vector<std::string> complaints;
  auto source = FileResultSource::open(disk, kLayout);
  EXPECT_TRUE(source) << source.error().sentence;
  while (auto stored = (*source)->next(complaints).value()) {
    for (const tasks::ProbeResult& result : stored->message.results.probes) ++count[result.task];
  }
  EXPECT_THAT(complaints, testing::IsEmpty());
  return count;
}

TEST(FileQueue, HandsOutTasksInOrder) {
  storage::FakeDisk disk;
  ASSERT_TRUE(put_ids(disk, 100, 3));
  const auto queue = open_queue(disk);
  ASSERT_TRUE(put_ids(disk, 200, 2));
  EXPECT_EQ(ids_of(take(*queue, 2)), (std::vector<std::uint64_t>{100, 101}));
  EXPECT_EQ(ids_of(take(*queue, 9)), (std::vector<std::uint64_t>{102, 200, 201}));
  EXPECT_TRUE(take(*queue, 9).empty());
  ASSERT_TRUE(put_ids(disk, 300, 1));
  EXPECT_EQ(ids_of(take(*queue, 9)), (std::vector<std::uint64_t>{300}));
}

TEST(FileQueue, HandsOutAgainWhatHasNoResult) {
  storage::FakeDisk disk;
  ASSERT_TRUE(put_ids(disk, 1, 10));
  {
    const auto queue = open_queue(disk);
    const auto tasks = take(*queue, 10);
    tasks::ResultBatch batch;
    for (std::size_t i : {1U, 4U, 9U}) batch.probes.push_back(answer_to(tasks[i]));
    ASSERT_TRUE(queue->put(batch));
  }
  const auto queue = open_queue(disk);
  EXPECT_EQ(ids_of(take(*queue, 99)), (std::vector<std::uint64_t>{1, 3, 4, 6, 7, 8, 9}));
  EXPECT_EQ(queue->boot_epoch(), 2U);
}

TEST(FileQueue, NamesEachMessage) {
  storage::FakeDisk disk;
  tasks::ResultBatch batch;
  batch.probes.resize(1);
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    const auto queue = open_queue(disk);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(queue->put(batch));
  }
  const auto source = std::move(*FileResultSource::open(disk, kLayout));
  std::vector<std::string> complaints;
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    for (std::uint64_t number = 1; number <= 4; ++number) {
      const auto stored = source->next(complaints).value();
      ASSERT_TRUE(stored);
      EXPECT_EQ(stored->message.head.vp, "ams01");
      EXPECT_EQ(stored->message.head.boot_epoch, epoch);
      EXPECT_EQ(stored->message.head.batch, number);
    }
  }
}

// One life of a vantage point: takes, answers in a random order, puts, until the disk obeys no
// more.
void live(storage::FakeDisk& disk, std::uint64_t seed) {
  Random random(seed);
  auto queue = FileQueue::open(disk, kLayout, "ams01", small_segments());
  if (!queue) return;
  std::vector<tasks::QueuedTask> in_flight;
  std::vector<std::string> complaints;
  tasks::ResultBatch batch;
  for (int round = 0; round < 200; ++round) {
    if (!(*queue)->take(1 + random() % 8, in_flight, complaints)) return;
    if (in_flight.empty() && batch.size() == 0) return;
    std::shuffle(in_flight.begin(), in_flight.end(), random);
    for (std::size_t i = random() % 6; i > 0 && !in_flight.empty(); --i) {
      batch.probes.push_back(answer_to(in_flight.back()));
      in_flight.pop_back();
    }
    if ((*queue)->put(batch)) {
      batch.clear();
    } else if (random() % 2 == 0) {
      return;
    }
  }
}

// A consumer reads, prints and commits; at times it dies before the commit.
void consume(storage::FakeDisk& disk, std::map<std::uint64_t, int>& committed, Random& random) {
  const auto source = std::move(*FileResultSource::open(disk, kLayout));
  std::vector<std::string> complaints;
  while (const auto stored = source->next(complaints).value()) {
    if (random() % 5 == 0) return;
    ASSERT_TRUE(source->commit(stored->end));
    for (const tasks::ProbeResult& result : stored->message.results.probes)
      ++committed[result.task];
  }
}

void expect_each_once(storage::FakeDisk& disk, std::uint64_t asked,
                      std::map<std::uint64_t, int> seen = {}) {
  disk.obey();
  live(disk, 77);  // finishes what is left
  for (const auto& [id, count] : answers(disk)) seen[id] += count;
  for (std::uint64_t id = 1; id <= asked; ++id) ASSERT_EQ(seen[id], 1) << "task " << id;
  ASSERT_EQ(seen.size(), asked);
}

TEST(FileQueue, AnswersEachTaskOnceWhicheverCallIsTheLast) {
  storage::FakeDisk measured;
  ASSERT_TRUE(put_ids(measured, 1, 40));
  const std::uint64_t before = measured.calls();
  live(measured, 1);
  for (std::uint64_t call = 0; call <= measured.calls() - before; ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    storage::FakeDisk disk(call + 1);
    ASSERT_TRUE(put_ids(disk, 1, 40));
    disk.stop_at(disk.calls() + call);
    live(disk, 1);
    expect_each_once(disk, 40);
  }
}

TEST(FileQueue, AnswersEachTaskOnceWhenOneCallFails) {
  storage::FakeDisk measured;
  ASSERT_TRUE(put_ids(measured, 1, 40));
  const std::uint64_t before = measured.calls();
  live(measured, 1);
  for (std::uint64_t call = 0; call <= measured.calls() - before; ++call) {
    SCOPED_TRACE(testing::Message() << "call " << call);
    storage::FakeDisk disk(call + 1);
    ASSERT_TRUE(put_ids(disk, 1, 40));
    disk.fail_at(disk.calls() + call);
    live(disk, 1);
    expect_each_once(disk, 40);
  }
}

// Power cuts, several lives, tasks that are put in between, a consumer that commits and frees.
TEST(FileQueue, AnswersEachTaskOnceWhenThePowerFails) {
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    storage::FakeDisk disk(seed);
    std::uint64_t asked = 0;
    std::map<std::uint64_t, int> committed;
    for (int life = 0; life < 6; ++life) {
      ASSERT_TRUE(put_ids(disk, asked + 1, 15));
      asked += 15;
      disk.stop_at(disk.calls() + random() % 300);
      live(disk, random());
      if (random() % 2 == 0) disk.cut_power();
      disk.obey();
      if (random() % 2 == 0) consume(disk, committed, random);
      if (random() % 2 == 0) disk.cut_power();
    }
    expect_each_once(disk, asked, committed);
  }
}

TEST(FileQueue, KeepsNothingOfABatchThatFailed) {
  storage::FakeDisk disk;
  ASSERT_TRUE(put_ids(disk, 1, 4));
  const auto queue = open_queue(disk);
  const auto tasks = take(*queue, 4);
  tasks::ResultBatch batch;
  for (const tasks::QueuedTask& queued : tasks) batch.probes.push_back(answer_to(queued));
  disk.set_capacity(disk.used() + 100);
  EXPECT_FALSE(queue->put(batch));
  EXPECT_FALSE(queue->put(batch));
  disk.obey();
  EXPECT_TRUE(queue->put(batch));
  EXPECT_EQ(answers(disk), (std::map<std::uint64_t, int>{{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
}

TEST(FileQueue, FreesTasksThatAreDone) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  std::uint64_t most = 0;
  for (std::uint64_t round = 0; round < 40; ++round) {
    ASSERT_TRUE(put_ids(disk, 1 + round * 5000, 5000));
    tasks::ResultBatch batch;
    for (const tasks::QueuedTask& queued : take(*queue, 5000))
      batch.probes.push_back(answer_to(queued));
    ASSERT_TRUE(queue->put(batch));
    most = std::max(most, storage::bytes_behind(disk, kLayout.tasks, 1).value());
  }
  EXPECT_LT(most, 200'000U * tasks::kTaskBytesEncoded / 2);
}

TEST(FileQueue, ReckonsWhatNobodyHasCommitted) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  EXPECT_EQ(queue->spool().bytes, 0U);
  tasks::ResultBatch batch;
  batch.probes.resize(100);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue->put(batch));
  EXPECT_GT(queue->spool().bytes, 10'000U);
  const auto source = std::move(*FileResultSource::open(disk, kLayout));
  std::vector<std::string> complaints;
  std::uint64_t last = queue->spool().bytes;
  while (const auto stored = source->next(complaints).value()) {
    ASSERT_TRUE(source->commit(stored->end));
    EXPECT_LT(queue->spool().bytes, last);
    last = queue->spool().bytes;
  }
  EXPECT_EQ(last, 0U);
}

TEST(FileQueue, LeavesOutTasksThatCannotBeReadAndSaysSo) {
  storage::FakeDisk disk;
  ASSERT_TRUE(put_ids(disk, 1, 3));
  ASSERT_TRUE(put_ids(disk, 11, 3));
  ASSERT_TRUE(put_ids(disk, 21, 3));
  auto& bytes = disk.bytes("/q/ams01/tasks/00000000000000000001.log");
  bytes[bytes.size() / 2] ^= std::byte{1};
  {
    const auto log = storage::LogWriter::open(disk, kLayout.tasks, small_segments());
    const std::array noise = {std::byte{1}, std::byte{2}};
    (*log)->append(noise, 2);
    ASSERT_TRUE((*log)->sync());
  }
  ASSERT_TRUE(put_ids(disk, 31, 1));
  const auto queue = open_queue(disk);
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(queue->take(99, tasks, complaints));
  EXPECT_EQ(ids_of(tasks), (std::vector<std::uint64_t>{1, 2, 3, 21, 22, 23, 31}));
  ASSERT_EQ(complaints.size(), 3U);
  EXPECT_THAT(complaints[1], testing::HasSubstr("items 4 to 6 are not there any more"));
  EXPECT_THAT(complaints[2], testing::HasSubstr("tasks 10 to 11 are left out: not a task message"));
  // What nobody will ever answer holds up nothing.
  tasks::ResultBatch batch;
  for (const tasks::QueuedTask& queued : tasks) batch.probes.push_back(answer_to(queued));
  ASSERT_TRUE(queue->put(batch));
  EXPECT_TRUE(take(*queue, 99).empty());
}

TEST(FileQueue, NumbersOnWhenTheTasksWereRemoved) {
  storage::FakeDisk disk;
  ASSERT_TRUE(put_ids(disk, 1, 5));
  {
    const auto queue = open_queue(disk);
    tasks::ResultBatch batch;
    for (const tasks::QueuedTask& queued : take(*queue, 99))
      batch.probes.push_back(answer_to(queued));
    ASSERT_TRUE(queue->put(batch));
  }
  for (const std::string& path : disk.paths()) {
    if (path.starts_with(kLayout.tasks)) {
      ASSERT_TRUE(disk.remove(path));
    }
  }
  const auto queue = open_queue(disk);
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(queue->take(99, tasks, complaints));
  ASSERT_EQ(complaints.size(), 1U);
  ASSERT_TRUE(put_ids(disk, 50, 2));
  EXPECT_EQ(ids_of(take(*queue, 99)), (std::vector<std::uint64_t>{50, 51}));
}

TEST(FileQueue, SplitsWhatIsTooLargeForOneRecord) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  tasks::ResultBatch batch;
  batch.probes.resize(200'000);
  batch.traces.resize(10);
  batch.observations.resize(10);
  for (std::size_t i = 0; i < batch.probes.size(); ++i) batch.probes[i].task = i;
  ASSERT_TRUE(queue->put(batch));
  const auto source = std::move(*FileResultSource::open(disk, kLayout));
  std::vector<std::string> complaints;
  std::size_t messages = 0;
  tasks::ResultBatch all;
  while (const auto stored = source->next(complaints).value()) {
    ++messages;
    const tasks::ResultBatch& part = stored->message.results;
    all.probes.insert(all.probes.end(), part.probes.begin(), part.probes.end());
    all.traces.insert(all.traces.end(), part.traces.begin(), part.traces.end());
    all.observations.insert(all.observations.end(), part.observations.begin(),
                            part.observations.end());
  }
  EXPECT_GT(messages, 1U);
  ASSERT_EQ(all.size(), batch.size());
  for (std::size_t i = 0; i < all.probes.size(); ++i) ASSERT_EQ(all.probes[i].task, i);
}

TEST(FileQueue, ServesOneVantagePointAndOneConsumer) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  const auto second = FileQueue::open(disk, kLayout, "ams01", small_segments());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().sentence, testing::HasSubstr("in use by process 4711"));
  const auto source = FileResultSource::open(disk, kLayout);
  const auto other = FileResultSource::open(disk, kLayout);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().sentence,
            "/q/ams01/results: process 4711 consumes these results; there can be one only");
}

TEST(ResultSource, GivesAgainWhatWasNotCommitted) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  tasks::ResultBatch batch;
  batch.probes.resize(1);
  for (std::uint64_t id = 1; id <= 5; ++id) {
    batch.probes[0].task = id;
    ASSERT_TRUE(queue->put(batch));
  }
  std::vector<std::string> complaints;
  {
    const auto source = std::move(*FileResultSource::open(disk, kLayout));
    const auto first = source->next(complaints).value();
    const auto second = source->next(complaints).value();
    ASSERT_TRUE(source->next(complaints).value());
    ASSERT_TRUE(source->commit(second->end));
    EXPECT_EQ(first->end, second->position);
  }
  const auto source = std::move(*FileResultSource::open(disk, kLayout));
  EXPECT_EQ(source->next(complaints).value()->message.results.probes[0].task, 3U);
}

TEST(ResultTail, BeginsWhereTheLogEnds) {
  storage::FakeDisk disk;
  const auto queue = open_queue(disk);
  tasks::ResultBatch batch;
  batch.probes.resize(1);
  ASSERT_TRUE(queue->put(batch));
  const auto tail = std::move(*FileResultTail::open(disk, kLayout));
  std::vector<std::string> complaints;
  EXPECT_FALSE(tail->next(complaints).value());
  batch.probes[0].task = 9;
  ASSERT_TRUE(queue->put(batch));
  EXPECT_EQ(tail->next(complaints).value()->message.results.probes[0].task, 9U);
}

TEST(Layout, NamesWhatIsWrong) {
  EXPECT_EQ(queue_root("file:///var/lib/backsight/").value(), "/var/lib/backsight");
  EXPECT_EQ(vp_layout("file:///q", "ams01")->results, "/q/ams01/results");
  for (const char* url : {"", "file://", "file://relative", "/plain"}) {
    const auto root = queue_root(url);
    ASSERT_FALSE(root) << url;
    EXPECT_EQ(root.error().exit_code(), 2);
  }
  for (const char* vp : {"", "AMS", "a/b", "..", "a.b"}) EXPECT_FALSE(check_vp_name(vp)) << vp;
  EXPECT_FALSE(check_vp_name(std::string(64, 'a')));
  const auto opened = open_vp_queue("file://relative", "ams01");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().sentence,
            "queue \"file://relative\" names no absolute path; write file:///DIRECTORY, "
            "nats://HOST:4222 or tls://HOST:4222");
}

TEST(Layout, ListsVantagePoints) {
  storage::FakeDisk disk;
  for (const char* path : {"/q/fra02/status.json", "/q/ams01/tasks/end", "/q/Other/tasks/end",
                           "/q/stray.txt", "/q/empty/readme"}) {
    ASSERT_TRUE(disk.open_to_write(path));
  }
  EXPECT_EQ(list_vps(disk, "file:///q").value(), (std::vector<std::string>{"ams01", "fra02"}));
  EXPECT_EQ(list_vps(disk, "file:///nothing").value(), std::vector<std::string>{});
  ASSERT_TRUE(open_queue(disk)->announce("{\"vp\":\"ams01\"}"));
  EXPECT_EQ(read_status(disk, "file:///q", "ams01").value(), "{\"vp\":\"ams01\"}");
  EXPECT_EQ(read_status(disk, "file:///q", "lhr03").value(), "");
}

}  // namespace
}  // namespace backsight::queue
