#include "queue/file/file_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace backsight::queue {

namespace {

// Tasks that end between two looks at what may be freed.
constexpr std::uint64_t kFreeEvery = 1 << 16;
// A writer of tasks holds the log no longer than one sync takes.
constexpr std::chrono::seconds kTaskWriterWait{10};
// The tasks are looked for so often even if nothing seems to have changed.
constexpr std::chrono::milliseconds kLookAnyway{100};

std::size_t bytes_of(const tasks::ProbeResult&) { return tasks::kMaxProbeBytesEncoded; }
std::size_t bytes_of(const tasks::Observation&) { return tasks::kMaxObservationBytesEncoded; }
std::size_t bytes_of(const tasks::TraceResult& trace) {
  return tasks::kMaxProbeBytesEncoded + 8 + trace.hops.size() * tasks::kMaxHopBytesEncoded;
}

// Takes records off the front of `rest` while they fit in `budget`.
template <typename Record>
std::span<const Record> take_fitting(std::span<const Record>& rest, std::size_t& budget) {
  std::size_t count = 0;
  while (count < rest.size() && bytes_of(rest[count]) <= budget) budget -= bytes_of(rest[count++]);
  const auto taken = rest.first(count);
  rest = rest.subspan(count);
  return taken;
}

}  // namespace

FileQueue::FileQueue(storage::FileSystem& files, VpLayout layout, storage::DurableNumber epoch,
                     storage::DurableNumber task_mark, std::size_t records_bytes)
    : files_(files),
      layout_(std::move(layout)),
      epoch_(std::move(epoch)),
      task_mark_(std::move(task_mark)),
      records_bytes_(records_bytes) {}

Expected<std::unique_ptr<FileQueue>> FileQueue::open(storage::FileSystem& files,
                                                     const VpLayout& layout, const std::string& vp,
                                                     const storage::LogOptions& options,
                                                     std::size_t records_bytes) {
  auto results = storage::LogWriter::open(files, layout.results, options);
  if (!results) return tl::unexpected(results.error());
  if (auto made = files.make_directories(layout.tasks); !made) {
    return tl::unexpected(made.error());
  }
  auto epoch = storage::DurableNumber::open(files, layout.results, "epoch");
  if (!epoch) return tl::unexpected(epoch.error());
  auto mark = storage::DurableNumber::open(files, layout.tasks, "mark");
  if (!mark) return tl::unexpected(mark.error());
  std::unique_ptr<FileQueue> queue(
      new FileQueue(files, layout, std::move(*epoch), std::move(*mark), records_bytes));
  queue->results_ = std::move(*results);
  queue->complaints_ = queue->results_->complaints();
  queue->head_.vp = vp;
  if (auto restored = queue->restore(); !restored) return tl::unexpected(restored.error());
  if (auto named = queue->name_log(); !named) return tl::unexpected(named.error());
  if (auto begun = queue->begin_epoch(); !begun) return tl::unexpected(begun.error());
  if (auto done = queue->open_task_log(options); !done) return tl::unexpected(done.error());
  return queue;
}

// Reads back what is done: the union of all that the newest segment says, and of older ones as long
// as no snapshot was met.
Expected<void> FileQueue::restore() {
  done_.insert_below(task_mark_.value());
  const auto segments = storage::list_segments(files_, layout_.results);
  if (!segments) return tl::unexpected(segments.error());
  std::uint64_t end = results_->durable_end();
  for (auto first = segments->rbegin(); first != segments->rend(); ++first) {
    const auto has_snapshot = restore_segment(*first, end);
    if (!has_snapshot) return tl::unexpected(has_snapshot.error());
    if (*has_snapshot) break;
    end = *first;
  }
  return {};
}

// Returns true if a snapshot was among the records from `first` to `end`.
Expected<bool> FileQueue::restore_segment(std::uint64_t first, std::uint64_t end) {
  storage::LogReader reader(files_, layout_.results, first);
  bool has_snapshot = false;
  while (reader.position() < end) {
    const auto record = reader.next(complaints_);
    if (!record) return tl::unexpected(record.error());
    if (!*record || (*record)->position >= end) break;
    const auto message = tasks::decode_results((*record)->payload);
    if (!message) {
      complaints_.push_back(fmt::format("{}: record {}: {}", layout_.results, (*record)->position,
                                        message.error().sentence));
      continue;
    }
    head_.boot_epoch = std::max(head_.boot_epoch, message->head.boot_epoch);
    if (message->head.log != 0) head_.log = message->head.log;
    done_.insert_below(message->head.done_low);
    if (message->head.has_done_bits) {
      has_snapshot = done_.merge(message->head.done_low, message->head.done_bits) || has_snapshot;
    }
    mark_done(message->results);
  }
  return has_snapshot;
}

// The name stands in every record; the file has it for the time before the first one.
Expected<void> FileQueue::name_log() {
  auto stored = storage::DurableNumber::open(files_, layout_.results, "log-id");
  if (!stored) return tl::unexpected(stored.error());
  if (head_.log == 0) head_.log = stored->value();
  std::random_device random;
  while (head_.log == 0) head_.log = std::uint64_t{random()} << 31 ^ random();
  return stored->store(head_.log);
}

Expected<void> FileQueue::begin_epoch() {
  head_.boot_epoch = std::max(head_.boot_epoch, epoch_.value()) + 1;
  return epoch_.store(head_.boot_epoch);
}

// Begins to read tasks at the first one that is not done. A log of tasks that ends before it has
// been replaced by an empty one: its numbers must go on behind those that were used.
Expected<void> FileQueue::open_task_log(const storage::LogOptions& options) {
  const auto end = log_end(files_, layout_.tasks);
  if (!end) return tl::unexpected(end.error());
  if (*end < done_.low()) {
    complaints_.push_back(
        fmt::format("{}: ends at task {}, but results are there up to {}; was it "
                    "removed? New tasks are numbered from there on",
                    layout_.tasks, *end, done_.low() - 1));
    storage::LogOptions raised = options;
    raised.least_position = done_.low();
    raised.lock_wait = kTaskWriterWait;
    const auto writer = storage::LogWriter::open(files_, layout_.tasks, raised);
    if (!writer) return tl::unexpected(writer.error());
  }
  tasks_watch_ = files_.watch(layout_.tasks);
  tasks_ = std::make_unique<storage::LogReader>(files_, layout_.tasks, done_.low());
  return {};
}

Expected<void> FileQueue::take(std::size_t max, std::vector<tasks::QueuedTask>& out,
                               std::vector<std::string>& complaints) {
  std::move(complaints_.begin(), complaints_.end(), std::back_inserter(complaints));
  complaints_.clear();
  std::size_t taken = 0;
  while (taken < max) {
    if (loaded_taken_ == loaded_.tasks.size()) {
      const auto loaded = load_tasks(complaints);
      if (!loaded) return tl::unexpected(loaded.error());
      if (!*loaded) break;
      continue;
    }
    const std::uint64_t position = loaded_position_ + loaded_taken_;
    if (position > done_.low() + kMaxOpenSpan) break;  // an early task is not done yet
    const tasks::Task& task = loaded_.tasks[loaded_taken_++];
    if (done_.contains(position)) continue;
    out.push_back({task, position});
    ++taken;
  }
  return {};
}

// A look costs some dozen system calls; the directory's news cost one.
bool FileQueue::is_worth_a_look() {
  if (!has_read_all_ || tasks_watch_ == nullptr) return true;
  const auto now = std::chrono::steady_clock::now();
  has_news_ |= tasks_watch_->has_changed();
  if (!has_news_ && now < look_again_) return false;
  has_news_ = false;
  look_again_ = now + kLookAnyway;
  return true;
}

void FileQueue::rest(std::chrono::nanoseconds time) {
  // News that nobody heeds ends no sleep twice.
  if (tasks_watch_ == nullptr || has_news_ || !has_read_all_) return VpQueue::rest(time);
  has_news_ = tasks_watch_->wait(time);
}

// Reads the next record of tasks. Tasks that cannot be read are done: nobody will ever answer them.
Expected<bool> FileQueue::load_tasks(std::vector<std::string>& complaints) {
  if (!is_worth_a_look()) return false;
  const std::uint64_t expected = tasks_->position();
  const auto record = tasks_->next(complaints);
  has_read_all_ = record && !*record;
  if (!record) return tl::unexpected(record.error());
  if (!*record) return false;
  const auto& [position, count, payload] = **record;
  if (position > expected && !done_.insert_range(expected, position)) done_.insert_below(position);
  auto message = tasks::decode_tasks(payload);
  if (message && message->tasks.size() != count) {
    message = run_failed(fmt::format("{} tasks where {} should be", message->tasks.size(), count));
  }
  loaded_.tasks.clear();
  loaded_taken_ = 0;
  loaded_position_ = position;
  if (message) {
    loaded_ = std::move(*message);
    return true;
  }
  complaints.push_back(fmt::format("{}: tasks {} to {} are left out: {}", layout_.tasks, position,
                                   position + count - 1, message.error().sentence));
  done_.insert_range(position, position + count);
  return true;
}

Expected<void> FileQueue::put(const tasks::ResultBatch& batch) {
  if (batch.size() == 0) return {};
  const std::uint64_t first_batch = head_.batch;
  tasks::ResultSpans rest{batch.probes, batch.traces, batch.observations};
  while (rest.size() > 0) {
    std::size_t budget = records_bytes_;
    tasks::ResultSpans part;
    part.probes = take_fitting(rest.probes, budget);
    part.traces = take_fitting(rest.traces, budget);
    part.observations = take_fitting(rest.observations, budget);
    if (part.size() == 0) {
      return run_failed(fmt::format("{}: a trace of {} hops fits in no record", layout_.results,
                                    rest.traces.front().hops.size()));
    }
    append(part);
  }
  if (auto synced = results_->sync(); !synced) {
    head_.batch = first_batch;
    return synced;
  }
  mark_done(batch);
  free_tasks();
  return {};
}

void FileQueue::append(const tasks::ResultSpans& records) {
  head_.done_low = done_.low();
  head_.has_done_bits = results_->is_at_segment_start();
  head_.done_bits.clear();
  if (head_.has_done_bits) head_.done_bits = done_.encode();
  ++head_.batch;
  results_->append(encoder_.encode(head_, records), static_cast<std::uint32_t>(records.size()));
}

void FileQueue::mark_done(const tasks::ResultBatch& batch) {
  for (const tasks::ProbeResult& result : batch.probes) done_.insert(result.position);
  for (const tasks::TraceResult& result : batch.traces) done_.insert(result.head.position);
}

// Not being able to free what is done costs room on the disk, and no more.
void FileQueue::free_tasks() {
  const std::uint64_t low = done_.low();
  if (low < freed_below_ + kFreeEvery) return;
  freed_below_ = low;
  const auto segments = storage::list_segments(files_, layout_.tasks);
  const std::uint64_t end = std::min(low, keep_from_);
  if (!segments || segments->size() < 2 || (*segments)[1] >= end) return;
  if (task_mark_.store(end)) (void)storage::free_segments(files_, layout_.tasks, end);
}

Expected<void> FileQueue::announce(const std::string& status_json) {
  return storage::replace_file(files_, layout_.status, status_json);
}

Spool FileQueue::spool() const {
  const auto mark = storage::DurableNumber::open(files_, layout_.results, "mark");
  if (!mark) return {};
  const std::uint64_t committed = std::max(mark->value(), storage::kFirstPosition);
  const std::uint64_t end = results_->durable_end();
  return {.bytes = storage::bytes_behind(files_, layout_.results, committed).value_or(0),
          .results = end > committed ? end - committed : 0};
}

}  // namespace backsight::queue
