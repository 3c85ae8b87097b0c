#include "perf/load/reflector.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/device/prefetch.h"

namespace backsight::perf {
namespace {

constexpr unsigned kAtOnce = Reflector::kAtOnce;
constexpr std::size_t kIp = 14;  // offset in the frame
constexpr std::uint64_t kReorderUs = 50;
constexpr auto kLater = [](const auto& a, const auto& b) { return a.until > b.until; };

std::uint32_t load32(const std::byte* at) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
void store32(std::byte* at, std::uint32_t value) noexcept { std::memcpy(at, &value, sizeof value); }
std::uint16_t load16(const std::byte* at) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
void store16(std::byte* at, std::uint16_t value) noexcept { std::memcpy(at, &value, sizeof value); }

// RFC 1071 over 16-bit words as they lie in memory.
std::uint16_t checksum(const std::byte* at, std::size_t bytes) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) sum += load32(at + i);
  if ((bytes & 2) != 0) sum += load16(at + (bytes & ~std::size_t{3}));
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void swap_macs(std::byte* frame) noexcept {
  std::array<std::byte, 6> to;
  std::memcpy(to.data(), frame, to.size());
  std::memcpy(frame, frame + 6, to.size());
  std::memcpy(frame + 6, to.data(), to.size());
}

// Router k on the way, 10.77.0.k, as it lies in memory.
std::uint32_t router(unsigned k) noexcept {
  const std::array<std::uint8_t, 4> bytes = {10, 77, 0, static_cast<std::uint8_t>(k)};
  std::uint32_t address = 0;
  std::memcpy(&address, bytes.data(), sizeof address);
  return address;
}

constexpr std::size_t kRouteBytes = 40;  // the option and the byte behind it

// The Record Route option as a probe has it.
std::array<std::byte, kRouteBytes> empty_route() {
  std::array<std::byte, kRouteBytes> it{};
  it[0] = std::byte{7};
  it[1] = std::byte{39};
  it[2] = std::byte{4};
  return it;
}

// The Record Route option with its nine slots filled.
const std::array<std::byte, kRouteBytes>& stamped_route() {
  static const auto route = [] {
    std::array<std::byte, kRouteBytes> it = empty_route();
    it[2] = std::byte{40};  // the pointer, beyond the last slot
    for (unsigned k = 0; k < 9; ++k) store32(&it[3 + 4 * k], router(k + 1));
    return it;
  }();
  return route;
}

// One's complement sum of 16-bit words as they lie in memory.
std::uint64_t sum_of(const std::byte* at, std::size_t bytes) noexcept {
  return static_cast<std::uint16_t>(~checksum(at, bytes));
}

// The checksum at `field` after words that summed up to `old` became `fresh` (RFC 1624).
void update_checksum(std::byte* field, std::uint64_t old, std::uint64_t fresh) noexcept {
  std::uint64_t sum = std::uint64_t{static_cast<std::uint16_t>(~load16(field))} + fresh +
                      static_cast<std::uint16_t>(~old);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store16(field, static_cast<std::uint16_t>(~sum));
}

void turn_echo(std::byte* ip, std::size_t header_bytes) noexcept {
  const std::uint32_t from = load32(ip + 12);
  store32(ip + 12, load32(ip + 16));
  store32(ip + 16, from);
  const std::uint16_t ttl_before = load16(ip + 8);
  const std::uint16_t ttl_after = static_cast<std::uint16_t>((ttl_before & 0xff00) | 57);
  store16(ip + 8, ttl_after);  // TTL where it arrives
  update_checksum(ip + 10, ttl_before, ttl_after);
  if (header_bytes == 60 && ip[20] == std::byte{7}) {
    const auto& route = stamped_route();
    static const std::uint64_t stamped = sum_of(route.data(), kRouteBytes);
    // A probe's own option: type, length and pointer, and slots that are zero.
    static const std::uint64_t empty = sum_of(empty_route().data(), kRouteBytes);
    update_checksum(ip + 10, empty, stamped);
    std::memcpy(ip + 20, route.data(), kRouteBytes);
  }
  // Echo request to echo reply: eight less in the first byte.
  std::byte* const icmp = ip + header_bytes;
  icmp[0] = std::byte{0};
  update_checksum(icmp + 2, 8, 0);
}

// Replaces the probe by a time exceeded of router `ttl` that quotes its header and eight bytes.
std::uint16_t expire(std::byte* frame, std::size_t header_bytes, unsigned ttl) noexcept {
  std::byte* const ip = frame + kIp;
  std::array<std::byte, 68> quote;
  const std::size_t quoted = header_bytes + 8;
  std::memcpy(quote.data(), ip, quoted);
  quote[8] = std::byte{1};  // the TTL as the router saw it
  const std::uint32_t prober = load32(ip + 12);
  const auto total = static_cast<std::uint16_t>(20 + 8 + quoted);
  std::memset(ip, 0, 28);
  ip[0] = std::byte{0x45};
  ip[2] = static_cast<std::byte>(total >> 8);
  ip[3] = static_cast<std::byte>(total);
  ip[8] = static_cast<std::byte>(255 - ttl);
  ip[9] = std::byte{1};
  store32(ip + 12, router(ttl));
  store32(ip + 16, prober);
  store16(ip + 10, checksum(ip, 20));
  ip[20] = std::byte{11};
  std::memcpy(ip + 28, quote.data(), quoted);
  store16(ip + 22, checksum(ip + 20, 8 + quoted));
  return static_cast<std::uint16_t>(kIp + total);
}

}  // namespace

std::uint16_t Reflector::answer(std::byte* frame, std::uint16_t bytes, unsigned hops) {
  std::byte* const ip = frame + kIp;
  if (bytes < kIp + 28 || load16(frame + 12) != 0x0008) return 0;
  const std::size_t header_bytes = (std::to_integer<std::size_t>(ip[0]) & 15) * 4;
  const auto ttl = std::to_integer<unsigned>(ip[8]);
  swap_macs(frame);
  if (ttl < hops) return expire(frame, header_bytes, ttl);
  if (ip[9] != std::byte{1} || ip[header_bytes] != std::byte{8}) return 0;
  turn_echo(ip, header_bytes);
  return bytes;
}

Reflector::Reflector(const RingPort& port, const engine::TscClock& clock, unsigned hops,
                     const Faults& faults, std::uint32_t late_ms)
    : port_(port),
      clock_(clock),
      hops_(hops),
      faults_(faults),
      has_faults_(faults.lost + faults.doubled + faults.late + faults.reordered != 0),
      late_ticks_(clock.from_ms(late_ms).ticks) {}

Reflector::~Reflector() {
  rte_pktmbuf_free_bulk(fetched_.data(), fetched_count_);
  for (const Held& it : held_) rte_pktmbuf_free(it.packet);
}

bool Reflector::draws(std::uint32_t share) noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return (random_ >> 48) < share;
}

void Reflector::hold(rte_mbuf* packet, std::uint64_t ticks) {
  held_.push_back({{rte_rdtsc() + ticks}, packet});
  std::push_heap(held_.begin(), held_.end(), kLater);
}

// What becomes of one reply on its way; adds it to `out` unless it is lost or held.
unsigned Reflector::suffer(rte_mbuf* packet, std::array<rte_mbuf*, kAtOnce>& out, unsigned count) {
  if (draws(faults_.lost)) {
    ++counts_.lost;
    rte_pktmbuf_free(packet);
    return count;
  }
  if (draws(faults_.doubled)) {
    if (rte_mbuf* const copy = rte_pktmbuf_copy(packet, packet->pool, 0, UINT32_MAX)) {
      ++counts_.doubled;
      hold(copy, 0);
    }
  }
  if (draws(faults_.late)) {
    ++counts_.late;
    hold(packet, late_ticks_);
    return count;
  }
  if (draws(faults_.reordered)) {
    ++counts_.reordered;
    hold(packet, clock_.from_ns(kReorderUs * 1000).ticks);
    return count;
  }
  out[count] = packet;
  return count + 1;
}

void Reflector::give(std::array<rte_mbuf*, kAtOnce>& packets, unsigned count) {
  if (count == 0) return;
  const unsigned given = rte_ring_sp_enqueue_burst(
      port_.to_port(), reinterpret_cast<void**>(packets.data()), count, nullptr);
  counts_.replies += given;
  if (given == count) return;
  counts_.refused += count - given;
  rte_pktmbuf_free_bulk(&packets[given], count - given);
}

bool Reflector::step() {
  std::array<rte_mbuf*, kAtOnce> packets;
  std::array<rte_mbuf*, kAtOnce> out;
  unsigned due = 0;
  const engine::Tsc now{held_.empty() ? 0 : rte_rdtsc()};
  while (due < kAtOnce && due < rte_ring_free_count(port_.to_port()) && !held_.empty() &&
         held_.front().until <= now) {
    out[due++] = held_.front().packet;
    std::pop_heap(held_.begin(), held_.end(), kLater);
    held_.pop_back();
  }
  give(out, due);
  // A full queue of replies holds the probes back, as a slow network would: none is dropped
  // unasked.
  const unsigned room =
      drops_when_full_ ? kAtOnce : std::min(kAtOnce, rte_ring_free_count(port_.to_port()));
  const unsigned count = std::exchange(fetched_count_, 0);
  if (count > room) {
    fetched_count_ = count;
    return due != 0;
  }
  packets = fetched_;
  // The next burst comes near while this one is answered.
  fetched_count_ = rte_ring_sc_dequeue_burst(
      port_.from_port(), reinterpret_cast<void**>(fetched_.data()), kAtOnce, nullptr);
  for (unsigned i = 0; i < fetched_count_; ++i) {
    auto* const packet = reinterpret_cast<std::byte*>(fetched_[i]);
    constexpr std::size_t kData = sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM;
    engine::prefetch_to_write(packet);
    engine::prefetch_to_write(packet + kData);
    engine::prefetch_to_write(packet + kData + 64);
  }
  counts_.probes += count;
  unsigned answered = 0;
  for (unsigned i = 0; i < count; ++i) {
    rte_mbuf* const packet = packets[i];
    const std::uint16_t bytes =
        answer(rte_pktmbuf_mtod(packet, std::byte*), packet->data_len, hops_);
    if (bytes == 0) {
      ++counts_.unknown;
      rte_pktmbuf_free(packet);
      continue;
    }
    packet->data_len = bytes;
    packet->pkt_len = bytes;
    answered = has_faults_ ? suffer(packet, out, answered) : (out[answered] = packet, answered + 1);
  }
  give(out, answered);
  return count + due + fetched_count_ != 0;
}

}  // namespace backsight::perf
