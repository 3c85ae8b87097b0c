#include "engine/worker/inflight.h"

#include <algorithm>

#include "probes/assert.h"
#include "probes/protocols/trace_udp.h"

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
      is_shared_(workers > 1),
      slot_bits_(static_cast<unsigned>(std::countr_zero(slots))),
      generation_bits_(kHandleBits - slot_bits_ - bits_for(workers)),
      generation_mask_((std::uint32_t{1} << generation_bits_) - 1),
      cipher_(cipher),
      clock_(clock),
      slots_(slots, want_huge) {
  BACKSIGHT_ASSERT(std::has_single_bit(slots) && worker < workers);
  BACKSIGHT_ASSERT(generation_bits_ >= kMinGenerationBits &&
                   generation_bits_ <= FlightSlot::kGenerationBits);
  for (std::size_t i = 0; i < kTimeoutClassesMs.size(); ++i) {
    class_spans_[i] = clock.from_ms(kTimeoutClassesMs[i]);
  }
}

std::size_t InflightRing::reserve(std::span<std::uint32_t> handles) noexcept {
  BACKSIGHT_ASSERT(handles.size() <= probes::kIdentityBurst);
  const std::size_t count = std::min<std::size_t>(handles.size(), capacity() - used());
  std::array<std::uint64_t, probes::kIdentityBurst> sealed;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint32_t>(head_ + i) & slot_mask_;
    // The burst after this one will want the slots that follow.
    prefetch_to_write(&slots_[(at + probes::kIdentityBurst) & slot_mask_]);
    generations_[i] = slots_[at].word().generation() + 1;
    sealed[i] = plain_handle(at, generations_[i]);
  }
  probes::seal_handles(cipher_, count, sealed);
  for (std::size_t i = 0; i < count; ++i) {
    handles[i] = static_cast<std::uint32_t>(sealed[i]);
    while (!probes::trace_udp::is_handle(handles[i])) {
      const auto at = static_cast<std::uint32_t>(head_ + i) & slot_mask_;
      handles[i] = cipher_.seal(plain_handle(at, ++generations_[i]));
    }
  }
  reserved_from_ = head_;
  return count;
}

Claim InflightRing::claim(const Place& place, const Flight& flight, Tsc arrived) noexcept {
  BACKSIGHT_ASSERT(place.worker == worker_);
  FlightSlot& slot = slots_[place.slot];
  FlightSlot::Word word = slot.word();
  if (!is_generation(word, place.generation)) return Claim::kForeign;
  switch (word.state()) {
    case FlightSlot::kClaimed:
      return Claim::kDuplicate;
    case FlightSlot::kExpired:
      return Claim::kLate;
    default:
      break;
  }
  if (arrived.since(flight.sent) > clock_.from_ms(flight.timeout_ms)) return Claim::kLate;
  if (try_end(slot, word, FlightSlot::kClaimed)) return Claim::kMatched;
  if (!is_generation(word, place.generation)) return Claim::kForeign;
  return word.state() == FlightSlot::kClaimed ? Claim::kDuplicate : Claim::kLate;
}

void InflightRing::advance_tail() noexcept {
  std::uint64_t tail = head_;
  for (std::uint64_t active = active_; active != 0; active &= active - 1) {
    tail = std::min(tail, cursors_[static_cast<std::size_t>(std::countr_zero(active))]);
  }
  tail_ = tail;
}

}  // namespace backsight::engine
