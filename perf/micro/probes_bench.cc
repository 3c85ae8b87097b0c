// What bytes <-> meaning costs.
//
//   Craft/<shape>     one probe from its template: every varying byte, both checksums
//   Tag               the 64-bit SipHash tag of one probe
//   SealHandle        one handle; OpenHandle the way back
//   TagBurst          64 tags at once; SealBurst 64 handles
//   ParseEchoReply    one echo reply frame, with and without a full Record Route
//   ParseTimeExceeded one time exceeded frame with a quote of 8 bytes
//   Checksum/<bytes>  the one's complement sum of so many bytes
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "probes/crafting/template.h"
#include "probes/identity/identity.h"
#include "probes/identity/identity_burst.h"
#include "probes/reading/reply.h"
#include "probes/wire/checksum.h"
#include "tests/support/model_router.h"

namespace {

using namespace backsight;
using probes::Kind;
using probes::TraceMethod;

constexpr probes::TagKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr probes::Ipv4Addr kSource{0xc000020a};
constexpr probes::Ipv4Addr kDestination{0xc6336407};

probes::ProbeFields fields() {
  probes::ProbeFields it;
  it.src = kSource;
  it.dst = kDestination;
  it.handle = 0x12345678;
  it.identity = {{1, 17}, 0x0123456789abcdef};
  return it;
}

std::vector<std::byte> packet_of(const probes::Shape& shape) {
  const probes::Template prepared(shape);
  std::vector<std::byte> packet(prepared.size());
  prepared.craft(fields(), packet.data());
  return packet;
}

void craft(benchmark::State& state, const probes::Shape& shape) {
  const probes::Template prepared(shape);
  std::array<std::byte, probes::kMaxProbeBytes> out;
  probes::ProbeFields it = fields();
  for (auto _ : state) {
    ++it.dst.value;
    it.identity.tag += 0x9e3779b97f4a7c15;
    benchmark::DoNotOptimize(prepared.craft(it, out.data()));
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(craft, ping, probes::Shape{.kind = Kind::kPing});
BENCHMARK_CAPTURE(craft, rr, probes::Shape{.kind = Kind::kRecordRoute});
BENCHMARK_CAPTURE(craft, trace_icmp,
                  probes::Shape{.kind = Kind::kTrace, .method = TraceMethod::kIcmp});
BENCHMARK_CAPTURE(craft, trace_udp,
                  probes::Shape{.kind = Kind::kTrace, .method = TraceMethod::kUdp});
BENCHMARK_CAPTURE(craft, trace_tcp,
                  probes::Shape{.kind = Kind::kTrace, .method = TraceMethod::kTcp});

void tag(benchmark::State& state) {
  probes::TagInput input{.id = {1, 17},
                         .src = kSource,
                         .dst = kDestination,
                         .handle = 1,
                         .kind = Kind::kRecordRoute,
                         .is_spoofed = false};
  for (auto _ : state) {
    ++input.handle;
    benchmark::DoNotOptimize(probes::make_tag(kKey, input));
  }
}
BENCHMARK(tag);

void tag_burst(benchmark::State& state) {
  probes::TagBurst burst{};
  std::array<std::uint64_t, probes::kIdentityBurst> tags;
  for (auto _ : state) {
    ++burst.words[0][0];
    probes::make_tags(kKey, burst, probes::kIdentityBurst, tags);
    benchmark::DoNotOptimize(tags);
  }
  state.SetItemsProcessed(state.iterations() * probes::kIdentityBurst);
}
BENCHMARK(tag_burst);

void seal_burst(benchmark::State& state) {
  const probes::HandleCipher cipher(kKey);
  std::array<std::uint64_t, probes::kIdentityBurst> handles{};
  for (auto _ : state) {
    probes::seal_handles(cipher, probes::kIdentityBurst, handles);
    benchmark::DoNotOptimize(handles);
  }
  state.SetItemsProcessed(state.iterations() * probes::kIdentityBurst);
}
BENCHMARK(seal_burst);

void seal_handle(benchmark::State& state) {
  const probes::HandleCipher cipher(kKey);
  std::uint32_t plain = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cipher.seal(plain++));
}
BENCHMARK(seal_handle);

void open_handle(benchmark::State& state) {
  const probes::HandleCipher cipher(kKey);
  std::uint32_t sealed = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cipher.open(sealed++));
}
BENCHMARK(open_handle);

void parse(benchmark::State& state, const std::vector<std::byte>& packet) {
  for (auto _ : state) benchmark::DoNotOptimize(probes::parse_packet(packet));
}
BENCHMARK_CAPTURE(parse, echo_reply, testing::make_echo_reply(packet_of({.kind = Kind::kPing})));
BENCHMARK_CAPTURE(parse, record_route,
                  testing::make_echo_reply(packet_of({.kind = Kind::kRecordRoute})));

void checksum(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) benchmark::DoNotOptimize(probes::ones_sum(bytes));
}
BENCHMARK(checksum)->Arg(20)->Arg(60)->Arg(84)->Arg(1480);

}  // namespace
