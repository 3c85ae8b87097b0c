#include "controller/service/vp_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace backsight::controller {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kRetry{1000};
constexpr milliseconds kCommitEvery{100};
// How often to look for results: often while some are due, seldom else.
constexpr milliseconds kBusyLook{1};
constexpr milliseconds kIdleLook{20};
constexpr milliseconds kExpectAfterPut{3000};
// A queue that takes longer for anything stands still.
constexpr milliseconds kStandstill{2000};
// Messages that may wait to become durable before no more are taken.
constexpr std::uint64_t kMostWaiting = 64;

std::int64_t steady_ns() {
  return duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

VpLink::VpLink(OpenQueue open, std::string vp, Inbox& inbox)
    : open_(std::move(open)), vp_(std::move(vp)), inbox_(inbox), thread_([this] { run(); }) {}

VpLink::~VpLink() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void VpLink::put(std::vector<tasks::Task> tasks) {
  {
    const std::lock_guard lock(mutex_);
    if (!state_.works) {
      state_.dropped += tasks.size();
      return;
    }
    if (tasks_.empty()) {
      tasks_ = std::move(tasks);
    } else {
      tasks_.insert(tasks_.end(), tasks.begin(), tasks.end());
    }
  }
  changed_.notify_one();
}

void VpLink::deny(const config::PrefixSet& denied) {
  const std::lock_guard lock(mutex_);
  denied_ = denied;
  std::erase_if(tasks_, [this](const tasks::Task& task) { return is_denied(task); });
}

bool VpLink::is_denied(const tasks::Task& task) const noexcept {
  return denied_.contains(task.dst) || (!task.src.is_unspecified() && denied_.contains(task.src));
}

VpLink::State VpLink::state() const {
  const std::int64_t since = busy_since_ns_.load(std::memory_order_relaxed);
  const bool stands_still = since != 0 && nanoseconds(steady_ns() - since) > kStandstill;
  const std::lock_guard lock(mutex_);
  State state = state_;
  if (stands_still && state.trouble.empty()) {
    state.works = false;
    state.trouble = fmt::format("the queue of {} does not answer", vp_);
  }
  return state;
}

// --- its own thread ------------------------------------------------------------------------------

void VpLink::run() {
  do {
    busy_since_ns_.store(steady_ns(), std::memory_order_relaxed);
    auto done = open();
    if (done) done = work();
    settle(done);
    busy_since_ns_.store(0, std::memory_order_relaxed);
    const bool is_expecting = Clock::now() < expects_until_ || committed_ != handed_;
    if (pause(!done ? kRetry : is_expecting ? kBusyLook : kIdleLook)) return;
  } while (true);
}

bool VpLink::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return is_stopping_ || !tasks_.empty(); });
  return is_stopping_;
}

void VpLink::settle(const Expected<void>& done) {
  std::string trouble = done ? source_->trouble() : done.error().sentence;
  const std::lock_guard lock(mutex_);
  state_.trouble = std::move(trouble);
  state_.works = state_.trouble.empty();
  if (!state_.works) state_.dropped += std::exchange(tasks_, {}).size();
}

Expected<void> VpLink::open() {
  if (!access_) {
    auto opened = open_();
    if (!opened) return tl::unexpected(opened.error());
    access_ = std::move(*opened);
  }
  if (!source_) {
    auto opened = access_->open_source(vp_);
    if (!opened) return tl::unexpected(opened.error());
    source_ = std::move(*opened);
    committed_ = handed_;  // what was not comes again
  }
  return {};
}

Expected<void> VpLink::work() {
  if (auto put = put_waiting(); !put) return put;
  if (auto taken = take_results(); !taken) {
    source_.reset();
    return taken;
  }
  return commit();
}

Expected<void> VpLink::put_waiting() {
  {
    const std::lock_guard lock(mutex_);
    if (trial_ && is_denied(*trial_)) trial_.reset();
  }
  if (trial_) {
    if (auto put = access_->put_tasks(vp_, {&*trial_, 1}); !put) return put;
    trial_.reset();
    expects_until_ = Clock::now() + kExpectAfterPut;
  }
  std::vector<tasks::Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  if (tasks.empty()) return {};
  expects_until_ = Clock::now() + kExpectAfterPut;
  auto put = access_->put_tasks(vp_, tasks);
  if (put) return put;
  trial_ = tasks.front();
  const std::lock_guard lock(mutex_);
  state_.dropped += tasks.size() - 1;
  return put;
}

Expected<void> VpLink::take_results() {
  while (handed_ - durable_.load(std::memory_order_acquire) < kMostWaiting) {
    std::vector<std::string> complaints;
    auto stored = source_->next(complaints);
    for (const std::string& it : complaints) spdlog::warn("{}: {}", vp_, it);
    if (!stored || !*stored) is_behind_.store(false, std::memory_order_release);
    if (!stored) return tl::unexpected(stored.error());
    if (!*stored) return {};
    ++handed_;
    inbox_.add([&](Inbound& in) { in.results.push_back({vp_, std::move((*stored)->message)}); });
  }
  is_behind_.store(true, std::memory_order_release);
  return {};
}

// Commits name all that was taken: so it waits until all of that is durable.
Expected<void> VpLink::commit() {
  if (committed_ == handed_ || handed_ != durable_.load(std::memory_order_acquire)) return {};
  const auto now = Clock::now();
  if (now < commit_at_) return {};
  commit_at_ = now + kCommitEvery;
  auto done = source_->commit();
  if (done) committed_ = handed_;
  return done;
}

}  // namespace backsight::controller
