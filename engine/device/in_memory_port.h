// A port that no device stands behind, and its other end, for who plays the network: simulations.
// Frames pass in memory, in the thread that calls.
// Thread: one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "config/error.h"
#include "config/sections/port_config.h"
#include "engine/device/eal.h"
#include "engine/device/handover.h"
#include "engine/device/port.h"
#include "engine/device/tsc.h"
#include "probes/wire/mac_addr.h"

namespace backsight::engine {

// Frames for all such ports of a process.
class FramePool {
 public:
  // So many frames may be on their way at once, through so many ports. Starts DPDK if that was not
  // done: ordinary memory, any core, no devices, no root.
  [[nodiscard]] static Expected<std::unique_ptr<FramePool>> make(std::size_t frames,
                                                                 std::size_t ports);
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  [[nodiscard]] rte_mempool* pool() const noexcept { return pool_; }
  // Frames that somebody holds.
  [[nodiscard]] std::size_t in_use() const noexcept;

 private:
  explicit FramePool(rte_mempool* pool) : pool_(pool) {}
  rte_mempool* pool_;
};

class InMemoryPort {
 public:
  // `config` names an address; its device is not looked at. `frames` and `clock` outlive this.
  // Throws std::bad_alloc.
  InMemoryPort(const config::PortConfig& config, probes::MacAddr mac, const TscClock& clock,
               const FramePool& frames);

  [[nodiscard]] Port& port() noexcept { return *port_; }
  // Hands a copy of the frame to the port. False: there is no room for it.
  bool deliver(std::span<const std::byte> frame) noexcept;
  // Calls `on_frame` for each frame that was sent and not collected before.
  void collect(const std::function<void(std::span<const std::byte>)>& on_frame);

 private:
  const FramePool& frames_;
  std::unique_ptr<Handover> handover_;
  std::unique_ptr<Port> port_;
};

}  // namespace backsight::engine
