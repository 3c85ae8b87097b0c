// A vantage point of a simulated Internet: the engine's own worker, from the mailbox to the report,
// on a port in memory and on time that somebody else moves. Control's part is played: what is asked
// counts as admitted.
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "config/vp/vp_config.h"
#include "engine/device/in_memory_port.h"
#include "engine/device/tsc.h"
#include "engine/worker/limiter.h"
#include "engine/worker/worker.h"
#include "engine/worker/worker_client.h"
#include "probes/identity/identity.h"
#include "probes/ip/address.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::evaluation {

class SimulatedVp {
 public:
  struct Setup {
    std::uint16_t id = 0;  // in its probes
    probes::Ipv4Addr address;
    config::RatesConfig rates;
    probes::TagKey key;  // the fleet's
  };
  // Both outlive this. Throws std::bad_alloc.
  SimulatedVp(const Setup& setup, const engine::TscClock& clock, const engine::FramePool& frames);

  void give(const tasks::Task& task);
  // An IPv4 packet comes.
  void receive(std::span<const std::byte> packet);
  // The worker's rounds of this moment. Calls `on_sent` with each IPv4 packet that leaves, and adds
  // what is reported to `batch`.
  void run(const std::function<void(std::span<const std::byte>)>& on_sent,
           tasks::ResultBatch& batch);
  // When to run it again, if nothing comes before; nothing: need not.
  [[nodiscard]] std::optional<engine::Tsc> next_due() const noexcept { return next_due_; }

 private:
  const engine::TscClock& clock_;
  const probes::Ipv4Addr address_;
  engine::TotalRate total_;
  engine::InMemoryPort port_;
  engine::Shared shared_;
  engine::Worker worker_;
  engine::WorkerClient client_;
  std::optional<engine::Tsc> next_due_;
};

}  // namespace backsight::evaluation
