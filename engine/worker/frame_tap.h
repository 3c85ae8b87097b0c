// Copies of received frames that answer nothing of ours, for who asked to see them. Off but for the
// time of a capture: then a worker copies the beginning of each such frame into a ring, and leaves
// out what finds no room. No lock, no system call.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "engine/device/tsc.h"
#include "engine/worker/counters.h"
#include "engine/worker/spsc_ring.h"

namespace backsight::engine {

// What became of a frame: the counter that moved for it.
struct FrameFate {
  probes::Reject reject = probes::Reject::kCount;  // kCount: it was a reply
  RxOutcome outcome = RxOutcome::kCount;           // of a reply

  [[nodiscard]] std::string_view text() const noexcept {
    return reject != probes::Reject::kCount ? name(reject) : name(outcome);
  }
};

struct TappedFrame {
  static constexpr std::size_t kMaxBytes = 256;  // the longest headers that we read, and a quote

  Tsc arrived;
  std::uint32_t length = 0;  // of the frame; bytes holds no more than kMaxBytes of it
  std::uint8_t port = 0;     // its number
  FrameFate fate;
  std::array<std::byte, kMaxBytes> bytes;

  [[nodiscard]] std::span<const std::byte> kept() const noexcept {
    return std::span(bytes).first(std::min<std::size_t>(length, kMaxBytes));
  }
};

class FrameTap {
 public:
  // Thread: the worker.
  void see(std::uint8_t port, std::span<const std::byte> frame, FrameFate fate,
           Tsc arrived) noexcept {
    // Relaxed: a frame more or less at either end of a capture is nobody's loss.
    if (is_on_.load(std::memory_order_relaxed)) copy(port, frame, fate, arrived);
  }

  // Thread: the one that captures.
  void turn(bool is_on) noexcept { is_on_.store(is_on, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t pop(std::span<TappedFrame> out) noexcept { return ring_.pop(out); }
  // Frames that found no room, since the start.
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_.value(); }

 private:
  void copy(std::uint8_t port, std::span<const std::byte> frame, FrameFate fate,
            Tsc arrived) noexcept {
    TappedFrame tapped;
    tapped.arrived = arrived;
    tapped.port = port;
    tapped.length = static_cast<std::uint32_t>(frame.size());
    tapped.fate = fate;
    std::memcpy(tapped.bytes.data(), frame.data(), tapped.kept().size());
    if (!ring_.try_push(tapped)) ++missed_;
  }

  static constexpr std::size_t kFrames = 1024;
  std::atomic<bool> is_on_{false};  // written by who captures; read by the worker
  Counter missed_;
  SpscRing<TappedFrame> ring_{kFrames};
};

}  // namespace backsight::engine
