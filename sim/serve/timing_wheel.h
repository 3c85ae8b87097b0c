// Packets that wait for their time, in order of time to the grain of a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "probes/assert.h"

namespace backsight::sim {

// Entries are numbers 0..capacity-1 that the owner gives meaning to. Thread: one.
class TimingWheel {
 public:
  static constexpr std::uint64_t kGrainNs = 16'384;
  static constexpr std::size_t kSlots = 1U << 16;  // about a second; later ones go round again

  TimingWheel(std::size_t capacity, std::uint64_t now_ns)
      : slots_(kSlots), entries_(capacity), cursor_(now_ns / kGrainNs) {}

  // REQUIRES: entry < capacity and not waiting.
  void add(std::uint32_t entry, std::uint64_t due_ns) noexcept {
    BACKSIGHT_ASSERT(entry < entries_.size());
    entries_[entry] = {due_ns, kEnd};
    const std::uint64_t tick = due_ns / kGrainNs;
    append(slots_[(tick < cursor_ ? cursor_ : tick) % kSlots], entry);
  }

  // Calls `due(entry)` for each entry whose time has come, until it returns false: that entry waits
  // on and is offered first the next time.
  template <typename Due>
  void advance(std::uint64_t now_ns, Due due) {
    const std::uint64_t end = now_ns / kGrainNs;
    for (; cursor_ <= end; ++cursor_) {
      if (!empty_slot(slots_[cursor_ % kSlots], now_ns, due)) return;
      // The slot of now is looked at again, for what is added to it later.
      if (cursor_ == end) return;
    }
  }

 private:
  static constexpr std::uint32_t kEnd = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t first = kEnd;
    std::uint32_t last = kEnd;
  };
  struct Entry {
    std::uint64_t due_ns = 0;
    std::uint32_t next = kEnd;
  };

  void append(Slot& slot, std::uint32_t entry) noexcept {
    entries_[entry].next = kEnd;
    (slot.first == kEnd ? slot.first : entries_[slot.last].next) = entry;
    slot.last = entry;
  }

  // True if nothing in it is due any more.
  template <typename Due>
  bool empty_slot(Slot& slot, std::uint64_t now_ns, Due& due) {
    Slot later;
    while (slot.first != kEnd) {
      const std::uint32_t entry = slot.first;
      const std::uint32_t next = entries_[entry].next;
      const bool is_due = entries_[entry].due_ns / kGrainNs <= now_ns / kGrainNs;
      if (is_due && !due(entry)) {
        // What was set aside goes behind what is left.
        for (std::uint32_t it = later.first; it != kEnd;) {
          const std::uint32_t after = entries_[it].next;
          append(slot, it);
          it = after;
        }
        return false;
      }
      slot.first = next;
      if (!is_due) append(later, entry);
    }
    slot = later;
    return true;
  }

  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
  std::uint64_t cursor_;  // the slot to look at next, counted from the epoch
};

}  // namespace backsight::sim
