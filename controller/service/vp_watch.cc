#include "controller/service/vp_watch.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>
#include <vector>

#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kLook{500};
// A queue that takes longer for one look stands still.
constexpr std::chrono::milliseconds kStandstill{2500};

std::int64_t steady_ns() {
  return duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

VpWatch::VpWatch(OpenQueue open, Inbox& inbox)
    : open_(std::move(open)), inbox_(inbox), thread_([this] { run(); }) {}

VpWatch::~VpWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::string VpWatch::trouble() const {
  const std::int64_t since = busy_since_ns_.load(std::memory_order_relaxed);
  const bool stands_still = since != 0 && nanoseconds(steady_ns() - since) > kStandstill;
  const std::lock_guard lock(mutex_);
  if (stands_still && trouble_.empty()) {
    return "the queue does not answer when it is asked who is there";
  }
  return trouble_;
}

Expected<std::vector<RollCall::Read>> VpWatch::read_all() {
  if (!access_) {
    auto opened = open_();
    if (!opened) return tl::unexpected(opened.error());
    access_ = std::move(*opened);
  }
  const auto names = access_->list_vps();
  if (!names) return tl::unexpected(names.error());
  std::vector<RollCall::Read> all;
  for (const std::string& name : *names) {
    all.push_back({name, access_->read_status(name)});
    if (all.back().text) continue;
    // The queue's fault, or that of this one alone?
    if (const auto again = access_->list_vps(); !again) return tl::unexpected(again.error());
  }
  return all;
}

Expected<void> VpWatch::look() {
  auto all = read_all();
  if (!all) return tl::unexpected(all.error());
  const Now now{static_cast<SteadyNs>(steady_ns()), unix_us()};
  auto heard = roll_call_.look(*all, now);
  for (const std::string& it : roll_call_.take_complaints()) spdlog::warn("{}", it);
  left_out_ = roll_call_.left_out();
  inbox_.add([&](Inbound& in) {
    in.has_looked = true;
    in.announcements.insert(in.announcements.end(), heard.begin(), heard.end());
  });
  return {};
}

void VpWatch::run() {
  for (;;) {
    busy_since_ns_.store(steady_ns(), std::memory_order_relaxed);
    const auto looked = look();
    busy_since_ns_.store(0, std::memory_order_relaxed);
    std::unique_lock lock(mutex_);
    trouble_ = looked ? "" : looked.error().sentence;
    if (changed_.wait_for(lock, kLook, [&] { return is_stopping_; })) return;
  }
}

}  // namespace backsight::controller
