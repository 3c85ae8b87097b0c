#include "engine/device/handover.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace backsight::engine {
namespace {

rte_ring* make_ring(const std::string& name) {
  rte_ring* const ring = rte_ring_create(name.c_str(), Handover::kSlots, SOCKET_ID_ANY,
                                         RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
  if (ring == nullptr) throw std::bad_alloc();
  return ring;
}

std::size_t put(rte_ring* ring, std::span<rte_mbuf* const> packets) noexcept {
  auto** const objects = reinterpret_cast<void**>(const_cast<rte_mbuf**>(packets.data()));
  return rte_ring_sp_enqueue_burst(ring, objects, static_cast<unsigned>(packets.size()), nullptr);
}

std::size_t take(rte_ring* ring, std::span<rte_mbuf*> packets) noexcept {
  return rte_ring_sc_dequeue_burst(ring, reinterpret_cast<void**>(packets.data()),
                                   static_cast<unsigned>(packets.size()), nullptr);
}

}  // namespace

Handover::Handover(const char* name)
    : to_port_(make_ring(std::string(name) + "t")),
      from_port_(make_ring(std::string(name) + "f")) {}

Handover::~Handover() {
  discard();
  rte_ring_free(to_port_);
  rte_ring_free(from_port_);
}

Handover::Discarded Handover::discard() noexcept {
  Discarded discarded{.to_port = stashed_};
  rte_pktmbuf_free_bulk(stash_.data(), static_cast<unsigned>(std::exchange(stashed_, 0)));
  const auto empty = [this](rte_ring* ring) {
    std::size_t freed = 0;
    while (const std::size_t count = take(ring, stash_)) {
      rte_pktmbuf_free_bulk(stash_.data(), static_cast<unsigned>(count));
      freed += count;
    }
    return freed;
  };
  discarded.to_port += empty(to_port_);
  discarded.from_port = empty(from_port_);
  return discarded;
}

std::size_t Handover::send(std::span<rte_mbuf* const> packets) noexcept {
  return put(to_port_, packets);
}

std::size_t Handover::receive(std::span<rte_mbuf*> packets) noexcept {
  return take(from_port_, packets);
}

std::size_t Handover::deliver(std::span<rte_mbuf* const> packets) noexcept {
  return put(from_port_, packets);
}

std::size_t Handover::collect(std::span<rte_mbuf*> packets) noexcept {
  return take(to_port_, packets);
}

void Handover::pump(std::uint16_t port, std::uint16_t queue) noexcept {
  if (stashed_ == 0) stashed_ = collect(stash_);
  if (stashed_ == 0) return;
  const std::uint16_t sent =
      rte_eth_tx_burst(port, queue, stash_.data(), static_cast<std::uint16_t>(stashed_));
  std::copy(stash_.begin() + sent, stash_.begin() + static_cast<std::ptrdiff_t>(stashed_),
            stash_.begin());
  stashed_ -= sent;
}

}  // namespace backsight::engine
