#include "controller/journal/request_book.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include "controller/json/path_json.h"
#include "controller/request_numbers.h"

namespace backsight::controller {

namespace {

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
    table_.show(record.batch, {record.id, record.place}, record.label, record.unix_us);
    open_.erase(record.id);
  }
  void cancelled(const JournalHead& head) override { table_.cancel(head.batch); }

  // Accepted and not ended, in order.
  std::map<std::uint64_t, Request> take_open() { return std::move(open_); }
  [[nodiscard]] std::uint64_t last_id() const { return last_id_; }
  void report_strays(const std::string& directory) {
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
                                                const BookFolders& folders, BookOptions options) {
  if (auto made = files.make_directories(folders.numbers); !made) {
    return tl::unexpected(made.error());
  }
  const auto earlier = storage::list_segments(files, folders.numbers);
  if (!earlier) return tl::unexpected(earlier.error());
  if (folders.numbers != folders.journal && !earlier->empty()) {
    return run_failed(fmt::format(
        "{0}: holds requests of an earlier version, which this one does not read; start that "
        "version, let end what is under way, stop it, and remove {0}/*.log",
        folders.numbers));
  }
  Opened opened;
  opened.book.reset(new RequestBook(std::move(options)));
  RequestBook& book = *opened.book;
  BookReplay replay(book.table_, opened.complaints);
  auto journal =
      Journal::open(files, folders.journal, book.options_.journal, &replay, opened.complaints);
  if (!journal) return tl::unexpected(journal.error());
  book.journal_ = std::move(*journal);
  replay.report_strays(folders.journal);
  auto ids = IdSource::open(files, folders.numbers, "ids", replay.last_id() / 2 + 1);
  if (!ids) return tl::unexpected(ids.error());
  book.ids_ = std::move(*ids);
  book.start();
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
  stops_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// Signals are the main thread's.
void RequestBook::start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void RequestBook::run() {
  std::unique_lock lock(mutex_);
  while (!stops_.wait_for(lock, options_.forget_every, [this] { return is_stopping_; })) {
    lock.unlock();
    forget();
    try_numbers_again();
    lock.lock();
  }
}

Expected<std::uint64_t> RequestBook::take_numbers(std::uint64_t count) {
  const std::lock_guard lock(ids_mutex_);
  auto taken = ids_->take(count);
  std::string fault = taken ? "" : taken.error().sentence;
  const bool is_news = fault.empty() != ids_fault_.empty();
  ids_fault_ = std::move(fault);
  if (is_news && options_.journal.tell) {
    options_.journal.tell(taken ? "requests can be numbered again" : ids_fault_, !taken);
  }
  return taken;
}

// Nobody may come whose request would try it.
void RequestBook::try_numbers_again() {
  {
    const std::lock_guard lock(ids_mutex_);
    if (ids_fault_.empty()) return;
  }
  static_cast<void>(take_numbers(1).has_value());
}

Expected<std::uint64_t> RequestBook::accept(std::vector<Request>& requests) {
  const auto taken = take_numbers(requests.size());
  const std::uint64_t first = 2 * taken.value_or(0);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].id = request_number(first, i);
    requests[i].batch = first;
  }
  const std::uint64_t now_us = options_.now_us();
  Expected<void> written;
  if (taken) {
    written = journal_->accept(requests, now_us);
  } else {
    written = tl::unexpected(taken.error());
  }
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

void RequestBook::show(std::span<const EndedRecord> ended) {
  std::vector<std::shared_ptr<Waiting>> wake;
  {
    const std::lock_guard lock(mutex_);
    for (const EndedRecord& it : ended) {
      if (!table_.claim_end(it.batch, it.id)) continue;
      ++counts_.ended;
      ++counts_.runtimes[runtime_class(it.runtime_us)];
      counts_.runtime_us += it.runtime_us;
      table_.show(it.batch, {it.id, it.place}, it.label, it.unix_us);
      const auto waiting = waiting_.find(it.batch);
      if (waiting != waiting_.end()) wake.push_back(waiting->second);
    }
  }
  for (const auto& one : wake) one->more.notify_all();
}

Expected<bool> RequestBook::cancel(std::uint64_t batch) {
  {
    const std::lock_guard lock(mutex_);
    if (!table_.cancel(batch)) return false;
  }
  journal_->cancel(batch, options_.now_us());
  const auto written = journal_->sync();  // where that fails it is kept, and tried again
  if (!written) return tl::unexpected(written.error());
  return true;
}

bool RequestBook::is_cancelled(std::uint64_t batch) const {
  const std::lock_guard lock(mutex_);
  const BatchEntry* const entry = table_.find(batch);
  return entry != nullptr && entry->is_cancelled;
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

std::vector<EndedPath> RequestBook::read(const std::vector<BatchTable::Labelled>& ends) const {
  std::vector<storage::RecordPlace> places;
  places.reserve(ends.size());
  for (const auto& [batch, end] : ends) places.push_back(end.place);
  auto shown = journal_->read(places);
  std::vector<EndedPath> read;
  read.reserve(ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto& [batch, end] = ends[i];
    if (!shown[i]) {  // it has ended, and how cannot be had any more
      Request request;
      request.id = end.id;
      request.batch = batch;
      ReversePath lost = ended_as(request, FailReason::kLost, 0);
      lost.fail_detail = shown[i].error().sentence;
      shown[i] = to_listed_json(lost, {});
    }
    read.push_back({end.id, std::move(*shown[i])});
  }
  return read;
}

std::vector<EndedPath> RequestBook::with_label(const std::string& user, const std::string& label,
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

BookHealth RequestBook::health() const {
  const std::uint64_t bytes = journal_->bytes().value_or(0);
  std::string ids_fault;
  {
    const std::lock_guard lock(ids_mutex_);
    ids_fault = ids_fault_;
  }
  const std::lock_guard lock(mutex_);
  BookHealth health = counts_;
  health.bytes = bytes;
  health.why_not_writable = journal_->why_not_writable();
  if (health.why_not_writable.empty()) health.why_not_writable = std::move(ids_fault);
  health.under_way = table_.under_way();
  health.batches = table_.size();
  health.unwritten = journal_->waiting().ends;
  return health;
}

}  // namespace backsight::controller
