// What the parts of one worker look at together.
// Thread: the worker.
#pragma once

#include <cstdint>
#include <span>

#include "engine/device/neighbours.h"
#include "engine/device/queue_pair.h"
#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/messages.h"
#include "probes/ip/address.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

// A port as the worker sees it: all but the queue pair changes with the port's eras only.
struct Lane {
  Neighbours& neighbours;
  QueuePair queue = {};
  probes::MacAddr mac = {};  // ours
  bool shares_mac = false;   // Port::shares_mac()
  bool answers = true;       // ARP and echo requests to the port's address: we do
  bool is_held = false;      // the port is not touched
  std::uint32_t era = 0;     // of the port, when it was last looked at
  Tsc held_since = {};
  // A probe that left before cannot count on a reply: the port was, or is, held since.
  Tsc interrupted_until = {};
};

// Each part keeps a copy; what it names outlives them.
struct Surroundings {
  const TscClock& clock;
  std::uint16_t vp_id;
  const TagKeys& keys;                          // in force
  std::span<Lane> lanes;                        // one a port
  std::span<const probes::Ipv4Addr> addresses;  // of the ports
  WorkerCounters& counters;
};

}  // namespace backsight::engine
