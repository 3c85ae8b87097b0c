// The sending half of a worker: what was chosen is crafted, filed in flight, and offered to its
// port until the port accepts it, or for as long as it may.
// Thread: the worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/arp.h"
#include "engine/device/queue_pair.h"
#include "engine/device/tsc.h"
#include "engine/worker/ends.h"
#include "engine/worker/inflight.h"
#include "engine/worker/item.h"
#include "engine/worker/surroundings.h"
#include "probes/crafting/echo_burst.h"
#include "probes/crafting/templates.h"
#include "probes/identity/identity_burst.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::engine {

class Departure {
 public:
  // The others outlive this.
  Departure(const Surroundings& around, InflightRing& inflight, Ends& ends);

  // Offers what the ports did not accept before. True if they accepted any.
  bool flush() noexcept;
  // A port has not accepted what it was offered: nothing more may be chosen.
  [[nodiscard]] bool is_behind() const noexcept;

  // Takes a buffer for each probe that was chosen. Returns the set of ports (bit i: port i) that
  // have none for theirs.
  [[nodiscard]] std::uint64_t reserve(std::span<const Chosen> chosen) noexcept;
  // Writes the frames and files the probes: from then on they count as sent. Returns when.
  // REQUIRES: there are buffers, and slots in flight.
  Tsc craft(std::span<const Chosen> chosen) noexcept;
  // Offers what was crafted.
  void offer(Tsc filed) noexcept;

  // What waits for the ports, or for one, ends here.
  void give_up(tasks::Reason reason) noexcept;
  void give_up(std::size_t port, tasks::Reason reason) noexcept;
  // The port may have another MAC than before.
  void forget_mac(std::size_t port) noexcept { ports_[port].next_hop = 0; }

 private:
  // A probe that was crafted and waits for the port to accept it.
  struct Outgoing {
    std::uint32_t handle;
    std::uint32_t place;  // in flight; of a spoofed one: in OfPort::spoofed
    probes::Kind kind;
    bool is_spoofed;
  };
  struct OfPort {
    TxBurst burst;
    std::array<Outgoing, kBurst> outgoing;          // as many as the burst holds
    std::size_t outgoing_count = 0;                 // while they are filed
    std::array<tasks::QueuedTask, kBurst> spoofed;  // a spoofed probe is in flight nowhere
    std::uint32_t spoofed_count = 0;
    std::uint64_t next_hop = 0;  // the one in `ethernet`; 0: none
    std::array<std::byte, kEthernetBytes> ethernet{};
    Tsc stuck_since;
    bool is_stuck = false;
  };
  // What is computed for the probes of a burst together.
  struct Crafted {
    std::array<std::uint32_t, kBurst> handles;
    std::array<const probes::Template*, kBurst> shapes;
    bool are_alike;  // of one shape
    probes::TagBurst tag_words;
    probes::EchoBurst echoes;
  };

  void identify(std::span<const Chosen> chosen, Crafted& crafted) noexcept;
  void craft_on(std::size_t port, std::span<const Chosen> chosen, Crafted& crafted) noexcept;
  void craft_one(std::size_t index, const Chosen& chosen, Crafted& crafted) noexcept;
  void file(std::span<const Chosen> chosen, const Crafted& crafted, Tsc now) noexcept;
  bool offer_again(std::size_t port) noexcept;
  bool offer(std::size_t port, Tsc now) noexcept;
  void count_sent(const OfPort& port, std::size_t accepted, Tsc at) noexcept;

  const Surroundings around_;
  InflightRing& inflight_;
  Ends& ends_;
  const probes::Templates templates_;
  std::vector<OfPort> ports_;
  std::uint16_t next_ip_id_ = 0;
};

}  // namespace backsight::engine
