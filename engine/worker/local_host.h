// What this host says on its links besides probes: ARP, and answers to pings where no kernel gives
// them.
// Thread: the worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "engine/device/arp.h"
#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/limiter.h"
#include "engine/worker/send_policy.h"
#include "engine/worker/surroundings.h"
#include "probes/reading/reject.h"

namespace backsight::engine {

class LocalHost {
 public:
  // Nothing is sent while `is_silenced`, which outlives this.
  LocalHost(const Surroundings& around, const std::atomic<bool>& is_silenced)
      : around_(around), is_silenced_(is_silenced) {}

  // Takes a frame that came by the port and was rejected as what it is: ARP and pings to this host
  // are answered, all else is let be. The answer may be written into the frame. `policy` are the
  // lists in force; null: none.
  void take(std::size_t port, probes::Reject reject, std::span<std::byte> frame, Tsc arrived,
            const SendPolicy* policy) noexcept {
    if (reject == probes::Reject::kArp) {
      ++around_.counters.arp[take_arp(port, frame, arrived)];
    } else if (reject == probes::Reject::kEchoRequest && around_.lanes[port].answers) {
      answer_ping(port, frame, arrived, policy);
    }
  }
  // Asks for neighbours, when it is time again. Of the vantage point's first worker only.
  void ask_neighbours(Tsc now) noexcept;

 private:
  [[nodiscard]] ArpOutcome take_arp(std::size_t port, std::span<const std::byte> frame,
                                    Tsc arrived) noexcept;
  void answer_ping(std::size_t port, std::span<std::byte> frame, Tsc arrived,
                   const SendPolicy* policy) noexcept;
  bool send(const Lane& lane, std::span<const std::byte> frame) noexcept;

  const Surroundings around_;
  const std::atomic<bool>& is_silenced_;
  Spacing echo_replies_;
  Tsc next_neighbour_check_;
};

}  // namespace backsight::engine
