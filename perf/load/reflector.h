// The network behind a ring port, at speed: it turns probes into replies in place. Written apart
// from probes/, which it tests: it knows the frames only by their offsets.
//
// What it can answer: echo requests without options, and with a Record Route option, which it fills
// with nine addresses; and any probe whose TTL is below `hops` with a time exceeded that quotes it.
// Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "perf/load/rig.h"
#include "probes/ip/address.h"

struct rte_mbuf;
struct rte_mempool;

namespace backsight::perf {

// Shares of what goes wrong, of 65536 each; independent draws.
struct Faults {
  std::uint32_t lost = 0;
  std::uint32_t doubled = 0;
  std::uint32_t late = 0;       // held back until after the time-out
  std::uint32_t reordered = 0;  // held back for a moment
};

struct ReflectorCounts {
  std::uint64_t probes = 0;   // frames taken from the port
  std::uint64_t unknown = 0;  // of these, not what it can answer: freed
  std::uint64_t replies = 0;  // frames given to the port, duplicates and late ones too
  std::uint64_t lost = 0;     // replies not given on purpose
  std::uint64_t doubled = 0;
  std::uint64_t late = 0;
  std::uint64_t reordered = 0;
  std::uint64_t refused = 0;  // replies that the port's queue had no room for: freed
};

class Reflector {
 public:
  static constexpr unsigned kAtOnce = 256;  // frames

  // `hops`: TTLs below that expire on the way; 1: none does. `late_ms` is how long late replies are
  // held.
  Reflector(const RingPort& port, const engine::TscClock& clock, unsigned hops,
            const Faults& faults, std::uint32_t late_ms);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // Answers what there is. True if there was anything.
  bool step();
  // From here on replies that find no room are dropped, as by a port whose queue is full.
  void drop_when_full() noexcept { drops_when_full_ = true; }
  [[nodiscard]] bool holds_any() const noexcept { return !held_.empty(); }
  [[nodiscard]] const ReflectorCounts& counts() const noexcept { return counts_; }

  // Turns the probe in `frame` into its reply. Returns the reply's bytes; 0: not to be answered.
  // REQUIRES: room for 128 bytes more than the probe has.
  [[nodiscard]] static std::uint16_t answer(std::byte* frame, std::uint16_t bytes, unsigned hops);

 private:
  struct Held {
    engine::Tsc until;
    rte_mbuf* packet;
  };
  void give(std::array<rte_mbuf*, kAtOnce>& packets, unsigned count);
  unsigned suffer(rte_mbuf* packet, std::array<rte_mbuf*, kAtOnce>& out, unsigned count);
  void hold(rte_mbuf* packet, std::uint64_t ticks);
  [[nodiscard]] bool draws(std::uint32_t share) noexcept;

  const RingPort& port_;
  const engine::TscClock& clock_;
  unsigned hops_;
  Faults faults_;
  bool has_faults_;
  bool drops_when_full_ = false;
  std::uint64_t late_ticks_;
  std::array<rte_mbuf*, kAtOnce> fetched_;  // taken and not yet answered
  unsigned fetched_count_ = 0;
  std::vector<Held> held_;  // a heap, the soonest first
  std::uint64_t random_ = 88172645463325252ULL;
  ReflectorCounts counts_;
};

}  // namespace backsight::perf
