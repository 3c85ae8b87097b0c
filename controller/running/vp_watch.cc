#include "controller/running/vp_watch.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <set>
#include <utility>

#include "queue/access.h"

namespace backsight::controller {

namespace {

constexpr std::chrono::milliseconds kLook{500};

}  // namespace

VpWatch::VpWatch(queue::QueueAddress address, Inbox& inbox)
    : address_(std::move(address)), inbox_(inbox), thread_([this] { run(); }) {}

VpWatch::~VpWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::string VpWatch::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void VpWatch::tell_trouble(const std::string& sentence) {
  const std::lock_guard lock(mutex_);
  if (sentence == trouble_) return;
  if (sentence.empty()) {
    spdlog::info("vantage points are seen again");
  } else {
    spdlog::warn("{}; trying again", sentence);
  }
  trouble_ = sentence;
}

void VpWatch::run() {
  std::unique_ptr<queue::QueueAccess> access;
  std::set<std::string> unreadable;
  const auto look = [&]() -> Expected<void> {
    if (!access) {
      auto opened = queue::open_queue(address_);
      if (!opened) return tl::unexpected(opened.error());
      access = std::move(*opened);
    }
    const auto names = access->list_vps();
    if (!names) return tl::unexpected(names.error());
    std::vector<Announcement> heard;
    for (const std::string& name : *names) {
      const auto text = access->read_status(name);
      if (!text) return tl::unexpected(text.error());
      if (text->empty()) continue;
      auto said = parse_announcement(*text);
      if (said && said->name == name) {
        heard.push_back(std::move(*said));
      } else if (unreadable.insert(name).second) {
        spdlog::warn("{}: what it announces cannot be read; is it of another version?", name);
      }
    }
    if (!heard.empty()) {
      inbox_.add([&](Inbound& in) {
        in.announcements.insert(in.announcements.end(), heard.begin(), heard.end());
      });
    }
    return {};
  };
  for (;;) {
    const auto looked = look();
    tell_trouble(looked ? "" : looked.error().sentence);
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kLook, [&] { return is_stopping_; })) return;
  }
}

}  // namespace backsight::controller
