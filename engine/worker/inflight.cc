#include "engine/worker/inflight.h"

#include <algorithm>

#include "probes/wire/assert.h"

namespace backsight::engine {
namespace {

constexpr unsigned kHandleBits = 32;
constexpr unsigned kMinGenerationBits = 4;

unsigned bits_for(unsigned count) { return count <= 1 ? 0 : std::bit_width(count - 1); }

}  // namespace

std::uint8_t timeout_class(std::uint32_t timeout_ms) noexcept {
  const auto found = std::ranges::lower_bound(kTimeoutClassesMs, timeout_ms);
  const auto index = std::min<std::ptrdiff_t>(found - kTimeoutClassesMs.begin(),
                                              std::ssize(kTimeoutClassesMs) - 1);
  return static_cast<std::uint8_t>(index);
}

InflightRing::InflightRing(std::uint32_t slots, unsigned worker, unsigned workers,
                           const probes::HandleCipher& cipher, const TscClock& clock,
                           bool want_huge)
    : slot_mask_(slots - 1),
      worker_(worker),
      slot_bits_(static_cast<unsigned>(std::countr_zero(slots))),
      generation_bits_(kHandleBits - slot_bits_ - bits_for(workers)),
      generation_mask_((std::uint32_t{1} << generation_bits_) - 1),
      cipher_(cipher),
      clock_(clock),
      slots_(slots, want_huge),
      rest_(slots, want_huge) {
  BACKSIGHT_ASSERT(std::has_single_bit(slots) && worker < workers);
  BACKSIGHT_ASSERT(generation_bits_ >= kMinGenerationBits);
  for (std::size_t i = 0; i < kTimeoutClassesMs.size(); ++i) {
    class_spans_[i] = clock.from_ms(kTimeoutClassesMs[i]);
  }
}

std::uint32_t InflightRing::handle_of(std::uint32_t slot, std::uint64_t generation) const noexcept {
  const auto low = static_cast<std::uint32_t>(generation) & generation_mask_;
  const std::uint32_t named = (worker_ << slot_bits_) | slot;
  return cipher_.seal((named << generation_bits_) | low);
}

std::optional<InflightRing::Place> InflightRing::place_of(std::uint32_t handle) const noexcept {
  const std::uint32_t plain = cipher_.open(handle);
  const std::uint32_t named = plain >> generation_bits_;
  if (named >> slot_bits_ != worker_) return std::nullopt;
  return Place{named & slot_mask_, plain & generation_mask_};
}

unsigned InflightRing::owner_of(std::uint32_t handle) const noexcept {
  return cipher_.open(handle) >> generation_bits_ >> slot_bits_;
}

std::optional<std::uint32_t> InflightRing::next_handle() noexcept {
  if (head_ - tail_ > slot_mask_) return std::nullopt;
  const auto at = static_cast<std::uint32_t>(head_) & slot_mask_;
  next_generation_ = slots_[at].word.load(std::memory_order_relaxed) >> 2;
  std::uint32_t handle = 0;
  do {
    handle = handle_of(at, ++next_generation_);
  } while ((handle & 0xffff) == 0 || (handle & 0xffff) == 0xffff);
  return handle;
}

std::uint32_t InflightRing::add(const Flight& flight) noexcept {
  const auto at = static_cast<std::uint32_t>(head_) & slot_mask_;
  const std::uint8_t index = timeout_class(flight.timeout_ms);
  Slot& slot = slots_[at];
  Rest& rest = rest_[at];
  // Release: a reader that sees a new field also sees the word that was emptied before it.
  constexpr auto kRelease = std::memory_order_release;
  // Who still looks for the old probe must not take the new fields for it: the word says "empty"
  // before they change. The releases below keep the order.
  slot.word.store(next_generation_ << 2 | kEmpty, std::memory_order_relaxed);
  slot.sent.store(flight.sent.ticks, kRelease);
  slot.addresses.store(std::uint64_t{flight.src.value} << 32 | flight.dst.value, kRelease);
  slot.details.store(std::uint64_t{flight.trace} << 32 | std::uint64_t{flight.checksum} << 16 |
                         std::uint64_t{flight.protocol} << 8 | flight.ttl,
                     kRelease);
  rest.task.store(flight.task, kRelease);
  rest.position.store(flight.position, kRelease);
  rest.details.store(std::uint64_t{flight.timeout_ms} << 32 | std::uint64_t{flight.flow} << 16 |
                         std::uint64_t{flight.attempt} << 8 | std::uint64_t{index} << 2 |
                         static_cast<std::uint64_t>(flight.kind),
                     kRelease);
  // Release: whoever sees the probe waiting sees its fields.
  slot.word.store(next_generation_ << 2 | kWaiting, std::memory_order_release);
  if (counts_[index]++ == 0) {
    cursors_[index] = head_;
    active_ |= std::uint64_t{1} << index;
  }
  ++head_;
  return at;
}

std::uint8_t InflightRing::class_of(const Rest& rest) noexcept {
  return static_cast<std::uint8_t>((rest.details.load(std::memory_order_relaxed) & 0xff) >> 2);
}

Flight InflightRing::load(std::uint32_t at) const noexcept {
  // Acquire: pairs with the release of each field in add().
  constexpr auto kAcquire = std::memory_order_acquire;
  const Slot& slot = slots_[at];
  const Rest& rest = rest_[at];
  Flight flight;
  flight.sent.ticks = slot.sent.load(kAcquire);
  const std::uint64_t addresses = slot.addresses.load(kAcquire);
  flight.src.value = static_cast<std::uint32_t>(addresses >> 32);
  flight.dst.value = static_cast<std::uint32_t>(addresses);
  const std::uint64_t details = slot.details.load(kAcquire);
  flight.trace = static_cast<std::uint32_t>(details >> 32);
  flight.checksum = static_cast<std::uint16_t>(details >> 16);
  flight.protocol = static_cast<std::uint8_t>(details >> 8);
  flight.ttl = static_cast<std::uint8_t>(details);
  flight.task = rest.task.load(kAcquire);
  flight.position = rest.position.load(kAcquire);
  const std::uint64_t more = rest.details.load(kAcquire);
  flight.timeout_ms = static_cast<std::uint32_t>(more >> 32);
  flight.flow = static_cast<std::uint16_t>(more >> 16);
  flight.attempt = static_cast<std::uint8_t>(more >> 8);
  flight.kind = static_cast<probes::Kind>(more & 3);
  return flight;
}

std::optional<Flight> InflightRing::find(std::uint32_t handle) const noexcept {
  const auto place = place_of(handle);
  if (!place) return std::nullopt;
  const Slot& slot = slots_[place->slot];
  // Acquire: pairs with the release in add().
  const std::uint64_t before = slot.word.load(std::memory_order_acquire);
  if (!is_generation(before, place->generation)) return std::nullopt;
  const Flight flight = load(place->slot);
  // The fields are of one probe only if the generation still stands after they were read.
  const std::uint64_t after = slot.word.load(std::memory_order_relaxed);
  if (before >> 2 != after >> 2 || (after & kStateMask) == kEmpty) return std::nullopt;
  return flight;
}

Claim InflightRing::claim(std::uint32_t handle, const Flight& flight, Tsc arrived) noexcept {
  const auto place = place_of(handle);
  if (!place) return Claim::kForeign;
  std::atomic<std::uint64_t>& shared = slots_[place->slot].word;
  std::uint64_t word = shared.load(std::memory_order_acquire);
  if (!is_generation(word, place->generation)) return Claim::kForeign;
  switch (word & kStateMask) {
    case kClaimed:
      return Claim::kDuplicate;
    case kExpired:
      return Claim::kLate;
    default:
      break;
  }
  if (arrived.since(flight.sent) > clock_.from_ms(flight.timeout_ms)) return Claim::kLate;
  // Acquire-release: the winner, and nobody else, goes on with what find() read.
  if (shared.compare_exchange_strong(word, (word & ~kStateMask) | kClaimed,
                                     std::memory_order_acq_rel)) {
    return Claim::kMatched;
  }
  if (!is_generation(word, place->generation)) return Claim::kForeign;
  return (word & kStateMask) == kClaimed ? Claim::kDuplicate : Claim::kLate;
}

void InflightRing::prefetch(std::uint32_t handle) const noexcept {
  if (const auto place = place_of(handle)) {
    __builtin_prefetch(&slots_[place->slot]);
    __builtin_prefetch(&rest_[place->slot]);
  }
}

void InflightRing::advance_tail() noexcept {
  std::uint64_t tail = head_;
  for (std::uint64_t active = active_; active != 0; active &= active - 1) {
    tail = std::min(tail, cursors_[static_cast<std::size_t>(std::countr_zero(active))]);
  }
  tail_ = tail;
}

std::optional<Tsc> InflightRing::next_expiry() const noexcept {
  std::optional<Tsc> soonest;
  for (std::uint64_t active = active_; active != 0; active &= active - 1) {
    const auto index = static_cast<std::size_t>(std::countr_zero(active));
    const Tsc sent{slots_[cursors_[index] & slot_mask_].sent.load(std::memory_order_relaxed)};
    const Tsc ends = sent + class_spans_[index];
    if (!soonest || ends < *soonest) soonest = ends;
  }
  return soonest;
}

}  // namespace backsight::engine
