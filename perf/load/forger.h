// A machine that sends forged replies as fast as it can. They are well made: addresses, checksums
// and options are right, so that only what it cannot know gives them away. Each carries kForgedTtl,
// by which an accepted one would be known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "perf/load/rig.h"
#include "probes/wire/mac_addr.h"

struct rte_mempool;

namespace backsight::perf {

inline constexpr std::uint8_t kForgedTtl = 13;

class Forger {
 public:
  // Draws frames to the rig's port.
  Forger(const RingPort& port, probes::MacAddr target);
  ~Forger();
  Forger(const Forger&) = delete;
  Forger& operator=(const Forger&) = delete;

  // Sends up to 32, as there is room.
  void step();
  // From here on it sends 32 each time; what finds no room is dropped, as by a port whose queue is
  // full.
  void drop_when_full() noexcept { drops_when_full_ = true; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }        // that had room
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }  // that had none

 private:
  // How they are made: guesses of handle and tag in an echo reply; the same as if answering a
  // spoofed probe; quotes of eight bytes; quotes with an identity.
  static constexpr std::size_t kKinds = 4;
  struct Frame {
    std::array<std::byte, 160> bytes{};
    std::uint16_t size = 0;
    std::uint16_t random_at = 0;                    // eight bytes that vary: handle and more
    std::uint64_t random_mask = ~std::uint64_t{0};  // which of their bits
    bool is_spoofed = false;
    std::uint16_t checksum_at = 0;  // of ICMP, that of the frame with those bytes zero
  };
  [[nodiscard]] std::uint64_t draw() noexcept;

  const RingPort& port_;
  rte_mempool* pool_;
  std::array<Frame, kKinds> frames_;
  std::uint64_t random_ = 0x2545f4914f6cdd1dULL;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
  bool drops_when_full_ = false;
};

}  // namespace backsight::perf
