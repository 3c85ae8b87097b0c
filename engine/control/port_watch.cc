#include "engine/control/port_watch.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookInterval = 50ms;
constexpr auto kSoon = 2ms;
constexpr auto kReopenInterval = 1s;
// Linux lets go of a queue a while after its AF_XDP socket was closed.
constexpr auto kReleaseTime = 100ms;

}  // namespace

PortWatch::Watched::Watched(Port& watched_port, daemon::Teller& tell)
    : port(watched_port),
      judge(watched_port.traits()),
      trouble(tell, fmt::format("port {}: goes on", watched_port.config().device)) {}

PortWatch::PortWatch(Interfaces interfaces)
    : interfaces_(std::move(interfaces)),
      tell_([](const std::string& sentence) { spdlog::warn("{}", sentence); }) {}

Expected<std::unique_ptr<PortWatch>> PortWatch::open(
    const std::vector<std::unique_ptr<Port>>& ports) {
  auto interfaces = Interfaces::open();
  if (!interfaces) return tl::unexpected(interfaces.error());
  std::unique_ptr<PortWatch> watch(new PortWatch(std::move(*interfaces)));
  for (const auto& port : ports) {
    Watched& watched =
        *watch->watched_.emplace_back(std::make_unique<Watched>(*port, watch->tell_));
    if (const auto view = port->look(watch->interfaces_)) watched.judge.settle(*view);
    if (!port->is_open()) watched.judge.want_reopening();
    static_cast<void>(watch->look(watched, Clock::now()));
  }
  return watch;
}

PortWatch::~PortWatch() {
  is_over_.store(true, std::memory_order_relaxed);
  interfaces_.wake();
  if (thread_.joinable()) thread_.join();
}

void PortWatch::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "port-watch");
}

void PortWatch::run() {
  while (!is_over_.load(std::memory_order_relaxed)) {
    bool is_settled = true;
    for (const auto& watched : watched_) is_settled &= look(*watched, Clock::now());
    interfaces_.wait(is_settled ? std::chrono::milliseconds(kLookInterval) : kSoon);
  }
}

bool PortWatch::look(Watched& watched, Clock::time_point now) {
  const auto view = watched.port.look(interfaces_);
  if (!view) return true;
  const LinkJudge::Ruling ruling = watched.judge.judge(*view, now);
  if (ruling.verdict == LinkJudge::Verdict::kGood) return true;
  watched.port.hold();
  const bool is_hold = ruling.verdict == LinkJudge::Verdict::kHold;
  // What goes on soon keeps the sentence that it has: perhaps why it could not be opened.
  if (is_hold || watched.trouble.sentence().empty()) {
    watched.trouble.failed(fmt::format("port {}: {}", watched.port.config().device, ruling.why));
  }
  if (is_hold) return true;
  return go_on(watched, ruling, now);
}

// All is well again: the port is opened anew if it must, and its workers get it back.
bool PortWatch::go_on(Watched& watched, const LinkJudge::Ruling& ruling, Clock::time_point now) {
  if (!watched.port.is_free()) return false;
  const bool is_stale = ruling.verdict == LinkJudge::Verdict::kReopen;
  if (is_stale && watched.port.is_open()) {
    watched.port.close();
    watched.reopen_again = now + kReleaseTime;
  }
  if (!watched.port.is_open()) {
    if (now < watched.reopen_again) return true;
    if (const auto opened = watched.port.reopen(); !opened) {
      watched.reopen_again = now + kReopenInterval;
      watched.trouble.failed(opened.error().sentence);
      return true;
    }
  }
  const auto view = watched.port.look(interfaces_);
  if (!view) return true;
  watched.judge.settle(*view);
  watched.port.resume(*view);
  watched.trouble.worked();
  return true;
}

}  // namespace backsight::engine
