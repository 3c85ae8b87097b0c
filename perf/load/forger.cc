#include "perf/load/forger.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>

#include "probes/wire/byte_order.h"
#include "probes/wire/checksum.h"

namespace backsight::perf {
namespace {

constexpr unsigned kBurst = 32;
constexpr std::size_t kIp = 14;
constexpr probes::Ipv4Addr kHost{0x10000001};  // an address that is probed

using probes::store_be16;
using probes::store_be32;

// Writes an IPv4 header with its options cleared; returns its end.
std::byte* put_ip(std::byte* ip, std::size_t header_bytes, std::size_t total, probes::Ipv4Addr from,
                  probes::Ipv4Addr to, std::uint8_t ttl, bool has_route) {
  ip[0] = static_cast<std::byte>(0x40 | header_bytes / 4);
  store_be16(ip + 2, static_cast<std::uint16_t>(total));
  ip[8] = std::byte{ttl};
  ip[9] = std::byte{1};
  store_be32(ip + 12, from.value);
  store_be32(ip + 16, to.value);
  if (has_route) {
    ip[20] = std::byte{7};
    ip[21] = std::byte{39};
    ip[22] = std::byte{40};
    for (unsigned k = 0; k < 9; ++k) store_be32(ip + 23 + 4 * k, 0x0a420001U + k);
  }
  store_be16(ip + 10, probes::checksum_of(probes::ones_sum({ip, header_bytes})));
  return ip + header_bytes;
}

void finish_icmp(std::byte* icmp, std::size_t bytes) {
  store_be16(icmp + 2, probes::checksum_of(probes::ones_sum({icmp, bytes})));
}

}  // namespace

Forger::Forger(const RingPort& port, probes::MacAddr target) : port_(port) {
  pool_ = rte_pktmbuf_pool_create("forger", 2047, 128, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    Frame& frame = frames_[kind];
    std::copy(target.bytes.begin(), target.bytes.end(),
              reinterpret_cast<std::uint8_t*>(frame.bytes.data()));
    std::copy(kRigGateway.bytes.begin(), kRigGateway.bytes.end(),
              reinterpret_cast<std::uint8_t*>(frame.bytes.data()) + 6);
    store_be16(&frame.bytes[12], 0x0800);
    std::byte* const ip = &frame.bytes[kIp];
    const bool is_quote = kind >= 2;
    const std::size_t quoted_payload = kind == 3 ? 16 : 0;
    const std::size_t header_bytes = is_quote ? 20 : 60;
    const std::size_t icmp_bytes = is_quote ? 8 + 60 + 8 + quoted_payload : 24;
    const std::size_t total = header_bytes + icmp_bytes;
    std::byte* const icmp =
        put_ip(ip, header_bytes, total, kHost, kRigAddress, kForgedTtl, !is_quote);
    std::byte* identity = nullptr;
    if (is_quote) {
      icmp[0] = std::byte{11};
      std::byte* const quoted = put_ip(icmp + 8, 60, 84, kRigAddress, kHost, 1, true);
      quoted[0] = std::byte{8};
      frame.random_at = static_cast<std::uint16_t>(quoted + 2 - frame.bytes.data());
      if (quoted_payload != 0) {
        identity = quoted + 8;
      } else {
        frame.random_mask <<= 16;  // the quote ends there
      }
    } else {
      frame.random_at = static_cast<std::uint16_t>(icmp + 4 - frame.bytes.data());
      identity = icmp + 8;
    }
    frame.is_spoofed = kind == 1;
    // Ours in one kind, another vantage point's in the others, so that every way is tried.
    if (identity != nullptr) {
      store_be16(identity, kind == 1 ? 2 : kRigVp);
      store_be32(identity + 8, 0x5a5a5a5a);
    }
    finish_icmp(icmp, icmp_bytes);
    frame.checksum_at = static_cast<std::uint16_t>(icmp + 2 - frame.bytes.data());
    frame.size = static_cast<std::uint16_t>(kIp + total);
  }
}

Forger::~Forger() { rte_mempool_free(pool_); }

std::uint64_t Forger::draw() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

void Forger::step() {
  std::array<rte_mbuf*, kBurst> packets;
  if (!drops_when_full_ && rte_ring_free_count(port_.to_port()) < kBurst) return;
  if (rte_pktmbuf_alloc_bulk(pool_, packets.data(), kBurst) != 0) return;
  for (unsigned i = 0; i < kBurst; ++i) {
    const std::uint64_t guess = draw();
    const Frame& frame = frames_[guess % kKinds];
    auto* const out = rte_pktmbuf_mtod(packets[i], std::byte*);
    std::memcpy(out, frame.bytes.data(), frame.bytes.size());
    // Eight bytes of guess where handle, number or tag stand; the checksum follows by difference.
    // One kind knows what the handle of a spoofed probe says.
    const std::size_t at = frame.random_at;
    const std::uint64_t old = probes::load_be64(out + at);
    std::uint64_t fresh = old ^ (guess >> 2 & frame.random_mask);
    std::uint64_t sum = static_cast<std::uint16_t>(~probes::load_be16(out + frame.checksum_at));
    if (frame.is_spoofed) {
      fresh = (old & 0xffffffff) | (guess << 32);
      store_be32(out + at + 8, static_cast<std::uint32_t>(guess));
      sum += guess & 0xffffffff;
    }
    probes::store_be64(out + at, fresh);
    for (const std::uint64_t word : {~old, fresh}) sum += probes::halves(word);
    probes::store_be16(out + frame.checksum_at, probes::checksum_of(sum));
    packets[i]->data_len = frame.size;
    packets[i]->pkt_len = frame.size;
  }
  const unsigned sent = rte_ring_sp_enqueue_burst(
      port_.to_port(), reinterpret_cast<void**>(packets.data()), kBurst, nullptr);
  rte_pktmbuf_free_bulk(&packets[sent], kBurst - sent);
  sent_ += sent;
  dropped_ += kBurst - sent;
}

}  // namespace backsight::perf
