// Which probe a reply answers, and what comes of it: the probe is looked up, the reply proven, the
// probe's end claimed and told.
// Thread: the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/ends.h"
#include "engine/worker/inflight.h"
#include "engine/worker/proving.h"
#include "engine/worker/seen.h"
#include "engine/worker/surroundings.h"
#include "probes/reading/reply.h"

namespace backsight::engine {

class Matching {
 public:
  // A reply as its burst shows it.
  struct Heard {
    const probes::Reply& reply;
    InflightRing::Place place;  // that the handle names which the frame seemed to have
    std::uint32_t handle;       // that one
    ExpectedTag tag;
    Tsc arrived;
  };

  // `inflight` is our worker's. It and `ends` outlive this. Throws std::bad_alloc.
  Matching(const Surroundings& around, InflightRing& inflight, Ends& ends);
  // The in-flight rings of all workers, before any runs: `rings[i]` is worker i's.
  void connect(std::span<InflightRing* const> rings) { rings_.assign(rings.begin(), rings.end()); }

  // The place that a handle names, once opened; brings what stands there near.
  [[nodiscard]] InflightRing::Place place_of_opened(std::uint32_t plain) const noexcept {
    const InflightRing::Place place = inflight_.place_of_opened(plain);
    if (InflightRing* const ring = ring_of(place)) ring->prefetch(place);
    return place;
  }
  // REQUIRES: the reply is to an address of ours.
  [[nodiscard]] RxOutcome match(const Heard& heard) noexcept;

 private:
  [[nodiscard]] RxOutcome match_echo(const Heard& heard) noexcept;
  [[nodiscard]] RxOutcome match_tcp(const Heard& heard) noexcept;
  [[nodiscard]] RxOutcome match_error(const Heard& heard) noexcept;
  [[nodiscard]] RxOutcome finish(const Heard& heard, const InflightRing::Place& place,
                                 const Flight& flight, const Proven& proven) noexcept;
  [[nodiscard]] RxOutcome observe(const Heard& heard, const probes::Identity& identity,
                                  probes::Ipv4Addr destination) noexcept;

  [[nodiscard]] InflightRing* ring_of(const InflightRing::Place& place) const noexcept {
    return place.worker < rings_.size() ? rings_[place.worker] : nullptr;
  }
  // Of the reply's handle: mostly the one that the frame seemed to have.
  [[nodiscard]] InflightRing::Place place_of(const Heard& heard) const noexcept {
    const std::uint32_t handle = heard.reply.handle;
    return handle == heard.handle ? heard.place : inflight_.place_of(handle);
  }
  [[nodiscard]] std::optional<Flight> find(const InflightRing::Place& place,
                                           Tsc now) const noexcept {
    const InflightRing* const ring = ring_of(place);
    if (ring == nullptr) return std::nullopt;
    return ring->find(place, now);
  }

  const Surroundings around_;
  const Prover prover_;
  InflightRing& inflight_;
  std::vector<InflightRing*> rings_;
  Ends& ends_;
  SeenTags seen_;
};

}  // namespace backsight::engine
