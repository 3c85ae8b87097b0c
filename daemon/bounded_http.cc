#include "daemon/bounded_http.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "daemon/listener.h"
#include "probes/assert.h"

namespace backsight::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopLook = 100ms;  // how soon a slow client notices that we stop
constexpr auto kListenAgain = 1s;
constexpr auto kIdleThread = 10s;
constexpr auto kLinger = 1s;
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;

thread_local BoundedStream* current_stream = nullptr;

// Threads that come when there is work and go when there is none for some time.
class ElasticThreads final : public httplib::TaskQueue {
 public:
  explicit ElasticThreads(const HttpBounds& bounds) : bounds_(bounds) {}

  // Waits while as many connections are open as may be: the others stay with the kernel.
  void enqueue(std::function<void()> job) override {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [this] { return open_ < bounds_.connections; });
    ++open_;
    jobs_.push_back(std::move(job));
    if (idle_ < jobs_.size() && threads_ < bounds_.threads) {
      ++threads_;
      std::thread([this] { work(); }).detach();
    }
    has_job_.notify_one();
  }

  void shutdown() override {
    std::unique_lock lock(mutex_);
    is_over_ = true;
    has_job_.notify_all();
    has_ended_.wait(lock, [this] { return threads_ == 0; });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      has_job_.wait_for(lock, kIdleThread, [this] { return !jobs_.empty() || is_over_; });
      --idle_;
      if (jobs_.empty()) break;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
      --open_;
      has_room_.notify_one();
    }
    // Nothing of this object is touched once the lock is gone.
    if (--threads_ == 0) has_ended_.notify_all();
  }

  const HttpBounds bounds_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::condition_variable has_job_;
  std::condition_variable has_ended_;
  std::deque<std::function<void()>> jobs_;
  std::size_t open_ = 0;  // jobs that wait or run
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool is_over_ = false;
};

}  // namespace

BoundedStream::BoundedStream(int socket, const HttpBounds& bounds,
                             const std::atomic<bool>& is_stopping)
    : socket_(socket),
      bounds_(bounds),
      is_stopping_(is_stopping),
      read_until_(Clock::now() + bounds.head_time),
      may_take_(bounds.head_bytes) {
  current_stream = this;
}

BoundedStream::~BoundedStream() { current_stream = nullptr; }

BoundedStream& BoundedStream::current() {
  BACKSIGHT_ASSERT(current_stream != nullptr);
  return *current_stream;
}

void BoundedStream::let_body_in() {
  read_until_ = Clock::now() + bounds_.body_time;
  may_take_ = taken_ + bounds_.body_bytes;
}

bool BoundedStream::is_readable() const { return at_ < filled_ || wait(POLLIN, read_until_); }

bool BoundedStream::is_writable() const { return wait(POLLOUT, Clock::now() + bounds_.idle_time); }

ssize_t BoundedStream::read(char* to, std::size_t size) {
  if (at_ == filled_) {
    if (taken_ >= may_take_ || !wait(POLLIN, read_until_)) return -1;
    const std::size_t room = std::min(buffer_.size(), may_take_ - taken_);
    const ssize_t count = recv(socket_, buffer_.data(), room, MSG_DONTWAIT);
    if (count <= 0) return count;
    at_ = 0;
    filled_ = static_cast<std::size_t>(count);
    taken_ += filled_;
  }
  const std::size_t count = std::min(size, filled_ - at_);
  std::memcpy(to, buffer_.data() + at_, count);
  at_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t BoundedStream::write(const char* from, std::size_t size) {
  const auto now = Clock::now();
  if (!std::exchange(has_written_, true)) write_until_ = now + bounds_.answer_time;
  if (is_kept_open_) write_until_ = Clock::time_point::max();
  if (!wait(POLLOUT, std::min(write_until_, now + bounds_.idle_time))) return -1;
  return send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool BoundedStream::wait(short events, Clock::time_point until) const {
  pollfd ready{socket_, events, 0};
  while (!is_stopping_ && Clock::now() < until) {
    const int count = poll(&ready, 1, static_cast<int>(kStopLook / 1ms));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
  return false;
}

bool BoundedStream::is_broken() const {
  pollfd ready{socket_, 0, 0};
  return poll(&ready, 1, 0) > 0 && (ready.revents & (POLLERR | POLLHUP)) != 0;
}

// Closing a socket with bytes that nobody has read resets the connection, and takes the answer with
// it.
void BoundedStream::linger() const {
  shutdown(socket_, SHUT_WR);
  const auto until = Clock::now() + kLinger;
  std::array<char, 4096> unread;
  for (std::size_t left = kLingerBytes; left > 0 && wait(POLLIN, until);) {
    const ssize_t count = recv(socket_, unread.data(), std::min(unread.size(), left), MSG_DONTWAIT);
    if (count <= 0) break;
    left -= static_cast<std::size_t>(count);
  }
}

BoundedServer::BoundedServer(HttpBounds bounds, std::string listen, std::string key,
                             std::string other)
    : bounds_(bounds), listen_(std::move(listen)), key_(std::move(key)), other_(std::move(other)) {
  new_task_queue = [this] { return new ElasticThreads(bounds_); };
}

BoundedServer::~BoundedServer() { close(); }

Expected<void> BoundedServer::start() {
  const auto socket = open_listener(listen_, key_, other_);
  if (!socket) return tl::unexpected(socket.error());
  svr_sock_ = *socket;
  has_ended_ = false;
  // Signals are the main thread's: one of these would end accept().
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

void BoundedServer::close() {
  is_stopping_ = true;
  while (!has_ended_) {
    close_listener();
    std::this_thread::sleep_for(1ms);
  }
  if (thread_.joinable()) thread_.join();
}

// Server::stop() does nothing before the server runs; this always wakes it.
void BoundedServer::close_listener() {
  const int socket = svr_sock_.exchange(INVALID_SOCKET);
  if (socket == INVALID_SOCKET) return;
  shutdown(socket, SHUT_RDWR);
  ::close(socket);
}

// A failed accept (no descriptors left) ends httplib's loop: it is begun anew.
void BoundedServer::serve() {
  while (!is_stopping_) {
    listen_after_bind();
    if (is_stopping_) break;
    std::this_thread::sleep_for(kListenAgain);
    const auto socket = open_listener(listen_, key_, other_);
    if (socket) {
      svr_sock_ = *socket;
    } else {
      spdlog::warn("{}", socket.error().sentence);
    }
  }
  close_listener();
  has_ended_ = true;
}

bool BoundedServer::process_and_close_socket(socket_t socket) {
  BoundedStream stream(socket, bounds_, is_stopping_);
  bool is_closed = false;
  const bool did = process_request(stream, true, is_closed, [](httplib::Request& request) {
    // A part of a page is never worth what many overlapping ones would cost; nor is its packing.
    request.ranges.clear();
    request.headers.erase("Accept-Encoding");
  });
  if (did) stream.linger();
  shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return did;
}

}  // namespace backsight::daemon
