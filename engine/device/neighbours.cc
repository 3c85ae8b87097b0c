#include "engine/device/neighbours.h"

#include <algorithm>
#include <utility>

namespace backsight::engine {
namespace {

constexpr std::uint32_t kTriesUntilAbsent = 3;
constexpr std::uint32_t kTriesUntilForgotten = 6;

std::uint64_t pack(probes::MacAddr mac) noexcept {
  std::uint64_t packed = 0;
  for (const std::uint8_t byte : mac.bytes) packed = packed << 8 | byte;
  return packed;
}

// What is asked for by ARP beside the gateway.
probes::Ipv4Prefix asked_for(const config::PortConfig& port) {
  return port.on_link ? port.link() : probes::Ipv4Prefix{port.address, 32};
}

Tsc load(const std::atomic<std::uint64_t>& ticks) noexcept {
  return {ticks.load(std::memory_order_relaxed)};
}

}  // namespace

Neighbours::Neighbours(const config::PortConfig& port, const TscClock& clock)
    : own_(port.address),
      link_(asked_for(port)),
      has_gateway_(port.gateway.has_value()),
      gateway_is_static_(port.gateway_mac.has_value()),
      has_next_hop_(port.gateway.has_value() || port.gateway_mac.has_value()),
      gateway_address_(port.gateway.value_or(probes::Ipv4Addr{})),
      slack_(clock.from_ms(100)),
      retry_(clock.from_ms(1'000)),
      doubt_(clock.from_ms(1'500)),
      refresh_(clock.from_ms(60'000)),
      absent_(clock.from_ms(10'000)),
      rows_(std::make_unique<Row[]>(kRows)) {
  if (port.gateway_mac) gateway_.word = pack(*port.gateway_mac) | kKnownBit;
}

probes::MacAddr Neighbours::unpack_mac(std::uint64_t packed) noexcept {
  probes::MacAddr mac;
  for (std::size_t i = mac.bytes.size(); i-- > 0; packed >>= 8) {
    mac.bytes[i] = static_cast<std::uint8_t>(packed & 0xff);
  }
  return mac;
}

// --- hosts on the link -------------------------------------------------------------------------

Neighbours::Row& Neighbours::row_of(probes::Ipv4Addr address) const noexcept {
  constexpr unsigned kBits = 7;
  static_assert(kRows == 1U << kBits);
  return rows_[(address.value * 0x9e3779b1U) >> (32 - kBits)];
}

Neighbours::Seen Neighbours::look_up(probes::Ipv4Addr address) const noexcept {
  Row& row = row_of(address);
  for (std::size_t i = 0; i < kRowPlaces; ++i) {
    if (row.addresses[i].load(std::memory_order_acquire) != address.value) continue;
    const std::uint64_t word = row.entries[i].word.load(std::memory_order_acquire);
    if (row.addresses[i].load(std::memory_order_acquire) != address.value) return {};
    return {&row.entries[i], word};
  }
  return {};
}

Neighbours::Found Neighbours::find_on_link(probes::Ipv4Addr destination, Tsc now) noexcept {
  if (link_.length == 32 || is_gateway(destination)) {
    return has_next_hop_ ? use(gateway_, now) : Found{};
  }
  if (const Seen seen = look_up(destination); seen.entry != nullptr) {
    static_cast<void>(use(*seen.entry, now));
    return found(seen.word);
  }
  return {take_place(row_of(destination), destination, now) ? State::kAsking : State::kFull, 0};
}

// A place for the address: a free one, an absent host's, or that of the host that has been idle for
// longest. False: all are being asked for, or were answered only now. (Two workers may take two
// places for one address: the second is never used, and let go.)
bool Neighbours::take_place(Row& row, probes::Ipv4Addr address, Tsc now) noexcept {
  has_hosts_.store(true, std::memory_order_relaxed);
  std::size_t victim = kRowPlaces;
  std::uint64_t victim_word = 0;
  Tsc victim_since;
  for (std::size_t i = 0; i < kRowPlaces; ++i) {
    Entry& entry = row.entries[i];
    std::uint32_t owner = row.addresses[i].load(std::memory_order_relaxed);
    if (owner == 0 &&
        row.addresses[i].compare_exchange_strong(owner, address.value, std::memory_order_acq_rel)) {
      entry.used.store(now.ticks, std::memory_order_relaxed);
      return true;
    }
    const std::uint64_t word = entry.word.load(std::memory_order_acquire);
    const bool is_absent = (word & kAbsentBit) != 0;
    if (!is_absent && (word & kKnownBit) == 0) continue;
    const Tsc proven = load(entry.proven);
    const Tsc since = is_absent ? proven : std::max(proven, load(entry.used));
    // Whoever waited for the answer is still to see it.
    if (now.since(since) < slack_) continue;
    const bool victim_is_absent = (victim_word & kAbsentBit) != 0;
    const bool is_better = is_absent != victim_is_absent ? is_absent : since < victim_since;
    if (victim != kRowPlaces && !is_better) continue;
    victim = i;
    victim_word = word;
    victim_since = since;
  }
  return victim != kRowPlaces && pass_on(row, victim, victim_word, address, now);
}

// Gives the place, whose word was as told, to another address, or to nobody. False: somebody else
// was faster.
bool Neighbours::pass_on(Row& row, std::size_t place, std::uint64_t word, probes::Ipv4Addr to,
                         Tsc now) noexcept {
  Entry& entry = row.entries[place];
  const std::uint64_t next = (word / kGeneration + 1) * kGeneration;
  if ((word & kPassingBit) != 0 ||
      !entry.word.compare_exchange_strong(word, next | kPassingBit, std::memory_order_acq_rel)) {
    return false;
  }
  entry.proven.store(0, std::memory_order_relaxed);
  entry.used.store(now.ticks, std::memory_order_relaxed);
  row.addresses[place].store(to.value, std::memory_order_release);
  entry.word.store(next, std::memory_order_release);
  return true;
}

// --- what is heard -----------------------------------------------------------------------------

void Neighbours::prove_host(probes::Ipv4Addr destination, Tsc sent) noexcept {
  if (Entry* const entry = look_up(destination).entry; entry != nullptr) prove(*entry, sent);
}

void Neighbours::keep_impossible(const ArpPacket& packet) noexcept {
  std::uint64_t none = 0;
  if (!impossible_mac_.compare_exchange_strong(none, kPassingBit, std::memory_order_relaxed)) {
    return;
  }
  impossible_address_.store(packet.sender.value, std::memory_order_relaxed);
  impossible_mac_.store(pack(packet.sender_mac) | kKnownBit, std::memory_order_release);
}

ArpOutcome Neighbours::hear(const ArpPacket& packet, Tsc now) noexcept {
  if (!has_possible_sender(packet)) {
    keep_impossible(packet);
    return ArpOutcome::kBadSender;
  }
  if (packet.sender == own_) {
    rival_.store(pack(packet.sender_mac) | kKnownBit, std::memory_order_relaxed);
    return ArpOutcome::kConflict;
  }
  if (packet.sender.is_unspecified()) return ArpOutcome::kOther;
  if (has_gateway_ && packet.sender == gateway_address_) {
    if (gateway_is_static_) return ArpOutcome::kOther;
    return hear(Seen{&gateway_, gateway_.word.load(std::memory_order_acquire)}, packet, now);
  }
  const Seen seen = look_up(packet.sender);
  return seen.entry == nullptr ? ArpOutcome::kOther : hear(seen, packet, now);
}

ArpOutcome Neighbours::hear(Seen seen, const ArpPacket& packet, Tsc now) noexcept {
  constexpr std::uint64_t kOpen = kPolledBit | kAskedBit;
  const bool is_answer = !packet.is_request && packet.target == own_;
  const std::uint64_t mac = pack(packet.sender_mac);
  std::uint64_t word = seen.word;
  const std::uint64_t generation = word / kGeneration;
  bool is_believed = false;
  std::uint64_t next = 0;
  do {
    // The place was given to another address meanwhile.
    if ((word & kPassingBit) != 0 || word / kGeneration != generation) return ArpOutcome::kOther;
    const bool is_same = (word & kMacBits) == mac;
    const bool answers_question =
        is_answer && ((word & kAskedBit) != 0 || (is_same && (word & kPolledBit) != 0));
    is_believed = (word & kKnownBit) == 0 || answers_question;
    if (!is_believed && is_same) return ArpOutcome::kOther;
    next = is_believed ? (word & ~(kMacBits | kAbsentBit | kOpen | kClaimedBit)) | mac | kKnownBit
                       : word | kClaimedBit;
    if (is_believed) seen.entry->proven.store(now.ticks, std::memory_order_relaxed);
  } while (!seen.entry->word.compare_exchange_weak(word, next, std::memory_order_acq_rel));
  if (!is_believed) return ArpOutcome::kUnasked;
  const bool has_moved = (word & kMacBits) != 0 && (word & kMacBits) != mac;
  if (has_moved && seen.entry == &gateway_) {
    gateway_moves_.fetch_add(1, std::memory_order_relaxed);
  }
  return ArpOutcome::kAnswer;
}

void Neighbours::forget() noexcept {
  if (!gateway_is_static_) {
    // Its MAC stays, so that another one is noticed.
    gateway_.word.store(gateway_.word.load(std::memory_order_relaxed) & kMacBits,
                        std::memory_order_relaxed);
    gateway_.asked = gateway_.doubted = gateway_.tries = 0;
    gateway_.generation = 0;
  }
  for (std::size_t at = 0; at < kRows * kRowPlaces; ++at) {
    Row& row = rows_[at / kRowPlaces];
    Entry& entry = row.entries[at % kRowPlaces];
    const std::uint64_t word = entry.word.load(std::memory_order_relaxed);
    row.addresses[at % kRowPlaces].store(0, std::memory_order_relaxed);
    entry.word.store((word / kGeneration + 1) * kGeneration, std::memory_order_relaxed);
    entry.proven.store(0, std::memory_order_relaxed);
  }
}

// --- what is asked -----------------------------------------------------------------------------

std::size_t Neighbours::due(Tsc now, std::span<Question> out) noexcept {
  if (out.empty()) return 0;
  std::size_t count = 0;
  if (has_gateway_ && !gateway_is_static_) {
    if (const auto to = question(gateway_, true, now)) out[count++] = {gateway_address_, *to};
  }
  if (has_hosts_.load(std::memory_order_relaxed)) count += ask_hosts(now, out.subspan(count));
  return count;
}

std::size_t Neighbours::ask_hosts(Tsc now, std::span<Question> out) noexcept {
  std::size_t count = 0;
  for (std::size_t rows = 0; rows < kRows && count < out.size(); ++rows) {
    Row& row = rows_[next_row_];
    next_row_ = (next_row_ + 1) % kRows;
    for (std::size_t i = 0; i < kRowPlaces && count < out.size(); ++i) {
      const probes::Ipv4Addr address{row.addresses[i].load(std::memory_order_acquire)};
      if (address.is_unspecified()) continue;
      Entry& entry = row.entries[i];
      const std::uint64_t word = entry.word.load(std::memory_order_acquire);
      if (is_over(entry, word, now)) {
        pass_on(row, i, word, {}, now);
      } else if (const auto to = question(entry, false, now)) {
        out[count++] = {address, *to};
      }
    }
  }
  return count;
}

// True of a host that need not be kept: absent for long enough, or wanted by nobody.
bool Neighbours::is_over(const Entry& entry, std::uint64_t word, Tsc now) const noexcept {
  if ((word & kAbsentBit) != 0) return now.since(load(entry.proven)) >= absent_;
  return (word & kKnownBit) != 0 && now.since(load(entry.used)) >= refresh_;
}

// Whom to ask for the neighbour now, if anybody.
std::optional<probes::MacAddr> Neighbours::question(Entry& entry, bool is_gateway,
                                                    Tsc now) noexcept {
  std::uint64_t word = entry.word.load(std::memory_order_acquire);
  if ((word & (kPassingBit | kAbsentBit)) != 0) return std::nullopt;
  if (std::exchange(entry.generation, word / kGeneration) != word / kGeneration) {
    entry.asked = entry.doubted = entry.tries = 0;
  }
  if ((word & kKnownBit) != 0) return question_of_known(entry, word, now);
  if (entry.asked != 0 && now.since({entry.asked}) < retry_) return std::nullopt;
  if (!is_gateway && entry.tries >= kTriesUntilAbsent) {
    entry.proven.store(now.ticks, std::memory_order_relaxed);
    // An answer that comes right now wins.
    entry.word.compare_exchange_strong(word, word | kAbsentBit, std::memory_order_acq_rel);
    return std::nullopt;
  }
  ++entry.tries;
  entry.asked = now.ticks;
  return probes::kBroadcastMac;
}

std::optional<probes::MacAddr> Neighbours::question_of_known(Entry& entry, std::uint64_t word,
                                                             Tsc now) noexcept {
  constexpr std::uint64_t kOpen = kPolledBit | kAskedBit;
  const auto change_to = [&entry, word](std::uint64_t next) {
    std::uint64_t expected = word;  // an answer that comes right now wins
    return entry.word.compare_exchange_strong(expected, next, std::memory_order_acq_rel);
  };
  if ((word & kOpen) == 0) {
    entry.tries = 0;
    if (!is_doubtful(entry, word, now) || !change_to((word & ~kClaimedBit) | kPolledBit)) {
      return std::nullopt;
    }
    entry.tries = 1;
    entry.asked = now.ticks;
    return unpack_mac(word & kMacBits);
  }
  if (load(entry.proven) > Tsc{entry.asked}) {
    change_to(word & ~(kOpen | kClaimedBit));
    return std::nullopt;
  }
  if (now.since({entry.asked}) < retry_) return std::nullopt;
  const bool is_forgotten = entry.tries >= kTriesUntilForgotten;
  if (!change_to(is_forgotten ? word & ~(kKnownBit | kOpen | kClaimedBit)
                              : (word & ~kPolledBit) | kAskedBit)) {
    return std::nullopt;
  }
  entry.tries = is_forgotten ? 1 : entry.tries + 1;
  entry.asked = now.ticks;
  return probes::kBroadcastMac;
}

bool Neighbours::is_doubtful(Entry& entry, std::uint64_t word, Tsc now) const noexcept {
  if ((word & kClaimedBit) != 0 && now.since({entry.asked}) >= retry_) return true;
  const Tsc proven = load(entry.proven);
  const Tsc used = load(entry.used);
  if (now.since(proven) >= refresh_) return true;
  if (used.since(proven) <= slack_) {
    entry.doubted = 0;
    return false;
  }
  if (Tsc{entry.doubted}.since(proven) <= slack_) entry.doubted = used.ticks;
  return now.since({entry.doubted}) >= doubt_;
}

// --- what is told ------------------------------------------------------------------------------

bool Neighbours::gateway_is_known() const noexcept {
  return !has_gateway_ || gateway_mac().has_value();
}

std::optional<probes::MacAddr> Neighbours::gateway_mac() const noexcept {
  const Found known = found(gateway_.word.load(std::memory_order_relaxed));
  if (known.state != State::kKnown) return std::nullopt;
  return unpack_mac(known.packed_mac);
}

std::optional<probes::MacAddr> Neighbours::rival() const noexcept {
  const std::uint64_t rival = rival_.load(std::memory_order_relaxed);
  if (rival == 0) return std::nullopt;
  return unpack_mac(rival & kMacBits);
}

std::optional<Neighbours::Claim> Neighbours::impossible() const noexcept {
  const std::uint64_t mac = impossible_mac_.load(std::memory_order_acquire);
  if ((mac & kKnownBit) == 0) return std::nullopt;
  return Claim{{impossible_address_.load(std::memory_order_relaxed)}, unpack_mac(mac & kMacBits)};
}

}  // namespace backsight::engine
