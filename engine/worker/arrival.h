// The receiving half of a worker: frames are fetched, read and matched. Each ends in exactly one
// counter: a reason to reject it, or what it was.
// Thread: the worker.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/device/queue_pair.h"
#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/frame_tap.h"
#include "engine/worker/local_host.h"
#include "engine/worker/matching.h"
#include "engine/worker/send_policy.h"
#include "engine/worker/stage_timer.h"
#include "engine/worker/surroundings.h"
#include "probes/identity/identity.h"
#include "probes/ip/address.h"
#include "probes/reading/reply.h"

namespace backsight::engine {

class Arrival {
 public:
  // The others outlive this.
  Arrival(const Surroundings& around, const probes::HandleCipher& cipher, Matching& matching,
          LocalHost& host, FrameTap& tap, StageTimer& timer);

  // Fetches packets from the port and reads them. When they come in large bursts, each burst is
  // read only when the next was fetched: meanwhile its packets come near, which another core or
  // the port wrote. True if there were any. `policy` are the lists in force; null: none.
  bool receive(std::size_t port, const SendPolicy* policy) noexcept;
  // Reads what was fetched and not read yet.
  void read_fetched(std::size_t port, const SendPolicy* policy) noexcept;
  // Reads frames that arrived by the port together; an answer may be written into one.
  // REQUIRES: frames.size() <= kBurst.
  void read(std::size_t port, std::span<const std::span<std::byte>> frames, Tsc arrived,
            const SendPolicy* policy) noexcept;

 private:
  struct Fetched {
    RxBurst burst;
    Tsc at;
  };
  struct OfPort {
    std::array<Fetched, 2> fetched;  // [turn] is fetched next; the other one may wait to be read
    unsigned turn = 0;
  };
  // What the frames of a burst seem to be, computed for all of them together.
  struct Peeked {
    std::array<std::uint32_t, kBurst> handles;
    std::array<InflightRing::Place, kBurst> places;  // of the handles
    ExpectedTags tags;
  };

  void read(std::size_t port, Fetched& fetched, const SendPolicy* policy) noexcept;
  void peek(std::span<const std::span<std::byte>> frames, Peeked& peeked) noexcept;
  [[nodiscard]] FrameFate take(const Lane& lane, std::span<const std::byte> frame,
                               const Peeked& peeked, std::size_t index, Tsc arrived) noexcept;
  [[nodiscard]] FrameFate fate_of(const probes::Reply& reply, RxOutcome outcome) noexcept;
  [[nodiscard]] bool is_own_address(probes::Ipv4Addr address) const noexcept;

  const Surroundings around_;
  const probes::HandleCipher& cipher_;
  Matching& matching_;
  LocalHost& host_;
  FrameTap& tap_;
  StageTimer& timer_;
  std::vector<OfPort> ports_;
};

}  // namespace backsight::engine
