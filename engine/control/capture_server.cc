#include "engine/control/capture_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/wall_clock.h"
#include "engine/control/pcapng.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

constexpr int kLookMs = 20;    // how soon frames are fetched, and how soon we notice that we stop
constexpr auto kSlowest = 5s;  // a client that takes nothing for so long is left
constexpr mode_t kMode = 0660;
constexpr std::size_t kBurstFrames = 64;
constexpr std::size_t kBursts = 16;

std::string sentence(const std::string& path, const char* remedy) {
  return fmt::format("capture.socket: {}: {}; {}", path, std::strerror(errno), remedy);
}

// A socket whose owner has died is in the way of nobody.
bool is_left_over(const sockaddr_un& address) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  const bool is_dead = connect(probe, at, sizeof address) != 0 && errno == ECONNREFUSED;
  close(probe);
  return is_dead;
}

Expected<int> open_listener(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return bad_usage(fmt::format("capture.socket: {}: longer than {} characters", path,
                                 sizeof address.sun_path - 1));
  }
  path.copy(address.sun_path, path.size());
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  if (is_left_over(address)) unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Nobody can connect before listen(): by then the mode is right.
  if (listener >= 0 && bind(listener, at, sizeof address) == 0 && chmod(path.c_str(), kMode) == 0 &&
      listen(listener, 4) == 0) {
    return listener;
  }
  const std::string why =
      sentence(path, errno == EADDRINUSE ? "another process has it"
                                         : "write a path in a folder that we may write to");
  if (listener >= 0) close(listener);
  return bad_usage(why);
}

bool is_readable(int descriptor, int patience_ms) {
  pollfd ready{descriptor, POLLIN, 0};
  return poll(&ready, 1, patience_ms) > 0;
}

// The client says nothing but that he has enough, or is gone.
bool has_ended(int client) {
  std::array<char, 64> ignored;
  if (!is_readable(client, kLookMs)) return false;
  return recv(client, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0;
}

}  // namespace

CaptureServer::CaptureServer(const VantagePoint& vp, const std::string& version, int listener)
    : vp_(vp), version_(version), listener_(listener) {
  // Signals are the main thread's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Expected<std::unique_ptr<CaptureServer>> CaptureServer::start(const VantagePoint& vp,
                                                              const std::string& version) {
  const std::string path = vp.config().capture_socket.string();
  if (path.empty()) return nullptr;
  const auto listener = open_listener(path);
  if (!listener) return tl::unexpected(listener.error());
  return std::unique_ptr<CaptureServer>(new CaptureServer(vp, version, *listener));
}

CaptureServer::~CaptureServer() {
  is_stopping_ = true;
  thread_.join();
  close(listener_);
  unlink(vp_.config().capture_socket.c_str());
}

void CaptureServer::serve() {
  while (!is_stopping_) {
    if (!is_readable(listener_, kLookMs * 5)) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) continue;
    spdlog::info("capture: begins");
    capture(client);
    close(client);
    std::uint64_t frames = 0;
    for (const std::uint64_t count : sent_) frames += count;
    spdlog::info("capture: ends, {} frames", frames);
  }
}

void CaptureServer::capture(int client) {
  sent_.assign(vp_.ports().size(), 0);
  forget_frames();
  const std::uint64_t missed_before = missed();
  if (!send_all(client, head())) return;
  for (const auto& worker : vp_.workers()) worker->tap().turn(true);
  bool is_taken = true;
  while (is_taken && !is_stopping_ && !has_ended(client)) {
    refuse_others();
    is_taken = send_frames(client);
  }
  for (const auto& worker : vp_.workers()) worker->tap().turn(false);
  is_taken = send_frames(client) && is_taken;
  for (std::uint32_t i = 0; i < sent_.size() && is_taken; ++i) {
    // A worker does not tell of which port it left frames out: they stand with the first.
    const std::uint64_t dropped = i == 0 ? missed() - missed_before : 0;
    is_taken = send_all(client, pcapng_statistics(i, unix_ns(), sent_[i] + dropped, dropped));
  }
}

std::string CaptureServer::head() const {
  std::string bytes = pcapng_section(fmt::format("backsight-vp {}", version_));
  for (const auto& port : vp_.ports()) {
    bytes += pcapng_interface(
        device_name(port->config().device),
        fmt::format("{} {}", vp_.config().name, probes::to_string(port->config().address)),
        TappedFrame::kMaxBytes);
  }
  return bytes;
}

bool CaptureServer::send_frames(int client) {
  std::array<TappedFrame, kBurstFrames> frames;
  for (std::size_t i = 0; i < vp_.workers().size(); ++i) {
    // No more than a ring full: between, we look whether the client has enough.
    std::size_t count = frames.size();
    for (std::size_t burst = 0; burst < kBursts && count == frames.size(); ++burst) {
      count = vp_.workers()[i]->tap().pop(frames);
      std::string bytes;
      for (const TappedFrame& frame : std::span(frames).first(count)) {
        ++sent_[frame.port];
        bytes += pcapng_packet({.interface = frame.port,
                                .unix_ns = vp_.clock().to_unix_ns(frame.arrived),
                                .length = frame.length,
                                .bytes = frame.kept(),
                                .comment = fmt::format("{}, worker {}", frame.fate.text(), i)});
      }
      if (!send_all(client, bytes)) return false;
    }
  }
  return true;
}

bool CaptureServer::send_all(int client, const std::string& bytes) const {
  const auto ends = std::chrono::steady_clock::now() + kSlowest;
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t put =
        send(client, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put >= 0) {
      at += static_cast<std::size_t>(put);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    if (is_stopping_ || std::chrono::steady_clock::now() > ends) return false;
    pollfd writable{client, POLLOUT, 0};
    poll(&writable, 1, kLookMs);
  }
  return true;
}

// What a worker copied while the last capture ended.
void CaptureServer::forget_frames() const {
  std::array<TappedFrame, kBurstFrames> frames;
  for (const auto& worker : vp_.workers()) {
    while (worker->tap().pop(frames) != 0) continue;
  }
}

void CaptureServer::refuse_others() const {
  const int other = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (other >= 0) close(other);
}

std::uint64_t CaptureServer::missed() const {
  std::uint64_t total = 0;
  for (const auto& worker : vp_.workers()) total += worker->tap().missed();
  return total;
}

}  // namespace backsight::engine
