// What the operator is told of the ports' neighbours: a gateway that is silent or moved, somebody
// with our own address, ARP that cannot be true.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/port.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

// Thread: control.
class NeighbourWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // The ports outlive it. A gateway has a second from now to answer before it is told.
  NeighbourWatch(std::span<const std::unique_ptr<Port>> ports, Clock::time_point now);

  // Tells what is new since the last look. To be called about once a second.
  void look(Clock::time_point now);

 private:
  struct Told {
    std::optional<probes::MacAddr> gateway;  // where it was found last
    bool is_known = false;
    Clock::time_point silent_at;  // when its silence was told
    std::optional<probes::MacAddr> rival;
    Clock::time_point rival_at;
    bool impossible = false;
  };
  static void look_at_gateway(const Port& port, Told& told, Clock::time_point now);
  static void look_at_claims(const Port& port, Told& told, Clock::time_point now);

  std::span<const std::unique_ptr<Port>> ports_;
  std::vector<Told> told_;  // one a port
};

}  // namespace backsight::engine
