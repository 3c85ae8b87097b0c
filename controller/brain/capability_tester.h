// What each vantage point can do is tested when it appears and then over and over: ping, Record
// Route, timestamps, spoofing and the receipt of what others spoof, to gateways of others.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "controller/probing/prober.h"
#include "controller/vantage/vantage_table.h"

namespace backsight::controller {

class CapabilityTester {
 public:
  CapabilityTester(Prober& prober, VantageTable& vantage) : prober_(prober), vantage_(vantage) {}

  // Tests what is due.
  void advance(const Now& now);
  [[nodiscard]] SteadyNs next_due() const noexcept { return next_at_; }
  // A vantage point appeared, or came back: it is tested soon.
  void expect(VpIndex vp, const Now& now);

  [[nodiscard]] static bool is_mine(Waiter waiter) noexcept { return waiter >> 60 == kClass; }
  void on_news(const News& news, const Now& now);

 private:
  static constexpr std::uint64_t kClass = 2;

  void test(VpIndex vp, const Now& now);
  void ask(VpIndex sender, VpIndex receiver, probes::Kind kind, probes::Ipv4Addr dst,
           const Now& now);
  [[nodiscard]] std::vector<VpIndex> partners_of(VpIndex vp) const;
  // Somebody who answers, for a test of `vp` with the `turn`-th of its partners: that one's
  // gateway, or another vantage point where it has none that may be asked. Unspecified: nobody.
  [[nodiscard]] probes::Ipv4Addr target_of(VpIndex vp, std::size_t turn,
                                           const std::vector<VpIndex>& partners) const;

  Prober& prober_;
  VantageTable& vantage_;
  std::unordered_map<VpIndex, SteadyNs> due_;
  std::unordered_map<VpIndex, std::size_t> turn_;
  std::unordered_map<std::uint64_t, std::pair<VpIndex, VpIndex>> spoofed_;  // by probe
  SteadyNs next_at_ = 0;
};

}  // namespace backsight::controller
