// Packets between a worker without queues of its own and who serves it: what it sends, and what is
// received for it. A port may have fewer queues than there are workers; then another of them serves
// it. Behind a port without a device stands who plays the network.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

struct rte_mbuf;
struct rte_ring;

namespace backsight::engine {

class Handover {
 public:
  static constexpr unsigned kSlots = 1024;  // packets each way
  static constexpr std::size_t kStash = 64;

  // Throws std::bad_alloc. `name` is unique in the process.
  explicit Handover(const char* name);
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;
  ~Handover();

  struct Discarded {
    std::size_t to_port = 0;
    std::size_t from_port = 0;
  };
  // Frees what is inside, and tells how much it was; the destructor does so, too. REQUIRES: neither
  // worker uses it.
  Discarded discard() noexcept;

  // Both return how many were taken, from the front. Thread: the worker that is served.
  [[nodiscard]] std::size_t send(std::span<rte_mbuf* const> packets) noexcept;
  [[nodiscard]] std::size_t receive(std::span<rte_mbuf*> packets) noexcept;

  // Hands packets to the worker that is served. Returns how many there was room for.
  // Thread: the worker that serves, as of the next.
  [[nodiscard]] std::size_t deliver(std::span<rte_mbuf* const> packets) noexcept;
  // Takes what the worker sent, at most packets.size(). Returns how many.
  [[nodiscard]] std::size_t collect(std::span<rte_mbuf*> packets) noexcept;
  // Sends what waits through a queue of the port. What it does not accept is kept for the next
  // time.
  void pump(std::uint16_t port, std::uint16_t queue) noexcept;

 private:
  rte_ring* to_port_;
  rte_ring* from_port_;
  std::array<rte_mbuf*, kStash> stash_;  // taken from to_port_ and not yet accepted by the port
  std::size_t stashed_ = 0;
};

}  // namespace backsight::engine
