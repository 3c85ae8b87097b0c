// A wire between clients and the broker that can be cut or swallow everything.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace backsight::faults {

class Proxy {
 public:
  // Forwards from a port of its own on the loopback to `target`.
  explicit Proxy(int target);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  void cut() { cuts_ = true; }                     // every connection there is
  void swallow(bool is_on) { swallows_ = is_on; }  // nothing passes, nothing is said

 private:
  void run();

  int target_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<bool> ends_{false};
  std::atomic<bool> cuts_{false};
  std::atomic<bool> swallows_{false};
  std::thread thread_;
};

}  // namespace backsight::faults
