#include "engine/device/queue_pair.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "engine/device/prefetch.h"
#include "probes/assert.h"

namespace backsight::engine {

RxBurst::~RxBurst() { clear(); }

void RxBurst::clear() noexcept {
  if (count_ != 0) rte_pktmbuf_free_bulk(packets_.data(), count_);
  count_ = 0;
}

std::span<std::byte> RxBurst::bytes(std::size_t index) const noexcept {
  rte_mbuf* packet = packets_[index];
  return {rte_pktmbuf_mtod(packet, std::byte*), rte_pktmbuf_data_len(packet)};
}

void RxBurst::prefetch() const noexcept {
  // Where our pools' packets begin. Asking their descriptions would wait for those.
  constexpr std::size_t kData = sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM;
  for (std::size_t i = 0; i < count_; ++i) {
    auto* const packet = reinterpret_cast<std::byte*>(packets_[i]);
    prefetch_to_write(packet);
    prefetch_to_read(packet + kData);
    prefetch_to_read(packet + kData + 64);
  }
}

TxBurst::~TxBurst() { clear(); }

void TxBurst::clear() noexcept {
  if (count_ != 0) rte_pktmbuf_free_bulk(packets_.data(), count_);
  used_ = count_ = 0;
}

bool TxBurst::reserve(rte_mempool* pool, std::size_t count) noexcept {
  BACKSIGHT_ASSERT(count_ + count <= kBurst);
  if (count == 0) return true;
  if (rte_pktmbuf_alloc_bulk(pool, &packets_[count_], static_cast<unsigned>(count)) != 0) {
    return false;
  }
  count_ = static_cast<std::uint16_t>(count_ + count);
  return true;
}

std::byte* TxBurst::append(std::size_t bytes) noexcept {
  BACKSIGHT_ASSERT(used_ < count_);
  rte_mbuf* packet = packets_[used_++];
  packet->data_len = static_cast<std::uint16_t>(bytes);
  packet->pkt_len = static_cast<std::uint32_t>(bytes);
  return rte_pktmbuf_mtod(packet, std::byte*);
}

void TxBurst::append_all(std::span<const std::uint16_t> sizes,
                         std::span<std::byte*> frames) noexcept {
  BACKSIGHT_ASSERT(sizes.size() == reserved() && sizes.size() <= frames.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    rte_mbuf* const packet = packets_[used_ + i];
    packet->data_len = sizes[i];
    packet->pkt_len = sizes[i];
    frames[i] = rte_pktmbuf_mtod(packet, std::byte*);
  }
  used_ = count_;
}

void QueuePair::receive(RxBurst& burst) noexcept {
  BACKSIGHT_ASSERT(burst.count_ == 0);
  if (handover_ != nullptr) {
    burst.count_ = static_cast<std::uint16_t>(handover_->receive(burst.packets_));
    return;
  }
  burst.count_ = rte_eth_rx_burst(port_, queue_, burst.packets_.data(), kBurst);
  // Few packets are not worth the way to another core.
  if (served_.empty() || burst.count_ < kBurst / 2) return;
  const std::size_t turn = turn_;
  turn_ = turn_ == served_.size() ? 0 : turn_ + 1;
  if (turn == served_.size()) return;
  const std::span<rte_mbuf*> packets(burst.packets_.data(), burst.count_);
  const std::size_t taken = served_[turn]->deliver(packets);
  std::copy(packets.begin() + static_cast<std::ptrdiff_t>(taken), packets.end(), packets.begin());
  burst.count_ = static_cast<std::uint16_t>(burst.count_ - taken);
}

std::size_t QueuePair::transmit(TxBurst& burst) const noexcept {
  const std::size_t sent =
      handover_ != nullptr ? handover_->send(std::span(burst.packets_.data(), burst.used_))
                           : rte_eth_tx_burst(port_, queue_, burst.packets_.data(), burst.used_);
  std::copy(burst.packets_.begin() + static_cast<std::ptrdiff_t>(sent),
            burst.packets_.begin() + burst.count_, burst.packets_.begin());
  burst.used_ = static_cast<std::uint16_t>(burst.used_ - sent);
  burst.count_ = static_cast<std::uint16_t>(burst.count_ - sent);
  return sent;
}

}  // namespace backsight::engine
