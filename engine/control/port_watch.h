// Watches the links and interfaces of the ports: holds a port while it cannot be used, opens it
// anew where that is needed, and tells the operator when it begins and when it ends.
//
// A thread of its own looks when Linux tells of a change, and twenty times a second.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/error.h"
#include "daemon/trouble.h"
#include "engine/device/interface.h"
#include "engine/device/link_judge.h"
#include "engine/device/port.h"

namespace backsight::engine {

class PortWatch {
 public:
  // Looks once, and holds what cannot be used. The ports outlive this.
  [[nodiscard]] static Expected<std::unique_ptr<PortWatch>> open(
      const std::vector<std::unique_ptr<Port>>& ports);
  PortWatch(const PortWatch&) = delete;
  PortWatch& operator=(const PortWatch&) = delete;
  ~PortWatch();

  // Begins to watch. REQUIRES: the ports' workers run, until this is gone.
  void start();

  // What keeps the port with this number from being used, a sentence; empty: nothing. Thread: any.
  [[nodiscard]] std::string trouble(std::size_t port) const {
    return watched_[port]->trouble.sentence();
  }

 private:
  using Clock = LinkJudge::Clock;
  struct Watched {
    Watched(Port& port, daemon::Teller& tell);
    Port& port;
    LinkJudge judge;
    daemon::Trouble trouble;
    Clock::time_point reopen_again;  // not before
  };

  explicit PortWatch(Interfaces interfaces);
  void run();
  // Returns false if it has to look again soon.
  bool look(Watched& watched, Clock::time_point now);
  bool go_on(Watched& watched, const LinkJudge::Ruling& ruling, Clock::time_point now);

  Interfaces interfaces_;
  daemon::Teller tell_;
  std::vector<std::unique_ptr<Watched>> watched_;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace backsight::engine
