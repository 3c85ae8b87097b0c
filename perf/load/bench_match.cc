// match: what it costs to find and end the probe that a reply names, by how many are in flight.
// Replies come in bursts of 32, to random places of a full ring, each once; their slots are asked
// for ahead, as the worker does.
#include <rte_cycles.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "perf/load/benches.h"
#include "perf/load/rig.h"

namespace backsight::perf {
namespace {

constexpr std::size_t kBurst = 32;

struct Match {
  double claim_ns = 0;
  double find_ns = 0;  // a reply that names no probe: a forgery
  std::uint64_t matched = 0;
};

Match measure(std::uint32_t slots, bool use_hugepages, std::uint64_t hz) {
  const engine::TscClock clock(hz);
  const probes::HandleCipher cipher({1, 2});
  engine::InflightRing ring(slots, 0, 1, cipher, clock, use_hugepages);
  ring.touch();
  std::vector<std::uint32_t> handles(slots);
  const engine::Tsc sent{rte_rdtsc()};
  for (std::uint32_t i = 0; i < slots; i += probes::kIdentityBurst) {
    const auto burst = std::span(handles).subspan(i, probes::kIdentityBurst);
    if (ring.reserve(burst) != burst.size()) return {};
    for (std::uint32_t k = 0; k < burst.size(); ++k) {
      ring.add({.sent = sent, .task = i + k, .dst = {i + k}, .timeout_ms = 60'000});
    }
  }
  std::mt19937_64 random(1);
  std::shuffle(handles.begin(), handles.end(), random);
  Match match;
  std::array<engine::InflightRing::Place, kBurst> places;
  const auto pass = [&](std::span<const std::uint32_t> burst) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      places[i] = ring.place_of(burst[i]);
      ring.prefetch(places[i]);
    }
    for (std::size_t i = 0; i < kBurst; ++i) {
      const auto flight = ring.find(places[i], sent);
      if (!flight) continue;
      match.matched += ring.claim(places[i], *flight, sent) == engine::Claim::kMatched ? 1 : 0;
    }
  };
  const auto ns_each = [&](std::size_t from, std::size_t to) {
    const std::uint64_t start = rte_rdtsc();
    for (std::size_t at = from; at < to; at += kBurst) pass(std::span(handles).subspan(at, kBurst));
    return static_cast<double>(clock.to_ns({rte_rdtsc() - start})) / static_cast<double>(to - from);
  };
  // A quarter to warm up, the next half counts.
  ns_each(0, slots / 4);
  match.claim_ns = ns_each(slots / 4, slots / 4 * 3);
  ns_each(slots / 4 * 3, slots);
  for (std::uint32_t& handle : handles) handle = static_cast<std::uint32_t>(random());
  match.find_ns = ns_each(0, slots / 2);
  return match;
}

}  // namespace

Expected<Figures> bench_match(const Options& options) {
  Figures figures("match",
                  "a reply finds its probe and ends it: bursts of 32, slots asked for ahead");
  auto eal = start_eal(options.control_core, options.worker_core, false);
  if (!eal) return tl::unexpected(eal.error());
  const std::uint64_t hz = engine::measure_tsc_hz();
  std::vector<std::uint32_t> sizes = {1U << 20, 1U << 24, 1U << 26};
  if (options.slots != 0) sizes = {options.slots};
  figures.add("slot_bytes", std::uint64_t{sizeof(engine::FlightSlot)});
  for (const std::uint32_t slots : sizes) {
    const Match match = measure(slots, options.use_hugepages, hz);
    const std::string millions = std::to_string(slots >> 20) + "m";
    figures.add("claim_ns_" + millions, match.claim_ns, "ns a claim, so many million in flight");
    figures.add("forged_ns_" + millions, match.find_ns, "ns a handle that was guessed");
    // A guess may hit a slot; it is then a duplicate, never a match.
    figures.check("each probe is matched once", match.matched == slots);
  }
  figures.add("hugepages", options.use_hugepages ? "yes" : "no");
  return figures;
}

}  // namespace backsight::perf
