// Who does not answer, and for how long that is believed: twice as long each time, so that what is
// dead costs less and less, and what comes back is found.
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "controller/now.h"
#include "probes/ip/address.h"

namespace backsight::controller {

class Silence {
 public:
  // What was asked in vain.
  enum class Of : std::uint8_t { kRecordRoute, kAnything };

  // No vantage point got an answer from it.
  void learn(Of what, probes::Ipv4Addr target, SteadyNs now);
  // It answered.
  void forget(Of what, probes::Ipv4Addr target);
  // It was asked in vain, and it is too early to ask again.
  [[nodiscard]] bool is_known(Of what, probes::Ipv4Addr target, SteadyNs now) const;
  // When to ask again; 0: now.
  [[nodiscard]] SteadyNs until(Of what, probes::Ipv4Addr target) const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    SteadyNs until = 0;
    std::uint8_t times = 0;
  };
  static std::uint64_t key_of(Of what, probes::Ipv4Addr target) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(what)} << 32 | target.value;
  }
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace backsight::controller
