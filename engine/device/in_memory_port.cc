#include "engine/device/in_memory_port.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace backsight::engine {
namespace {

constexpr std::size_t kDpdkMemoryMb = 32;   // beside the frames
constexpr std::size_t kFrameBytes = 2560;   // with its description
constexpr std::size_t kPortBytes = 40'960;  // its two rings
constexpr std::size_t kMiB = std::size_t{1} << 20;

// A name that no other has in this process.
std::string unique_name(const char* kind) {
  static unsigned count = 0;
  return fmt::format("{}{}", kind, count++);
}

}  // namespace

Expected<std::unique_ptr<FramePool>> FramePool::make(std::size_t frames, std::size_t ports) {
  if (!Eal::is_started()) {
    const std::size_t bytes = frames * kFrameBytes + ports * kPortBytes;
    auto started = Eal::start(plan_without_devices(kDpdkMemoryMb + bytes / kMiB));
    if (!started) return tl::unexpected(started.error());
    static const Eal eal = std::move(*started);
  }
  rte_mempool* const pool =
      rte_pktmbuf_pool_create(unique_name("frames").c_str(), static_cast<unsigned>(frames), 0, 0,
                              RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) {
    return run_failed(fmt::format("no memory for {} frames ({})", frames, rte_strerror(rte_errno)));
  }
  return std::unique_ptr<FramePool>(new FramePool(pool));
}

FramePool::~FramePool() { rte_mempool_free(pool_); }

std::size_t FramePool::in_use() const noexcept { return rte_mempool_in_use_count(pool_); }

InMemoryPort::InMemoryPort(const config::PortConfig& config, probes::MacAddr mac,
                           const TscClock& clock, const FramePool& frames)
    : frames_(frames),
      handover_(std::make_unique<Handover>(unique_name("memory").c_str())),
      port_(Port::without_device(config, mac, clock, frames.pool(), *handover_)) {}

bool InMemoryPort::deliver(std::span<const std::byte> frame) noexcept {
  if (frame.size() > UINT16_MAX) return false;
  rte_mbuf* packet = rte_pktmbuf_alloc(frames_.pool());
  if (packet == nullptr) return false;
  char* const room = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size()));
  if (room != nullptr) std::memcpy(room, frame.data(), frame.size());
  const bool is_taken = room != nullptr && handover_->deliver(std::span(&packet, 1)) == 1;
  if (!is_taken) rte_pktmbuf_free(packet);
  return is_taken;
}

void InMemoryPort::collect(const std::function<void(std::span<const std::byte>)>& on_frame) {
  std::array<rte_mbuf*, kBurst> packets;
  while (const std::size_t count = handover_->collect(packets)) {
    for (const rte_mbuf* packet : std::span(packets).first(count)) {
      on_frame({rte_pktmbuf_mtod(packet, const std::byte*), rte_pktmbuf_data_len(packet)});
    }
    rte_pktmbuf_free_bulk(packets.data(), static_cast<unsigned>(count));
  }
}

}  // namespace backsight::engine
