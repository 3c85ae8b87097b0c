// Bursts of packets, and the queues through which a worker sends and receives them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/device/handover.h"

struct rte_mbuf;
struct rte_mempool;

namespace backsight::engine {

inline constexpr std::size_t kBurst = 64;

// Packets received together. Frees them in one call.
class RxBurst {
 public:
  RxBurst() = default;
  RxBurst(const RxBurst&) = delete;
  RxBurst& operator=(const RxBurst&) = delete;
  ~RxBurst();

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void clear() noexcept;
  // The frame's first segment; longer chains than one are cut there and fail their length checks.
  [[nodiscard]] std::span<std::byte> bytes(std::size_t index) const noexcept;
  // Brings the packets near: their descriptions, then their first 128 bytes.
  void prefetch() const noexcept;

 private:
  friend class QueuePair;
  std::array<rte_mbuf*, kBurst> packets_;
  std::uint16_t count_ = 0;
};

// Buffers for packets to send, allocated together. Frees those that were not sent.
class TxBurst {
 public:
  TxBurst() = default;
  TxBurst(const TxBurst&) = delete;
  TxBurst& operator=(const TxBurst&) = delete;
  ~TxBurst();

  // Makes room for `count` packets more. False: no buffers now, nothing changed.
  // REQUIRES: size() + count <= kBurst.
  [[nodiscard]] bool reserve(rte_mempool* pool, std::size_t count) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t reserved() const noexcept { return count_ - used_; }
  // Takes the next buffer for a packet of `bytes`; returns where it is written.
  // REQUIRES: reserved() > 0; bytes <= 2048.
  [[nodiscard]] std::byte* append(std::size_t bytes) noexcept;
  // The same for all that are reserved: where packet i, of sizes[i] bytes, is written to frames[i].
  // REQUIRES: sizes.size() == reserved() <= frames.size().
  void append_all(std::span<const std::uint16_t> sizes, std::span<std::byte*> frames) noexcept;
  // Frees everything.
  void clear() noexcept;

 private:
  friend class QueuePair;
  std::array<rte_mbuf*, kBurst> packets_;
  std::uint16_t used_ = 0;   // packets_[0, used_) are to be sent
  std::uint16_t count_ = 0;  // packets_[used_, count_) are reserved
};

// One worker's way to a port: a pair of queues, or where the port has fewer of them than there are
// workers, the hand-over to the worker that has one. Thread: that worker.
class QueuePair {
 public:
  QueuePair() = default;
  // Queues of its own; `served`, which outlives this, are the hand-overs of workers without.
  QueuePair(std::uint16_t port, std::uint16_t queue, rte_mempool* pool,
            std::span<Handover* const> served)
      : port_(port), queue_(queue), pool_(pool), served_(served) {}
  QueuePair(rte_mempool* pool, Handover& handover) : pool_(pool), handover_(&handover) {}

  // Every other large burst of a worker that serves others goes to one of them in turn.
  // REQUIRES: the burst is empty.
  void receive(RxBurst& burst) noexcept;
  // Sends from the front; what the port did not accept stays, moved to the front.
  // Returns how many it accepted.
  std::size_t transmit(TxBurst& burst) const noexcept;
  // Sends what the workers served by this one handed over.
  void pump() const noexcept {
    for (Handover* const it : served_) it->pump(port_, queue_);
  }
  [[nodiscard]] rte_mempool* pool() const noexcept { return pool_; }

 private:
  std::uint16_t port_ = 0;
  std::uint16_t queue_ = 0;
  rte_mempool* pool_ = nullptr;
  Handover* handover_ = nullptr;
  std::span<Handover* const> served_;
  std::size_t turn_ = 0;  // whose burst is next: served_.size() is our own
};

}  // namespace backsight::engine
