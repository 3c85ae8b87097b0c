// What tracking and pacing cost.
//
//   AddInFlight            64 probes filed, the ring kept half full
//   Claim/<slots>/<burst>  one reply matched at a random place of a full ring: find and claim, with
//                          the slots of a burst prefetched
//   Schedule/<limits>      one probe through the schedule, without limits and with all of them
//   TotalRate              one burst of 32 asked of the total rate
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/worker/inflight.h"
#include "engine/worker/limiter.h"
#include "engine/worker/schedule.h"

namespace {

using namespace backsight;
using namespace backsight::engine;

constexpr std::uint64_t kHz = 2'000'000'000;
const TscClock kClock{kHz};
const probes::HandleCipher kCipher({1, 2});

Flight flight(std::uint32_t number) {
  Flight it;
  it.dst = {number};
  it.task = number;
  it.timeout_ms = 2000;
  return it;
}

void add_in_flight(benchmark::State& state) {
  InflightRing ring(1U << 20, 0, 1, kCipher, kClock, true);
  Tsc now{1};
  std::uint32_t number = 0;
  std::array<std::uint32_t, 64> handles;
  for (auto _ : state) {
    if (ring.reserve(handles) != handles.size()) state.SkipWithError("the ring is full");
    for (std::size_t i = 0; i < handles.size(); ++i) {
      Flight it = flight(number++);
      it.sent = now;
      ring.add(it);
      // 4 us a probe: half a million in the 2 s of their time-out.
      now.ticks += 8'000;
    }
    ring.expire(now, 128, [](const Flight&) {});
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(handles.size()));
}
BENCHMARK(add_in_flight);

void claim(benchmark::State& state) {
  const auto slots = static_cast<std::uint32_t>(state.range(0));
  const auto burst = static_cast<std::size_t>(state.range(1));
  InflightRing ring(slots, 0, 1, kCipher, kClock, true);
  std::vector<std::uint32_t> handles(slots);
  for (std::uint32_t i = 0; i < slots; i += 64) {
    if (ring.reserve(std::span(handles).subspan(i, 64)) != 64) state.SkipWithError("no room");
    for (std::uint32_t k = 0; k < 64; ++k) ring.add(flight(i + k));
  }
  std::shuffle(handles.begin(), handles.end(), std::mt19937_64(1));
  std::array<InflightRing::Place, 64> places;
  std::size_t at = 0;
  for (auto _ : state) {
    if (at + burst > handles.size()) at = 0;
    for (std::size_t i = 0; i < burst; ++i) {
      places[i] = ring.place_of(handles[at + i]);
      ring.prefetch(places[i]);
    }
    for (std::size_t i = 0; i < burst; ++i) {
      const auto found = ring.find(places[i], {1});
      benchmark::DoNotOptimize(ring.claim(places[i], *found, {1}));
    }
    at += burst;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}
BENCHMARK(claim)->Args({1 << 16, 32})->Args({1 << 20, 32})->Args({1 << 24, 32})->Args({1 << 24, 1});

void schedule(benchmark::State& state, const ScheduleLimits& limits) {
  constexpr std::uint32_t kItems = 1024;
  Schedule it(limits, kItems, 1U << 17, kHz);
  Tsc now{1};
  std::uint32_t destination = 0;
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < kItems; ++i) free.push_back(i);
  for (auto _ : state) {
    now.ticks += 2'000;  // a million a second
    const std::uint32_t item = free.back();
    free.pop_back();
    benchmark::DoNotOptimize(
        it.push(item, {.dst = {(destination += 257) & 0xffffff}, .spoofed_src = {}}, now));
    while (const auto sent = it.pop(now)) free.push_back(*sent);
    if (free.empty()) state.SkipWithError("everything waits");
  }
}
BENCHMARK_CAPTURE(schedule, no_limits, ScheduleLimits{});
BENCHMARK_CAPTURE(schedule, all_limits,
                  ScheduleLimits{.per_destination_pps = 10'000, .per_prefix24_pps = 10'000});

void total_rate(benchmark::State& state) {
  TotalRate rate(1'000'000'000, kHz);
  Tsc now{1};
  for (auto _ : state) {
    now.ticks += 64;
    benchmark::DoNotOptimize(rate.take(now, 32));
  }
}
BENCHMARK(total_rate);

}  // namespace
