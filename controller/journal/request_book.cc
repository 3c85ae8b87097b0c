#include "controller/journal/request_book.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include "controller/request_numbers.h"

namespace backsight::controller {

namespace {

using Clock = std::chrono::steady_clock;

// How long to wait before a disk that refused is tried again.
constexpr std::chrono::seconds kWriteAgain{1};
// No batch has this number.
constexpr std::uint64_t kNoBatch = 0;

std::size_t runtime_class(std::uint64_t runtime_us) {
  const auto bound = std::ranges::lower_bound(kRuntimeBoundsUs, runtime_us);
  return static_cast<std::size_t>(bound - kRuntimeBoundsUs.begin());
}

}  // namespace

// Fills a table from the journal; holds requests only until their end comes by.
class BookReplay final : public Replay {
 public:
  BookReplay(BatchTable& table, std::vector<std::string>& complaints)
      : table_(table), complaints_(complaints) {}

  void accepted(const JournalHead& head, std::vector<Request> requests) override {
    if (table_.find(head.batch) != nullptr) return;  // once is enough
    table_.add(head.batch, head.name, requests.size(), head.unix_us);
    last_id_ = std::max(last_id_, stand_in_number(requests.back().id));
    for (Request& request : requests) {
      const std::uint64_t id = request.id;
      open_.emplace(id, std::move(request));
    }
  }
  void ended(const EndedRecord& record) override {
    if (table_.find(record.batch) == nullptr) {
      ++strays_;
      return;
    }
    if (record.id % 2 != 0) table_.expect_one_more(record.batch, record.id);
    if (!table_.claim_end(record.batch, record.id)) return;
    table_.show(record.batch, {record.id, record.place, nullptr}, record.label, record.unix_us);
    open_.erase(record.id);
  }
  void cancelled(const JournalHead& head) override { table_.cancel(head.batch); }

  // Accepted and not ended, in order.
  std::map<std::uint64_t, Request> take_open() { return std::move(open_); }
  [[nodiscard]] std::uint64_t last_id() const { return last_id_; }
  void tell_strays(const std::string& directory) {
    if (strays_ == 0) return;
    complaints_.push_back(fmt::format("{}: {} ends belong to batches that cannot be read any more",
                                      directory, strays_));
  }

 private:
  BatchTable& table_;
  std::vector<std::string>& complaints_;
  std::map<std::uint64_t, Request> open_;
  std::uint64_t last_id_ = 0;
  std::uint64_t strays_ = 0;
};

Expected<RequestBook::Opened> RequestBook::open(storage::FileSystem& files,
                                                const std::string& directory, BookOptions options) {
  Opened opened;
  opened.book.reset(new RequestBook(std::move(options)));
  RequestBook& book = *opened.book;
  BookReplay replay(book.table_, opened.complaints);
  auto journal = Journal::open(files, directory, book.options_.journal, replay, opened.complaints);
  if (!journal) return tl::unexpected(journal.error());
  book.journal_ = std::move(*journal);
  replay.tell_strays(directory);
  auto ids = IdSource::open(files, directory, "ids", replay.last_id() / 2 + 1);
  if (!ids) return tl::unexpected(ids.error());
  book.ids_ = std::move(*ids);
  // Signals are the main thread's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  book.thread_ = std::thread([&book] { book.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (auto& [id, request] : replay.take_open()) {
    if (book.is_cancelled(request.batch)) opened.cancelled.push_back(id);
    opened.unfinished.push_back(std::move(request));
  }
  return opened;
}

RequestBook::~RequestBook() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  has_work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Expected<std::uint64_t> RequestBook::accept(std::vector<Request>& requests) {
  std::uint64_t first = 0;
  Expected<void> written;
  {
    const std::lock_guard lock(ids_mutex_);
    const auto taken = ids_->take(requests.size());  // of pairs
    if (taken) first = 2 * *taken;
    if (!taken) written = tl::unexpected(taken.error());
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].id = request_number(first, i);
    requests[i].batch = first;
  }
  const std::uint64_t now_us = options_.now_us();
  if (written) written = journal_->accept(requests, now_us);
  note_outcome(written);
  const std::lock_guard lock(mutex_);
  (written ? counts_.accepted : counts_.refused) += requests.size();
  if (!written) return tl::unexpected(written.error());
  table_.add(first, requests.front().user, requests.size(), now_us);
  return first;
}

bool RequestBook::expect_one_more(std::uint64_t batch, std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  return table_.expect_one_more(batch, id);
}

bool RequestBook::end(ReversePath path) {
  {
    const std::lock_guard lock(mutex_);
    if (!table_.claim_end(path.batch, path.id)) return false;
    ++counts_.ended;
    ++counts_.runtimes[runtime_class(path.runtime_us)];
    counts_.runtime_us += path.runtime_us;
    arrived_.push_back(std::make_shared<const ReversePath>(std::move(path)));
    ++ended_;
  }
  has_work_.notify_one();
  return true;
}

Expected<bool> RequestBook::cancel(std::uint64_t batch) {
  {
    const std::lock_guard lock(mutex_);
    if (!table_.cancel(batch)) return false;
  }
  journal_->cancel(batch, options_.now_us());
  const auto written = journal_->sync();  // where that fails it is kept, and tried again
  note_outcome(written);
  if (!written) return tl::unexpected(written.error());
  return true;
}

bool RequestBook::is_cancelled(std::uint64_t batch) const {
  const std::lock_guard lock(mutex_);
  const BatchEntry* const entry = table_.find(batch);
  return entry != nullptr && entry->is_cancelled;
}

std::uint64_t RequestBook::ends() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::uint64_t RequestBook::remembered_ends() const {
  const std::lock_guard lock(mutex_);
  return remembered_;
}

void RequestBook::run() {
  auto forget_at = Clock::now() + options_.forget_every;
  auto write_at = Clock::time_point::max();  // again, when the disk has refused
  std::unique_lock lock(mutex_);
  while (true) {
    has_work_.wait_until(lock, std::min(forget_at, write_at), [&] {
      const bool is_news = write_at == Clock::time_point::max() && !write_fault_.empty();
      return !arrived_.empty() || is_stopping_ || is_news;
    });
    const bool is_last = is_stopping_;
    std::vector<Path> arrived = std::exchange(arrived_, {});
    lock.unlock();
    write_and_show(std::move(arrived));
    if (Clock::now() >= forget_at && !is_last) {
      forget();
      forget_at = Clock::now() + options_.forget_every;
    }
    lock.lock();
    write_at = write_fault_.empty() ? Clock::time_point::max() : Clock::now() + kWriteAgain;
    if (is_last && arrived_.empty()) return;
  }
}

// Nobody waits for the disk longer than for one write of all that came meanwhile.
void RequestBook::write_and_show(std::vector<Path> arrived) {
  for (const Path& path : arrived) journal_->end(*path, options_.now_us());
  look_for_room();
  note_outcome(journal_->sync());
  std::unordered_map<std::uint64_t, storage::RecordPlace> places;
  for (const EndedRecord& record : journal_->take_written()) places[record.id] = record.place;
  const std::uint64_t now_us = options_.now_us();
  std::vector<std::shared_ptr<Waiting>> wake;
  {
    const std::lock_guard lock(mutex_);
    remembered_ += places.size();  // they are written in the order of end()
    for (Path& path : arrived) {
      const auto place = places.find(path->id);
      ShownEnd end{path->id, {}, nullptr};
      if (place != places.end()) {
        end.place = place->second;
        places.erase(place);
      } else {
        end.path = path;
        unwritten_[path->id] = path->batch;
      }
      table_.show(path->batch, std::move(end), path->label, now_us);
      ++shown_;
      const auto waiting = waiting_.find(path->batch);
      if (waiting != waiting_.end()) wake.push_back(waiting->second);
    }
    for (const auto& [id, place] : places) {
      const auto batch = unwritten_.find(id);
      if (batch == unwritten_.end()) continue;
      table_.move_to_disk(batch->second, id, place);
      unwritten_.erase(batch);
    }
  }
  for (const auto& one : wake) one->more.notify_all();
  has_shown_.notify_all();
}

// A disk that has refused shows that it takes something again only by taking it: a record that
// cancels nothing.
void RequestBook::look_for_room() {
  bool has_refused = false;
  {
    const std::lock_guard lock(mutex_);
    has_refused = !write_fault_.empty();
  }
  if (has_refused && journal_->kept() == 0) journal_->cancel(kNoBatch, options_.now_us());
}

void RequestBook::note_outcome(const Expected<void>& outcome) {
  const std::lock_guard in_turn(outcome_mutex_);
  std::string sentence;
  {
    const std::lock_guard lock(mutex_);
    const bool was_fault = !write_fault_.empty();
    write_fault_ = outcome ? "" : outcome.error().sentence;
    if (!outcome) has_work_.notify_one();  // it is tried again
    if (was_fault == !outcome) return;
    sentence = outcome ? "the journal is written again" : write_fault_;
  }
  if (options_.tell) options_.tell(sentence, !outcome);
}

void RequestBook::forget() {
  const std::uint64_t now_us = options_.now_us();
  const auto keep_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(options_.keep).count());
  std::vector<std::uint64_t> gone;
  {
    const std::lock_guard lock(mutex_);
    gone = table_.forget_complete(now_us, keep_us);
  }
  // What cannot be freed or looked at now is looked at again the next time.
  (void)journal_->forget(gone);
  while (journal_->bytes().value_or(0) > options_.keep_bytes) {
    const auto oldest = journal_->oldest();
    if (!oldest || oldest->empty()) return;
    {
      const std::lock_guard lock(mutex_);
      gone = table_.forget(*oldest);
    }
    const bool frees = gone.size() == oldest->size();
    if (!journal_->forget(gone) || !frees) return;
  }
}

std::optional<BatchProgress> RequestBook::look(std::uint64_t batch, std::size_t first) const {
  BatchProgress progress;
  std::vector<BatchTable::Labelled> ends;
  {
    const std::lock_guard lock(mutex_);
    const BatchEntry* const entry = table_.find(batch);
    if (entry == nullptr) return std::nullopt;
    progress.batch = batch;
    progress.user = table_.user_of(*entry);
    progress.total = entry->total;
    progress.is_complete = entry->is_complete();
    progress.is_stopping = is_waiting_over_;
    progress.open = table_.open_of(batch);
    for (std::size_t i = first; i < entry->ends.size(); ++i) {
      ends.push_back({batch, entry->ends[i]});
    }
  }
  progress.ended = read(ends);
  return progress;
}

std::optional<BatchProgress> RequestBook::progress(std::uint64_t batch, std::size_t first) const {
  return look(batch, first);
}

std::optional<BatchProgress> RequestBook::wait_for_more(std::uint64_t batch, std::size_t first,
                                                        std::chrono::milliseconds patience) const {
  {
    std::unique_lock lock(mutex_);
    const auto is_enough = [&] {
      const BatchEntry* const entry = table_.find(batch);
      return is_waiting_over_ || entry == nullptr || entry->ends.size() > first ||
             entry->is_complete();
    };
    if (!is_enough()) {
      std::shared_ptr<Waiting> waiting = waiting_[batch];
      if (waiting == nullptr) waiting_[batch] = waiting = std::make_shared<Waiting>();
      ++waiting->waiters;
      waiting->more.wait_for(lock, patience, is_enough);
      if (--waiting->waiters == 0) waiting_.erase(batch);
    }
  }
  return look(batch, first);
}

std::vector<ReversePath> RequestBook::read(const std::vector<BatchTable::Labelled>& ends) const {
  std::vector<storage::RecordPlace> places;
  for (const auto& [batch, end] : ends) {
    if (end.path == nullptr) places.push_back(end.place);
  }
  auto paths = journal_->read(places);
  auto next = paths.begin();
  std::vector<ReversePath> read;
  read.reserve(ends.size());
  for (const auto& [batch, end] : ends) {
    if (end.path != nullptr) {
      read.push_back(*end.path);
      continue;
    }
    Expected<ReversePath>& path = *next++;
    if (path) {
      read.push_back(std::move(*path));
    } else {  // it has ended, and how cannot be had any more
      Request request;
      request.id = end.id;
      request.batch = batch;
      read.push_back(ended_as(request, FailReason::kLost, 0));
      read.back().fail_detail = path.error().sentence;
    }
  }
  return read;
}

std::vector<ReversePath> RequestBook::with_label(const std::string& user, const std::string& label,
                                                 std::size_t most) const {
  std::vector<BatchTable::Labelled> ends;
  {
    const std::lock_guard lock(mutex_);
    ends = table_.with_label(user, label, most);
  }
  return read(ends);
}

Service::Usage RequestBook::usage(const std::string& user) const {
  const std::lock_guard lock(mutex_);
  return table_.usage(user, options_.now_us());
}

std::vector<std::uint64_t> RequestBook::open_of(std::uint64_t batch) const {
  const std::lock_guard lock(mutex_);
  return table_.open_of(batch);
}

std::uint64_t RequestBook::under_way() const {
  const std::lock_guard lock(mutex_);
  return table_.under_way();
}

void RequestBook::stop_waiting() {
  const std::lock_guard lock(mutex_);
  is_waiting_over_ = true;
  for (const auto& [batch, waiting] : waiting_) waiting->more.notify_all();
}

void RequestBook::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = ended_;
  has_work_.notify_one();
  has_shown_.wait(lock, [&] { return shown_ >= wanted; });
}

BookHealth RequestBook::health() const {
  const std::uint64_t bytes = journal_->bytes().value_or(0);
  const std::lock_guard lock(mutex_);
  BookHealth health = counts_;
  health.bytes = bytes;
  health.why_not_writable = write_fault_;
  health.under_way = table_.under_way();
  health.batches = table_.size();
  health.unwritten = unwritten_.size();
  return health;
}

}  // namespace backsight::controller
