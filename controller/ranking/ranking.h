// Which vantage points are near enough to a target that a Record Route probe of theirs has slots
// left for the way back, and in which order to try them: RevTr 2.0's ingress cover.
//
// A survey sends Record Route from every vantage point to two destinations of a prefix. Those that
// enter the prefix by the same router (ingress) are expected to see the same; so the nearest of
// each ingress come first, in turn. Thread: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "controller/annotation/alias_table.h"
#include "controller/annotation/prefix_table.h"
#include "controller/now.h"
#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"

namespace backsight::controller {

// Slots that may be used up when the target has answered: one is left for the way back.
inline constexpr std::uint8_t kMostSlotsUsed = 8;

struct Candidate {
  VpIndex vp = kNoVp;
  probes::Ipv4Addr ingress;   // unspecified: not known
  std::uint8_t distance = 0;  // slots used when the target has answered; 0: not known
  bool is_exact = false;      // seen for this very target, not for its neighbours
};

class Ranking {
 public:
  Ranking(const PrefixTable& prefixes, const AliasTable& aliases)
      : prefixes_(prefixes), aliases_(aliases) {}

  // A reply told that `vp` uses `used` slots until `target` has answered; 0: more than there are.
  void learn(VpIndex vp, probes::Ipv4Addr target, std::uint8_t used, SteadyNs now);
  // A packet of `vp` came by `router` after `slots` slots: a bound for probes to it.
  void learn_passed(VpIndex vp, probes::Ipv4Addr router, std::uint8_t slots, SteadyNs now);

  // One answer of a survey of `target`'s prefix. `forward` are the slots of the way there.
  void learn_survey(VpIndex vp, probes::Ipv4Addr target, std::span<const probes::Ipv4Addr> forward,
                    std::uint8_t used, SteadyNs now);

  // The prefix that a survey of the target is of, as a number: the announced one, else the /24.
  [[nodiscard]] std::uint64_t prefix_of(probes::Ipv4Addr target) const;
  // Whether a survey of the prefix would tell more than is known; false for some time after
  // begin_survey(), whatever came of it.
  [[nodiscard]] bool wants_survey(probes::Ipv4Addr target, SteadyNs now) const;
  void begin_survey(probes::Ipv4Addr target, SteadyNs now);
  void end_survey(probes::Ipv4Addr target);
  // The last survey could not be made: another one is wanted from then on.
  void want_survey_at(probes::Ipv4Addr target, SteadyNs at);
  [[nodiscard]] bool is_surveying(probes::Ipv4Addr target) const;

  // Those of `vps` that may reach the target with a slot to spare, best first. Those that did not
  // reach others of its prefix come later, those of which nothing is known last.
  [[nodiscard]] std::vector<Candidate> rank(probes::Ipv4Addr target, std::span<const VpIndex> vps,
                                            SteadyNs now) const;

  // What is known of one vantage point and target; distance 0: nothing, above kMostSlotsUsed: too
  // far.
  [[nodiscard]] Candidate look_up(VpIndex vp, probes::Ipv4Addr target, SteadyNs now) const;

 private:
  struct Distance {
    VpIndex vp = kNoVp;
    std::uint8_t used = 0;
    bool is_exact = false;
    SteadyNs at = 0;
  };
  using Distances = std::vector<Distance>;  // to one address, by vantage point
  struct Way {                              // of one vantage point into a prefix
    VpIndex vp = kNoVp;
    std::uint8_t used = 0;
    std::uint8_t targets = 0;
    std::vector<probes::Ipv4Addr> entry;  // routers from the last before the prefix's AS on
  };
  struct Survey {
    SteadyNs again_at = 0;  // not before
    bool is_under_way = false;
    std::vector<Way> ways;                                  // by vantage point
    std::unordered_map<VpIndex, probes::Ipv4Addr> ingress;  // by greedy cover
  };

  // All that is known of a target.
  struct About {
    const Survey* survey = nullptr;
    std::vector<const Distances*> distances;  // of its own address, then of its router's others
  };

  void cover(Survey& survey) const;
  void keep(probes::Ipv4Addr address, const Distance& distance);
  [[nodiscard]] About about(probes::Ipv4Addr target) const;
  [[nodiscard]] static Candidate look_up(VpIndex vp, const About& about, SteadyNs now);

  const PrefixTable& prefixes_;
  const AliasTable& aliases_;
  std::unordered_map<probes::Ipv4Addr, Distances> distances_;
  std::size_t distance_count_ = 0;
  std::unordered_map<std::uint64_t, Survey> surveys_;  // by prefix
};

}  // namespace backsight::controller
