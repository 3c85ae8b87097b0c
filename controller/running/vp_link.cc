#include "controller/running/vp_link.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace backsight::controller {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kRetry{1000};
constexpr milliseconds kCommitEvery{100};
// How often to look for results: often while some are due, seldom else.
constexpr milliseconds kBusyLook{1};
constexpr milliseconds kIdleLook{20};
constexpr milliseconds kBusyAfterPut{3000};
// Messages that may wait to become safe before no more are taken.
constexpr std::uint64_t kMostUnsafe = 64;

}  // namespace

VpLink::VpLink(queue::QueueAddress address, std::string vp, Inbox& inbox)
    : address_(std::move(address)), vp_(std::move(vp)), inbox_(inbox), thread_([this] { run(); }) {}

VpLink::~VpLink() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void VpLink::put(std::vector<queue::Task> tasks) {
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) {
      tasks_ = std::move(tasks);
    } else {
      tasks_.insert(tasks_.end(), tasks.begin(), tasks.end());
    }
  }
  changed_.notify_one();
}

std::string VpLink::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void VpLink::tell_trouble(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  if (sentence == trouble_) return;
  if (sentence.empty()) {
    spdlog::info("{}: its queue works again", vp_);
  } else {
    spdlog::warn("{}: {}; trying again", vp_, sentence);
  }
  trouble_ = sentence;
}

bool VpLink::put_waiting(queue::QueueAccess& access) {
  std::vector<queue::Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  if (tasks.empty()) return true;
  busy_until_ = Clock::now() + kBusyAfterPut;
  const auto done = access.put_tasks(vp_, tasks);
  if (done) return true;
  tell_trouble(done.error().sentence);
  const std::lock_guard lock(mutex_);
  tasks_.insert(tasks_.begin(), tasks.begin(), tasks.end());
  return false;
}

bool VpLink::take_results(queue::ResultSource& source) {
  while (handed_ - safe_.load(std::memory_order_acquire) < kMostUnsafe) {
    std::vector<std::string> complaints;
    auto stored = source.next(complaints);
    for (const std::string& it : complaints) spdlog::warn("{}: {}", vp_, it);
    if (!stored) {
      tell_trouble(stored.error().sentence);
      return false;
    }
    if (!*stored) break;
    ++handed_;
    inbox_.add([&](Inbound& in) { in.results.push_back({vp_, std::move((*stored)->message)}); });
  }
  return true;
}

// Commits name all that was taken: so it waits until all of that is safe.
void VpLink::commit(queue::ResultSource& source) {
  if (committed_ == handed_ || handed_ != safe_.load(std::memory_order_acquire)) return;
  const auto now = Clock::now();
  if (now < commit_at_) return;
  commit_at_ = now + kCommitEvery;
  if (const auto done = source.commit(); !done) {
    tell_trouble(done.error().sentence);
  } else {
    committed_ = handed_;
  }
}

void VpLink::run() {
  std::unique_ptr<queue::QueueAccess> access;
  std::unique_ptr<queue::ResultSource> source;
  const auto pause = [&](milliseconds time, bool wakes_for_tasks) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time,
                      [&] { return is_stopping_ || (wakes_for_tasks && !tasks_.empty()); });
    return is_stopping_;
  };
  for (;;) {
    if (!access) {
      auto opened = queue::open_queue(address_);
      if (!opened) {
        tell_trouble(opened.error().sentence);
        if (pause(kRetry, false)) return;
        continue;
      }
      access = std::move(*opened);
    }
    if (!source) {
      auto opened = access->open_source(vp_);
      if (!opened) {
        tell_trouble(opened.error().sentence);
        if (pause(kRetry, false)) return;
        continue;
      }
      source = std::move(*opened);
      handed_ = committed_ = safe_.load();
    }
    const bool works = put_waiting(*access) && take_results(*source);
    commit(*source);
    if (works) tell_trouble("");
    const bool is_busy = Clock::now() < busy_until_ || committed_ != handed_;
    if (pause(!works ? kRetry : is_busy ? kBusyLook : kIdleLook, works)) return;
  }
}

}  // namespace backsight::controller
