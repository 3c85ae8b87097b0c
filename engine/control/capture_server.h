// Captures on demand: who connects to the socket (capture.socket) gets the frames that answered
// nothing, as pcapng, each with the name of the counter that moved for it, until he closes his
// half. One at a time; a second one is closed at once.
//
// Only who may write to the socket captures: its owner and its group (mode 0660).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "config/error.h"
#include "engine/control/vantage_point.h"

namespace backsight::engine {

class CaptureServer {
 public:
  // Listens on vp.config().capture_socket, from a thread of its own. `vp` outlives the server.
  [[nodiscard]] static Expected<std::unique_ptr<CaptureServer>> start(const VantagePoint& vp,
                                                                      const std::string& version);
  CaptureServer(const CaptureServer&) = delete;
  CaptureServer& operator=(const CaptureServer&) = delete;
  ~CaptureServer();

 private:
  CaptureServer(const VantagePoint& vp, const std::string& version, int listener);
  void serve();
  void capture(int client);
  [[nodiscard]] std::string head() const;
  // What the workers have copied by now. False: the client does not take it.
  [[nodiscard]] bool send_frames(int client);
  [[nodiscard]] bool send_all(int client, const std::string& bytes) const;
  void forget_frames() const;
  void refuse_others() const;
  [[nodiscard]] std::uint64_t missed() const;

  const VantagePoint& vp_;
  const std::string version_;
  const int listener_;
  std::vector<std::uint64_t> sent_;  // frames, a port each
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace backsight::engine
