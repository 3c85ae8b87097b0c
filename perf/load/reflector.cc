#include "perf/load/reflector.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>

namespace backsight::perf {
namespace {

constexpr unsigned kAtOnce = 64;
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

// Fills the nine slots of the Record Route option at `option`.
void stamp(std::byte* option) noexcept {
  option[2] = std::byte{40};  // the pointer, beyond the last slot
  for (unsigned k = 0; k < 9; ++k) store32(option + 3 + 4 * k, router(k + 1));
}

void turn_echo(std::byte* ip, std::size_t header_bytes) noexcept {
  const std::uint32_t from = load32(ip + 12);
  store32(ip + 12, load32(ip + 16));
  store32(ip + 16, from);
  ip[8] = std::byte{57};  // TTL where it arrives
  if (header_bytes == 60 && ip[20] == std::byte{7}) stamp(ip + 20);
  store16(ip + 10, 0);
  store16(ip + 10, checksum(ip, header_bytes));
  // Echo request to echo reply: eight less in the first byte, so eight more in the checksum's.
  std::byte* const icmp = ip + header_bytes;
  icmp[0] = std::byte{0};
  const std::uint32_t sum = std::uint32_t{load16(icmp + 2)} + 8;
  store16(icmp + 2, static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));
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
unsigned Reflector::suffer(rte_mbuf* packet, std::array<rte_mbuf*, 64>& out, unsigned count) {
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

void Reflector::give(std::array<rte_mbuf*, 64>& packets, unsigned count) {
  if (count == 0) return;
  const unsigned given = rte_ring_sp_enqueue_burst(
      port_.to_port(), reinterpret_cast<void**>(packets.data()), count, nullptr);
  counts_.replies += given;
  if (given == count) return;
  counts_.refused += count - given;
  rte_pktmbuf_free_bulk(&packets[given], count - given);
}

void Reflector::release_held() {
  for (Held& it : held_) it.until = {};
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
  const unsigned room = std::min(kAtOnce, rte_ring_free_count(port_.to_port()));
  const unsigned count = rte_ring_sc_dequeue_burst(
      port_.from_port(), reinterpret_cast<void**>(packets.data()), room, nullptr);
  for (unsigned i = 0; i < count; ++i) {
    std::byte* const data = rte_pktmbuf_mtod(packets[i], std::byte*);
    rte_prefetch0(data);
    rte_prefetch0(data + 64);
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
  return count + due != 0;
}

}  // namespace backsight::perf
