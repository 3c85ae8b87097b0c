#include "controller/journal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/json/request_json.h"
#include "controller/request_numbers.h"
#include "probes/assert.h"
#include "storage/log/log_reader.h"

namespace backsight::controller {

namespace {

// More requests than any config allows in a batch.
constexpr std::size_t kMaxRequests = 1'000'000;
// No batch has this number.
constexpr std::uint64_t kNoBatch = 0;

// A submission of ours, read back.
tl::expected<std::vector<Request>, std::string> requests_of(const JournalHead& head,
                                                            std::string_view text) {
  auto written = parse_kept(text, kMaxRequests);
  if (!written) return tl::unexpected(written.error());
  if (written->size() != head.number) {
    return tl::unexpected(fmt::format("{} requests instead of {}", written->size(), head.number));
  }
  std::vector<Request> requests;
  requests.reserve(written->size());
  for (WrittenRequest& one : *written) {
    const auto src = probes::parse_ipv4(one.src);
    if (!src) return tl::unexpected<std::string>("a source that is no address");
    Request& request = requests.emplace_back(std::move(one.request));
    request.src = *src;
    request.user = head.name;
    request.batch = head.batch;
    request.id = request_number(head.batch, requests.size() - 1);
  }
  return requests;
}

Expected<std::string> shown_of(const storage::LogRecord& record) {
  const auto head = parse_head(record.payload);
  if (!head) return run_failed(head.error());
  if (head->kind != JournalKind::kEnded) return run_failed("another record stands there");
  auto text = parse_text(record.payload);
  if (!text) return run_failed(text.error());
  return std::move(*text);
}

}  // namespace

Expected<std::unique_ptr<Journal>> Journal::open(storage::FileSystem& files,
                                                 const std::string& directory,
                                                 JournalOptions options, Replay* replay,
                                                 std::vector<std::string>& complaints) {
  std::unique_ptr<Journal> journal(new Journal(files, directory, std::move(options)));
  storage::LogOptions log_options;
  log_options.segment_bytes = journal->options_.segment_bytes;
  auto log = storage::LogWriter::open(files, directory, log_options);
  if (!log) return tl::unexpected(log.error());
  journal->log_ = std::move(*log);
  complaints.insert(complaints.end(), journal->log_->complaints().begin(),
                    journal->log_->complaints().end());
  if (replay == nullptr) return journal;
  if (auto replayed = journal->replay_all(*replay, complaints); !replayed) {
    return tl::unexpected(replayed.error());
  }
  return journal;
}

Expected<void> Journal::replay_all(Replay& replay, std::vector<std::string>& complaints) {
  const auto segments = storage::list_segments(files_, directory_);
  if (!segments) return tl::unexpected(segments.error());
  if (segments->empty()) return {};
  storage::LogReader reader(files_, directory_, segments->front());
  while (true) {
    const auto record = reader.next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return {};
    replay_record(**record, reader.place(), replay, complaints);
  }
}

void Journal::replay_record(const storage::LogRecord& record, const storage::RecordPlace& place,
                            Replay& replay, std::vector<std::string>& complaints) {
  const auto complain = [&](const std::string& clause) {
    complaints.push_back(fmt::format("{}: the record at {} holds {}",
                                     storage::segment_path(directory_, place.segment), place.offset,
                                     clause));
  };
  const auto head = parse_head(record.payload);
  if (!head) return complain(head.error());
  switch (head->kind) {
    case JournalKind::kMeasured:
      return;
    case JournalKind::kEnded:
      return replay.ended({head->batch, head->number, head->unix_us, 0, head->name, place});
    case JournalKind::kCancelled:
      return replay.cancelled(*head);
    case JournalKind::kAccepted:
      break;
  }
  const auto text = parse_text(record.payload);
  if (!text) return complain(text.error());
  auto requests = requests_of(*head, *text);
  if (!requests) return complain(requests.error());
  remember(head->batch, record.position);
  replay.accepted(*head, std::move(*requests));
}

Expected<void> Journal::accept(std::span<const Request> requests, std::uint64_t unix_us) {
  BACKSIGHT_ASSERT(!requests.empty() && requests.front().id == requests.front().batch);
  Kept kept;
  kept.head = {JournalKind::kAccepted, requests.front().batch, requests.size(), unix_us,
               requests.front().user};
  std::string text;
  append_submission(text, requests);
  if (text.size() > kMaxJournalText) return run_failed("the submission is too large to be kept");
  kept.bytes = encode_record(kept.head, text);
  if (kept.bytes.size() > storage::kMaxPayloadBytes) {
    return run_failed("the submission is too large to be kept");
  }
  std::unique_lock lock(mutex_);
  return wait_for(std::move(kept), lock);
}

void Journal::end(const ReversePath& path, std::string_view shown, std::uint64_t unix_us) {
  keep({JournalKind::kEnded, path.batch, path.id, unix_us, path.label.substr(0, kMaxNameBytes)},
       path.runtime_us, shown);
}

void Journal::measured(std::string_view table, std::string_view rows, std::uint64_t count,
                       std::uint64_t unix_us) {
  keep({JournalKind::kMeasured, kNoBatch, count, unix_us, std::string(table)}, 0, rows);
}

void Journal::cancel(std::uint64_t batch, std::uint64_t unix_us) {
  keep({JournalKind::kCancelled, batch, 0, unix_us, {}}, 0, {});
}

void Journal::keep(JournalHead head, std::uint64_t runtime_us, std::string_view text) {
  Kept kept;
  kept.bytes = encode_record(head, text);
  kept.head = std::move(head);
  kept.runtime_us = runtime_us;
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(kept));
}

Expected<void> Journal::sync() {
  {
    const std::lock_guard lock(mutex_);
    if (kept_.empty() && !is_writing_ && fault_.empty()) return {};
  }
  // Whether a disk that has refused takes something again, only a record says: of nothing.
  if (waiting().records == 0 && !why_not_writable().empty()) cancel(kNoBatch, 0);
  std::unique_lock lock(mutex_);
  return wait_for({}, lock);
}

std::vector<EndedRecord> Journal::take_written() {
  const std::lock_guard lock(mutex_);
  return std::exchange(written_, {});
}

// Who finds nobody writing writes, for all who wait by then.
Expected<void> Journal::wait_for(Kept kept, std::unique_lock<std::mutex>& lock) {
  Waiter waiter;
  kept.waiter = &waiter;
  kept_.push_back(std::move(kept));
  while (!waiter.is_done) {
    if (is_writing_) {
      has_settled_.wait(lock);
    } else {
      write(lock);
    }
  }
  return waiter.outcome;
}

void Journal::write(std::unique_lock<std::mutex>& lock) {
  is_writing_ = true;
  std::vector<Kept> now = std::exchange(kept_, {});
  lock.unlock();
  for (Kept& one : now) {
    if (one.bytes.empty()) continue;
    one.place = log_->next_place();
    one.position = log_->append(one.bytes);
  }
  const Expected<void> outcome = log_->sync();
  report(outcome);
  lock.lock();
  settle(now, outcome);
  is_writing_ = false;
  has_settled_.notify_all();
}

// Nothing of a write that failed counts. Those who wait are told; what was only kept stays kept.
void Journal::settle(std::vector<Kept>& written, const Expected<void>& outcome) {
  std::vector<Kept> again;
  for (Kept& one : written) {
    if (one.waiter != nullptr) {
      one.waiter->outcome = outcome;
      one.waiter->is_done = true;
    }
    if (!outcome) {
      if (one.waiter == nullptr) again.push_back(std::move(one));
    } else if (one.head.kind == JournalKind::kEnded) {
      written_.push_back({one.head.batch, one.head.number, one.head.unix_us, one.runtime_us,
                          std::move(one.head.name), one.place});
    } else if (one.head.kind == JournalKind::kAccepted && !one.bytes.empty()) {
      remember(one.head.batch, one.position);
    }
  }
  kept_.insert(kept_.begin(), std::make_move_iterator(again.begin()),
               std::make_move_iterator(again.end()));
}

// Told outside of the lock, by the one who writes.
void Journal::report(const Expected<void>& outcome) {
  std::string sentence = "the journal is written again";
  if (!outcome) {
    sentence = fmt::format(
        "{}; free space on the disk of {} or make it writable; requests are refused and records "
        "wait in memory until it works",
        outcome.error().sentence, directory_);
  }
  {
    const std::lock_guard lock(mutex_);
    const bool was_fault = !fault_.empty();
    fault_ = outcome ? std::string() : sentence;
    if (was_fault == !outcome) return;
  }
  if (options_.tell) options_.tell(sentence, !outcome);
}

std::vector<Expected<std::string>> Journal::read(
    std::span<const storage::RecordPlace> places) const {
  storage::RecordFetcher fetcher(files_, directory_);
  std::vector<Expected<std::string>> shown;
  shown.reserve(places.size());
  for (const storage::RecordPlace& place : places) {
    shown.push_back(fetcher.fetch(place).and_then(shown_of));
  }
  return shown;
}

void Journal::remember(std::uint64_t batch, std::uint64_t position) {
  if (kept_batches_.insert(batch).second) starts_.push_back({position, batch});
}

void Journal::drop_forgotten_starts() {
  while (!starts_.empty() && !kept_batches_.contains(starts_.front().batch)) starts_.pop_front();
}

Expected<void> Journal::forget(std::span<const std::uint64_t> batches) {
  // Before it is known what is kept: what is accepted from now on stands behind.
  const auto end = storage::log_end(files_, directory_);
  if (!end) return tl::unexpected(end.error());
  std::uint64_t mark = *end;
  {
    const std::lock_guard lock(mutex_);
    for (const std::uint64_t batch : batches) kept_batches_.erase(batch);
    drop_forgotten_starts();
    if (!starts_.empty()) mark = std::min(mark, starts_.front().position);
    mark = std::min(mark, keep_from_);
  }
  return storage::free_segments(files_, directory_, mark);
}

void Journal::keep_from(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  keep_from_ = position;
}

Expected<std::vector<std::uint64_t>> Journal::oldest() const {
  const auto segments = storage::list_segments(files_, directory_);
  if (!segments) return tl::unexpected(segments.error());
  std::vector<std::uint64_t> batches;
  if (segments->size() < 2) return batches;
  const std::lock_guard lock(mutex_);
  for (const Start& start : starts_) {
    // free_segments() removes a segment when the next one's first item is not needed either.
    if (start.position > (*segments)[1]) break;
    if (kept_batches_.contains(start.batch)) batches.push_back(start.batch);
  }
  return batches;
}

Expected<std::uint64_t> Journal::bytes() const {
  return storage::bytes_behind(files_, directory_, storage::kFirstPosition);
}

std::string Journal::why_not_writable() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

std::uint64_t Journal::readable_end() const {
  return storage::log_end(files_, directory_).value_or(storage::kFirstPosition);
}

Journal::Waiting Journal::waiting() const {
  const std::lock_guard lock(mutex_);
  Waiting waiting;
  for (const Kept& it : kept_) {
    ++waiting.records;
    waiting.ends += it.head.kind == JournalKind::kEnded && !it.bytes.empty() ? 1 : 0;
    waiting.bytes += it.bytes.size();
  }
  return waiting;
}

}  // namespace backsight::controller
