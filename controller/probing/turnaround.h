// How long the answer to a probe takes, from when it left its vantage point to hearing of it:
// learned from what came, by vantage point and prefix, as TCP learns its time-out (RFC 6298).
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "controller/now.h"
#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"

namespace backsight::controller {

class Turnaround {
 public:
  // `time_ns` passed for a probe that `sender` sent to `dst` and whose reply `receiver` got.
  void learn(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst, SteadyNs time_ns);

  // After this time an answer is overdue: what is usual, and a margin for what varies.
  [[nodiscard]] SteadyNs patience(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst) const;

 private:
  struct Estimate {
    double mean_ns = 0;
    double deviation_ns = 0;
    std::uint32_t count = 0;

    void learn(double time_ns) noexcept;
    [[nodiscard]] SteadyNs patience() const noexcept;
  };
  static std::uint64_t key_of(VpIndex sender, VpIndex receiver, probes::Ipv4Addr dst) noexcept;

  std::unordered_map<std::uint64_t, Estimate> by_prefix_;  // both ends and the /24
  std::unordered_map<std::uint32_t, Estimate> by_pair_;    // both ends
  Estimate all_;
};

}  // namespace backsight::controller
