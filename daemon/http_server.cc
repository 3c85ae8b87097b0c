#include "daemon/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <semaphore>
#include <thread>
#include <utility>

#include "daemon/listener.h"

namespace backsight::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kKey = "metrics.listen";
constexpr const char* kOther = "\"off\"";
constexpr std::size_t kMaxRequestBytes = 8192;
constexpr auto kRequestTime = 2s;    // from its first look to the last byte of the answer
constexpr auto kStopLook = 100ms;    // how soon a slow client notices that we stop
constexpr std::size_t kThreads = 2;  // a scrape must not keep a health check waiting
constexpr std::ptrdiff_t kMaxConnections = 16;  // open at once, waiting ones included
constexpr auto kListenAgain = 1s;

// A connection that ends: after so many bytes, after so much time, or when we stop.
class BoundedStream final : public httplib::Stream {
 public:
  BoundedStream(int socket, const std::atomic<bool>& is_stopping)
      : socket_(socket), is_stopping_(is_stopping), ends_(Clock::now() + kRequestTime) {}

  [[nodiscard]] bool is_readable() const override { return at_ < filled_ || wait(POLLIN); }
  [[nodiscard]] bool is_writable() const override { return wait(POLLOUT); }

  ssize_t read(char* to, std::size_t size) override {
    if (at_ == filled_) {
      if (taken_ == kMaxRequestBytes || !wait(POLLIN)) return -1;
      const std::size_t room = std::min(buffer_.size(), kMaxRequestBytes - taken_);
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

  ssize_t write(const char* from, std::size_t size) override {
    if (!wait(POLLOUT)) return -1;
    return send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  // Nobody asks who it is.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  [[nodiscard]] bool wait(short events) const {
    pollfd ready{socket_, events, 0};
    while (!is_stopping_ && Clock::now() < ends_) {
      const int count = poll(&ready, 1, static_cast<int>(kStopLook / 1ms));
      if (count > 0) return true;
      if (count < 0 && errno != EINTR) return false;
    }
    return false;
  }

  const int socket_;
  const std::atomic<bool>& is_stopping_;
  const Clock::time_point ends_;
  std::array<char, 1024> buffer_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;
};

// Accepts no more connections than may be open: the others wait in the kernel.
class FewAtOnce final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> job) override {
    room_.acquire();
    threads_.enqueue([this, job = std::move(job)] {
      job();
      room_.release();
    });
  }
  void shutdown() override { threads_.shutdown(); }

 private:
  std::counting_semaphore<kMaxConnections> room_{kMaxConnections};
  httplib::ThreadPool threads_{kThreads};
};

// httplib's server with a socket of ours, one bounded request a connection.
class BoundedServer final : public httplib::Server {
 public:
  explicit BoundedServer(const std::atomic<bool>& is_stopping) : is_stopping_(is_stopping) {
    new_task_queue = [] { return new FewAtOnce; };
  }
  void adopt(int socket) { svr_sock_ = socket; }
  // Server::stop() does nothing before the server runs; this always wakes it.
  void close_listener() {
    const int socket = svr_sock_.exchange(INVALID_SOCKET);
    if (socket == INVALID_SOCKET) return;
    shutdown(socket, SHUT_RDWR);
    close(socket);
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    BoundedStream stream(socket, is_stopping_);
    bool is_closed = false;
    // A part of a page is never worth what many overlapping ones would cost.
    const bool did = process_request(stream, true, is_closed,
                                     [](httplib::Request& request) { request.ranges.clear(); });
    shutdown(socket, SHUT_RDWR);
    close(socket);
    return did;
  }

  const std::atomic<bool>& is_stopping_;
};

class BoundedHttpServer final : public HttpServer {
 public:
  BoundedHttpServer(std::string listen_on, int socket, Answer answer)
      : listen_on_(std::move(listen_on)), answer_(std::move(answer)), server_(is_stopping_) {
    using Handled = httplib::Server::HandlerResponse;
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          respond(request, response);
          return Handled::Handled;
        });
    server_.adopt(socket);
    // Signals are the main thread's: one of these would end accept().
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  BoundedHttpServer(const BoundedHttpServer&) = delete;
  BoundedHttpServer& operator=(const BoundedHttpServer&) = delete;
  ~BoundedHttpServer() override {
    is_stopping_ = true;
    while (!has_ended_) {
      server_.close_listener();
      std::this_thread::sleep_for(1ms);
    }
    thread_.join();
  }

 private:
  // A failed accept (no descriptors left) ends httplib's loop: it is begun anew.
  void serve() {
    while (!is_stopping_) {
      server_.listen_after_bind();
      if (is_stopping_) break;
      std::this_thread::sleep_for(kListenAgain);
      const auto socket = open_listener(listen_on_, kKey, kOther);
      if (socket) {
        server_.adopt(*socket);
      } else {
        spdlog::warn("{}", socket.error().sentence);
      }
    }
    server_.close_listener();
    has_ended_ = true;
  }

  void respond(const httplib::Request& request, httplib::Response& response) const {
    if (request.method != "GET" && request.method != "HEAD") {
      response.status = 405;
      response.set_header("Allow", "GET, HEAD");
      response.set_content("Only GET and HEAD are answered here.\n", kPlainText);
      return;
    }
    const HttpReply reply = answer_(request.path);
    response.status = reply.status;
    response.set_content(reply.body, reply.content_type);
  }

  const std::string listen_on_;
  const Answer answer_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> has_ended_{false};
  BoundedServer server_;
  std::thread thread_;
};

}  // namespace

Expected<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& listen, Answer answer) {
  const auto socket = open_listener(listen, kKey, kOther);
  if (!socket) return tl::unexpected(socket.error());
  return std::make_unique<BoundedHttpServer>(listen, *socket, std::move(answer));
}

}  // namespace backsight::daemon
