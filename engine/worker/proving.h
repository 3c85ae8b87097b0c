// What a reply proves of the probe that it seems to answer, or why it is not believed
// (docs/wire-identity.md). The whole tag outweighs everything else that is odd in a packet.
// Thread: the worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <tl/expected.hpp>

#include "engine/device/queue_pair.h"
#include "engine/worker/counters.h"
#include "engine/worker/flight_slot.h"
#include "engine/worker/messages.h"
#include "engine/worker/surroundings.h"
#include "probes/identity/identity.h"
#include "probes/identity/identity_burst.h"
#include "probes/probe.h"
#include "probes/reading/flaw.h"
#include "probes/reading/reply.h"
#include "tasks/result.h"

namespace backsight::engine {

// The tags, under the current key, that the replies of a burst would carry if each were the answer
// that it seems to be. Computed together they cost a fraction of what they cost one by one.
struct ExpectedTags {
  probes::TagBurst words;  // that each covers; all zero: of no tag
  std::array<std::uint64_t, kBurst> tags;
};
// One frame's.
struct ExpectedTag {
  const ExpectedTags& of_burst;
  std::size_t index;
};

struct Proven {
  tasks::Proof proof;
  probes::Flaw flaw = probes::Flaw::kCount;  // that only the probe shows; kCount: none
};

class Prover {
 public:
  explicit Prover(const Surroundings& around) : around_(around) {}

  using Verdict = tl::expected<Proven, RxOutcome>;
  // REQUIRES: the reply is of this type; the probe is of ICMP, or of TCP.
  [[nodiscard]] Verdict prove_echo(const probes::Reply& reply, const Flight& flight,
                                   const ExpectedTag& expected) const noexcept;
  [[nodiscard]] Verdict prove_tcp(const probes::Reply& reply, const Flight& flight) const noexcept;
  // An error's quote. `handle` is that of the probe: the quote may show another.
  [[nodiscard]] Verdict prove_quote(const probes::Reply& reply, std::uint32_t handle,
                                    const Flight& flight,
                                    const ExpectedTag& expected) const noexcept;
  // The kind of the fleet's spoofed probe to `destination` with this identity.
  [[nodiscard]] tl::expected<probes::Kind, RxOutcome> prove_spoofed(
      const probes::Reply& reply, const probes::Identity& identity, probes::Ipv4Addr destination,
      const ExpectedTag& expected) const noexcept;

 private:
  [[nodiscard]] Verdict prove_short_quote(const probes::Reply& reply, std::uint32_t handle,
                                          const Flight& flight) const noexcept;
  [[nodiscard]] probes::Ipv4Addr source_of(const Flight& flight) const noexcept {
    return around_.addresses[flight.port];
  }
  [[nodiscard]] probes::TagInput tag_input(const Flight& flight,
                                           std::uint32_t handle) const noexcept;
  [[nodiscard]] std::uint64_t current_tag(const probes::TagInput& input,
                                          const ExpectedTag& expected) const noexcept;
  [[nodiscard]] bool is_own_tag(const probes::TagInput& input, std::uint64_t tag,
                                const ExpectedTag& expected) const noexcept;

  const Surroundings around_;
};

}  // namespace backsight::engine
