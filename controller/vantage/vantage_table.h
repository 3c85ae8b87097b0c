// The vantage points, what they can do, and which of them measure now.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "controller/now.h"
#include "controller/vantage/announcement.h"
#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"

namespace backsight::controller {

// What is tested, over and over.
enum class Capability : std::uint8_t {
  kPing,
  kRecordRoute,
  kTimestamp,
  kTrace,
  kSpoof,
  kReceiveSpoofed,
  kCount
};

struct VantagePoint {
  enum class State : std::uint8_t { kTesting, kReady, kSilent, kQuarantined };
  // Of one capability: what the last tests said.
  struct Tested {
    bool is_known = false;
    bool works = false;
    std::uint8_t failures = 0;  // in a row
    SteadyNs at = 0;
  };

  Announcement said;
  State state = State::kTesting;
  SteadyNs heard_at = 0;
  Tested tested[static_cast<std::size_t>(Capability::kCount)];
  std::string link_trouble;  // keeps tasks from it, or its results from us; empty: nothing
  SteadyNs quarantined_until = 0;
  std::uint8_t quarantines = 0;
  std::unordered_set<VpIndex> may_not_spoof;  // sources that it refuses

  [[nodiscard]] const Tested& of(Capability what) const {
    return tested[static_cast<std::size_t>(what)];
  }
  // Not known counts as yes: a test is under way, and a probe that fails says so at once.
  [[nodiscard]] bool can(Capability what) const { return !of(what).is_known || of(what).works; }
};

class VantageTable {
 public:
  // Takes what was announced; returns its index and whether it is new, or was silent until now.
  struct Heard {
    VpIndex vp = kNoVp;
    bool is_new = false;
    bool is_back = false;
  };
  Heard hear(const Announcement& announcement, SteadyNs now);
  // Those that have said nothing for `patience` are silent from now on; they are returned.
  std::vector<VpIndex> find_lost(SteadyNs now, SteadyNs patience);

  void set_link(VpIndex vp, std::string trouble) { vps_[vp].link_trouble = std::move(trouble); }

  // The end of a test, or of any probe that shows the same.
  void learn(VpIndex vp, Capability what, bool works, SteadyNs now);
  void learn_refusal(VpIndex sender, VpIndex source);

  [[nodiscard]] const VantagePoint& of(VpIndex vp) const { return vps_[vp]; }
  [[nodiscard]] std::size_t size() const noexcept { return vps_.size(); }
  [[nodiscard]] std::optional<VpIndex> by_number(std::uint16_t number) const;
  [[nodiscard]] std::optional<VpIndex> by_name(std::string_view name) const;
  [[nodiscard]] std::optional<VpIndex> by_address(probes::Ipv4Addr address) const;

  // Announces itself ready, can be reached, and is not in quarantine.
  [[nodiscard]] bool is_usable(VpIndex vp) const;
  // Usable as a source of reverse traceroutes; a clause says why not.
  [[nodiscard]] std::optional<std::string> why_no_source(VpIndex vp) const;
  // Why nobody may send for this source, as a clause; nothing: somebody may.
  [[nodiscard]] std::optional<std::string> why_no_spoofer(VpIndex source) const;
  // Those that may send for this source.
  [[nodiscard]] std::vector<VpIndex> spoofers_for(VpIndex source) const;

 private:
  void judge(VantagePoint& vp, SteadyNs now);
  template <typename Value>
  [[nodiscard]] std::optional<VpIndex> holder_of(Value Announcement::*what, Value value) const;

  std::vector<VantagePoint> vps_;
};

}  // namespace backsight::controller
