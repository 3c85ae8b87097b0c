// cpp-httplib's server within bounds: no client can use the process up, by bytes, by time or by
// number. Included by those few .cc that serve HTTP, and by no header.
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "config/error.h"

namespace backsight::daemon {

struct HttpBounds {
  std::size_t head_bytes = 8192;              // of a request up to its body
  std::chrono::milliseconds head_time{2000};  // from the first look at it to its last byte
  std::size_t body_bytes = 0;                 // of one that was let in
  std::chrono::milliseconds body_time{2000};
  std::chrono::milliseconds answer_time{2000};  // from the first byte of the answer to the last
  std::chrono::milliseconds idle_time{2000};    // in which the client must take something
  std::size_t connections = 16;                 // open at once; the others wait in the kernel
  std::size_t threads = 2;                      // requests answered at once
};

// A connection of one request. Thread: the one that answers it.
class BoundedStream final : public httplib::Stream {
 public:
  BoundedStream(int socket, const HttpBounds& bounds, const std::atomic<bool>& is_stopping);
  BoundedStream(const BoundedStream&) = delete;
  BoundedStream& operator=(const BoundedStream&) = delete;
  ~BoundedStream() override;

  // That of the request which this thread answers.
  [[nodiscard]] static BoundedStream& current();
  // The request was let in: its body may come.
  void let_body_in();
  // The answer may take as long as it likes, while the client takes what there is.
  void keep_open() { is_kept_open_ = true; }
  // True once the client has gone for good.
  [[nodiscard]] bool is_broken() const;
  // Lets the client read the answer, though it may still be sending, before the end.
  void linger() const;

  [[nodiscard]] bool is_readable() const override;
  [[nodiscard]] bool is_writable() const override;
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  // Nobody asks who it is.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] bool wait(short events, Clock::time_point until) const;

  const int socket_;
  const HttpBounds& bounds_;
  const std::atomic<bool>& is_stopping_;
  Clock::time_point read_until_;
  Clock::time_point write_until_ = Clock::time_point::max();
  std::size_t may_take_;
  bool has_written_ = false;
  bool is_kept_open_ = false;
  std::array<char, 4096> buffer_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;
};

// Answers one request a connection in threads that come and go with the work. Whoever makes it sets
// handlers first, then start(); it ends with close().
class BoundedServer : public httplib::Server {
 public:
  // `listen` and `key` as of open_listener().
  BoundedServer(HttpBounds bounds, std::string listen, std::string key, std::string other);
  ~BoundedServer() override;

  [[nodiscard]] Expected<void> start();
  // At once; requests under way are dropped.
  void close();
  [[nodiscard]] bool is_stopping() const { return is_stopping_; }

 private:
  bool process_and_close_socket(socket_t socket) override;
  void serve();
  void close_listener();

  const HttpBounds bounds_;
  const std::string listen_;
  const std::string key_;
  const std::string other_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> has_ended_{true};
  std::thread thread_;
};

}  // namespace backsight::daemon
