#include "probes/crafting/echo_burst.h"

#include <cstring>

#include "probes/assert.h"
#include "probes/cpu_target.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"

namespace backsight::probes {
namespace {

constexpr std::size_t kProtocolShift = 16;  // in the eight bytes from the IP id to the checksum

// The checksum fields that these sums of everything else ask for (RFC 1071). REQUIRES: below 2^48.
BACKSIGHT_EACH_TARGET void to_checksums(Lanes& sums) noexcept {
  sums = (sums & 0xffffffff) + (sums >> 32);
  sums = (sums & 0xffff) + (sums >> 16);
  sums = (sums & 0xffff) + (sums >> 16);
  sums = (sums & 0xffff) + (sums >> 16);
  sums ^= Lanes{} + 0xffff;
}

BACKSIGHT_EACH_TARGET void load(Lanes& lanes, const std::uint64_t* from) noexcept {
  std::memcpy(&lanes, from, sizeof lanes);
}

// The words that differ, as they stand in the packet but in host order.
struct Words {
  std::array<std::uint64_t, kIdentityBurst> ip;    // IP id, fragment, TTL, protocol, checksum
  std::array<std::uint64_t, kIdentityBurst> icmp;  // type, code, checksum, handle
};

BACKSIGHT_EACH_TARGET void make_words(const Template& shape, const TagBurst& tagged,
                                      std::size_t count, EchoBurst& burst, Words& words) noexcept {
  for (std::size_t at = 0; at < count; at += kLanes) {
    Lanes id;
    Lanes addresses;
    Lanes rest;
    Lanes tag;
    Lanes ip_id;
    Lanes ttl;
    load(id, &tagged.words[0][at]);
    load(addresses, &tagged.words[1][at]);
    load(rest, &tagged.words[2][at]);
    load(tag, &burst.tags[at]);
    load(ip_id, &burst.ip_id[at]);
    load(ttl, &burst.ttl[at]);
    const Lanes handle = rest >> 32;
    Lanes ip = (addresses >> 32) + (addresses & 0xffffffff) + ip_id + (ttl << 8) + shape.ip_sum();
    to_checksums(ip);
    Lanes icmp = handle + (id >> 32) + (id & 0xffffffff) + (tag >> 32) + (tag & 0xffffffff) +
                 shape.transport_sum();
    to_checksums(icmp);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      burst.checksums[at + lane] = static_cast<std::uint16_t>(icmp[lane]);
    }
    ip |= (ip_id << 48) | (ttl << 24) | (std::uint64_t{ipv4::kProtocolIcmp} << kProtocolShift);
    icmp = (icmp << 32) | handle | (std::uint64_t{icmp::kEchoRequest} << 56);
    std::memcpy(&words.ip[at], &ip, sizeof ip);
    std::memcpy(&words.icmp[at], &icmp, sizeof icmp);
  }
}

BACKSIGHT_EACH_TARGET void craft_body(const Template& shape, const TagBurst& tagged,
                                      std::size_t count, EchoBurst& burst) noexcept {
  Words words;
  make_words(shape, tagged, count, burst, words);
  // The constant bytes stay in registers; what is beyond the probe's end is not sent.
  std::array<std::byte, kMaxProbeBytes> constant;
  std::memcpy(constant.data(), shape.bytes(), constant.size());
  const std::size_t transport = shape.header_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const out = burst.out[i];
    std::memcpy(out, constant.data(), constant.size());
    store_be64(out + ipv4::kId, words.ip[i]);
    store_be64(out + ipv4::kSource, tagged.words[1][i]);
    store_be64(out + transport, words.icmp[i]);
    store_be64(out + transport + icmp::kHeaderBytes, tagged.words[0][i]);
    store_be64(out + transport + icmp::kHeaderBytes + kIdentityTagOffset, burst.tags[i]);
  }
}

void craft_128(const Template& shape, const TagBurst& tagged, std::size_t count,
               EchoBurst& burst) noexcept {
  craft_body(shape, tagged, count, burst);
}
BACKSIGHT_TARGET_256 void craft_256(const Template& shape, const TagBurst& tagged,
                                    std::size_t count, EchoBurst& burst) noexcept {
  craft_body(shape, tagged, count, burst);
}
BACKSIGHT_TARGET_512 void craft_512(const Template& shape, const TagBurst& tagged,
                                    std::size_t count, EchoBurst& burst) noexcept {
  craft_body(shape, tagged, count, burst);
}

constexpr CraftTarget kAllTargets[] = {{512, craft_512}, {256, craft_256}, {128, craft_128}};

std::span<const CraftTarget> choose_targets() noexcept {
  const std::span<const CraftTarget> all(kAllTargets);
  const unsigned widest = cpu_registers();
  return all.subspan(widest == 512 ? 0 : widest == 256 ? 1 : 2);
}

const std::span<const CraftTarget> kTargets = choose_targets();

}  // namespace

void craft_echoes(const Template& shape, const TagBurst& words, std::size_t count,
                  EchoBurst& burst) noexcept {
  BACKSIGHT_ASSERT(shape.is_plain_echo() && count <= kIdentityBurst);
  kTargets.front().craft_echoes(shape, words, count, burst);
}

std::span<const CraftTarget> craft_targets() noexcept { return kTargets; }

}  // namespace backsight::probes
