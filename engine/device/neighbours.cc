#include "engine/device/neighbours.h"

namespace backsight::engine {
namespace {

constexpr std::uint32_t kTriesUntilAbsent = 3;

std::uint64_t pack(probes::MacAddr mac) noexcept {
  std::uint64_t packed = 0;
  for (const std::uint8_t byte : mac.bytes) packed = packed << 8 | byte;
  return packed;
}

}  // namespace

Neighbours::Neighbours(const config::PortConfig& port, const TscClock& clock)
    : link_(port.link()),
      has_gateway_(port.gateway.has_value()),
      gateway_is_static_(port.gateway_mac.has_value()),
      has_next_hop_(port.gateway.has_value() || port.gateway_mac.has_value()),
      retry_(clock.from_ms(1'000)),
      refresh_(clock.from_ms(60'000)),
      forget_(clock.from_ms(180'000)),
      absent_(clock.from_ms(10'000)),
      on_link_(std::make_unique<Entry[]>(kOnLinkPlaces)),
      order_(std::make_unique<std::atomic<std::uint16_t>[]>(kOnLinkPlaces)) {
  if (port.gateway) gateway_.address = port.gateway->value;
  if (port.gateway_mac) gateway_.mac = pack(*port.gateway_mac) | kKnownBit;
}

probes::MacAddr Neighbours::unpack_mac(std::uint64_t packed) noexcept {
  probes::MacAddr mac;
  for (std::size_t i = mac.bytes.size(); i-- > 0; packed >>= 8) {
    mac.bytes[i] = static_cast<std::uint8_t>(packed & 0xff);
  }
  return mac;
}

Neighbours::Found Neighbours::find_on_link(probes::Ipv4Addr destination) noexcept {
  if (link_.length == 32 || destination.value == gateway_.address.load(std::memory_order_relaxed)) {
    return gateway();
  }
  const Entry* entry = place(destination);
  return entry == nullptr ? Found{State::kAbsent, 0} : found(*entry);
}

// The entry of an on-link address; a new one if there is room.
Neighbours::Entry* Neighbours::place(probes::Ipv4Addr address) noexcept {
  const std::size_t home = (address.value * 0x9e3779b1U) >> 22;
  for (std::size_t step = 0; step < kOnLinkPlaces; ++step) {
    const std::size_t at = (home + step) % kOnLinkPlaces;
    std::uint32_t owner = on_link_[at].address.load(std::memory_order_acquire);
    if (owner == address.value) return &on_link_[at];
    if (owner != 0) continue;
    if (on_link_[at].address.compare_exchange_strong(owner, address.value,
                                                     std::memory_order_acq_rel)) {
      const std::uint32_t position = used_.fetch_add(1, std::memory_order_relaxed);
      // One more than the place, so that zero still says "not written yet".
      order_[position].store(static_cast<std::uint16_t>(at + 1), std::memory_order_release);
      return &on_link_[at];
    }
    if (owner == address.value) return &on_link_[at];
  }
  return nullptr;
}

void Neighbours::learn(Entry& entry, probes::MacAddr mac, Tsc now) noexcept {
  entry.heard.store(now.ticks, std::memory_order_relaxed);
  entry.mac.store(pack(mac) | kKnownBit, std::memory_order_relaxed);
}

void Neighbours::learn(probes::Ipv4Addr address, probes::MacAddr mac, Tsc now) noexcept {
  if (address.is_unspecified()) return;
  if (has_gateway_ && address.value == gateway_.address.load(std::memory_order_relaxed)) {
    if (!gateway_is_static_) learn(gateway_, mac, now);
    return;
  }
  const std::uint32_t used = used_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < used; ++i) {
    const std::uint16_t at = order_[i].load(std::memory_order_acquire);
    if (at != 0 && on_link_[at - 1U].address.load(std::memory_order_relaxed) == address.value) {
      return learn(on_link_[at - 1U], mac, now);
    }
  }
}

bool Neighbours::is_due(Entry& entry, bool is_gateway, Tsc now) noexcept {
  const Tsc heard{entry.heard.load(std::memory_order_relaxed)};
  const Tsc asked{entry.asked};
  std::uint64_t mac = entry.mac.load(std::memory_order_relaxed);
  if ((mac & kKnownBit) != 0) {
    if (heard > asked) entry.tries = 0;
    if (now.since(heard) > forget_) {
      // An answer that comes right now wins over forgetting.
      entry.mac.compare_exchange_strong(mac, 0, std::memory_order_relaxed);
    } else if (now.since(heard) < refresh_) {
      return false;
    }
  }
  const bool is_absent = (mac & kAbsentBit) != 0;
  if (entry.asked != 0 && now.since(asked) < (is_absent ? absent_ : retry_)) return false;
  if (!is_gateway && (mac & kKnownBit) == 0 && !is_absent && entry.tries >= kTriesUntilAbsent) {
    entry.mac.compare_exchange_strong(mac, kAbsentBit, std::memory_order_relaxed);
    entry.tries = 0;
    entry.asked = now.ticks;
    return false;
  }
  ++entry.tries;
  entry.asked = now.ticks;
  return true;
}

std::size_t Neighbours::due(Tsc now, std::span<probes::Ipv4Addr> out) noexcept {
  std::size_t count = 0;
  if (has_gateway_ && !gateway_is_static_ && count < out.size() && is_due(gateway_, true, now)) {
    out[count++] = {gateway_.address.load(std::memory_order_relaxed)};
  }
  const std::uint32_t used = used_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < used && count < out.size(); ++i) {
    const std::uint16_t at = order_[i].load(std::memory_order_acquire);
    if (at != 0 && is_due(on_link_[at - 1U], false, now)) {
      out[count++] = {on_link_[at - 1U].address.load(std::memory_order_relaxed)};
    }
  }
  return count;
}

bool Neighbours::gateway_is_known() const noexcept {
  return !has_gateway_ || found(gateway_).state == State::kKnown;
}

std::optional<probes::MacAddr> Neighbours::gateway_mac() const noexcept {
  const Found known = found(gateway_);
  if (known.state != State::kKnown) return std::nullopt;
  return unpack_mac(known.packed_mac);
}

}  // namespace backsight::engine
