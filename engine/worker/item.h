// What may leave next, and what leaves now.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/device/queue_pair.h"
#include "tasks/task.h"

namespace backsight::engine {

// Where the probe that leaves comes from.
class Item {
 public:
  enum class Kind : std::uint8_t {
    kDirect,  // a task that still stands in the mailbox
    kSingle,  // one that was taken from it to wait
    kTrace,   // a trace whose next attempt's turn has come
  };

  // Whatever: arrays of items are filled as they are used.
  Item() = default;
  [[nodiscard]] static constexpr Item direct() noexcept { return {Kind::kDirect, 0}; }
  [[nodiscard]] static constexpr Item single(std::uint32_t index) noexcept {
    return {Kind::kSingle, index};
  }
  [[nodiscard]] static constexpr Item trace(std::uint32_t index) noexcept {
    return {Kind::kTrace, index};
  }

  [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ >> kBits); }
  [[nodiscard]] constexpr bool is_trace() const noexcept { return kind() == Kind::kTrace; }
  // Among those of its kind; 0 of a direct one.
  [[nodiscard]] constexpr std::uint32_t index() const noexcept {
    return bits_ & ((std::uint32_t{1} << kBits) - 1);
  }
  friend constexpr bool operator==(Item, Item) = default;

 private:
  static constexpr unsigned kBits = 30;
  constexpr Item(Kind kind, std::uint32_t index) noexcept
      : bits_(static_cast<std::uint32_t>(kind) << kBits | index) {}
  std::uint32_t bits_;
};
static_assert(sizeof(Item) == 4);

// A probe that leaves now.
struct Chosen {
  const tasks::QueuedTask* queued;  // in the mailbox, a single or a trace
  Item item;
  std::uint8_t port;
  std::uint8_t ttl;
  bool is_spoofed;
  std::uint64_t next_hop;  // Neighbours::Found::packed_mac
};

// The burst that leaves now. Made anew for each; its tasks stay where they are until it is
// released.
struct Selection {
  std::array<Chosen, kBurst> room;  // the first `count` are chosen
  std::size_t count = 0;
  std::size_t drawn = 0;  // tasks from the mailbox, whatever became of them

  [[nodiscard]] std::span<const Chosen> chosen() const noexcept {
    return std::span(room).first(count);
  }
};

}  // namespace backsight::engine
