#include "controller/vantage/vantage_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace backsight::controller {

namespace {

// Failures in a row after which a capability is not believed in any more.
constexpr std::uint8_t kFailuresToLose = 3;
constexpr SteadyNs kFirstQuarantine = kMinute;
constexpr std::uint8_t kMostDoublings = 10;

}  // namespace

VantageTable::Heard VantageTable::hear(const Announcement& said, SteadyNs now) {
  auto known =
      std::ranges::find_if(vps_, [&](const VantagePoint& vp) { return vp.said.name == said.name; });
  Heard heard;
  if (known == vps_.end()) {
    vps_.emplace_back();
    known = vps_.end() - 1;
    known->heard_at = now;
    heard.is_new = true;
    if (said.is_old) {
      known->said = said;
      known->state = VantagePoint::State::kSilent;
      heard.vp = static_cast<VpIndex>(known - vps_.begin());
      return heard;
    }
  } else if (known->said.updated_at_ns == said.updated_at_ns) {
    heard.vp = static_cast<VpIndex>(known - vps_.begin());
    return heard;  // nothing new: it is not alive for having been alive
  }
  heard.is_back = known->state == VantagePoint::State::kSilent;
  if (known->said.started_at_ns != said.started_at_ns) {
    // Another life, perhaps another network: everything is tested anew.
    for (auto& tested : known->tested) tested = {};
    known->may_not_spoof.clear();
  }
  known->said = said;
  known->heard_at = now;
  if (heard.is_back) known->state = VantagePoint::State::kTesting;
  judge(*known, now);
  heard.vp = static_cast<VpIndex>(known - vps_.begin());
  return heard;
}

std::vector<VpIndex> VantageTable::find_lost(SteadyNs now, SteadyNs patience) {
  std::vector<VpIndex> lost;
  for (std::size_t i = 0; i < vps_.size(); ++i) {
    VantagePoint& vp = vps_[i];
    if (vp.state != VantagePoint::State::kSilent && now - vp.heard_at > patience) {
      vp.state = VantagePoint::State::kSilent;
      lost.push_back(static_cast<VpIndex>(i));
    } else {
      judge(vp, now);
    }
  }
  return lost;
}

void VantageTable::learn(VpIndex index, Capability what, bool works, SteadyNs now) {
  VantagePoint& vp = vps_[index];
  VantagePoint::Tested& tested = vp.tested[static_cast<std::size_t>(what)];
  tested.at = now;
  if (works) {
    tested.is_known = tested.works = true;
    tested.failures = 0;
  } else if (++tested.failures >= kFailuresToLose) {
    tested.failures = kFailuresToLose;
    tested.is_known = true;
    tested.works = false;
  }
  judge(vp, now);
}

void VantageTable::learn_refusal(VpIndex sender, VpIndex source) {
  vps_[sender].may_not_spoof.insert(source);
}

// As RevTr's service does: only when everything fails is it left alone, for longer each time.
void VantageTable::judge(VantagePoint& vp, SteadyNs now) {
  if (vp.state == VantagePoint::State::kSilent) return;
  if (vp.state == VantagePoint::State::kQuarantined) {
    if (now < vp.quarantined_until) return;
    for (auto& tested : vp.tested) tested = {};
    vp.state = VantagePoint::State::kTesting;
  }
  const auto fails = [&](Capability what) { return vp.of(what).is_known && !vp.of(what).works; };
  if (fails(Capability::kPing) && fails(Capability::kRecordRoute) && fails(Capability::kTrace)) {
    vp.state = VantagePoint::State::kQuarantined;
    vp.quarantined_until = now + (kFirstQuarantine << vp.quarantines);
    vp.quarantines =
        std::min<std::uint8_t>(static_cast<std::uint8_t>(vp.quarantines + 1), kMostDoublings);
    return;
  }
  const bool is_tested = vp.of(Capability::kPing).is_known;
  vp.state = is_tested ? VantagePoint::State::kReady : VantagePoint::State::kTesting;
  if (vp.of(Capability::kPing).works) vp.quarantines = 0;
}

// Of two that say they have the same, the one that is there.
template <typename Value>
std::optional<VpIndex> VantageTable::holder_of(Value Announcement::*what, Value value) const {
  std::optional<VpIndex> silent;
  for (std::size_t i = 0; i < vps_.size(); ++i) {
    if (vps_[i].said.*what != value) continue;
    const auto vp = static_cast<VpIndex>(i);
    if (vps_[i].state != VantagePoint::State::kSilent) return vp;
    if (!silent) silent = vp;
  }
  return silent;
}

std::optional<VpIndex> VantageTable::by_number(std::uint16_t number) const {
  return holder_of(&Announcement::number, number);
}

std::optional<VpIndex> VantageTable::by_name(std::string_view name) const {
  for (std::size_t i = 0; i < vps_.size(); ++i) {
    if (vps_[i].said.name == name) return static_cast<VpIndex>(i);
  }
  return std::nullopt;
}

std::optional<VpIndex> VantageTable::by_address(probes::Ipv4Addr address) const {
  return holder_of(&Announcement::address, address);
}

bool VantageTable::is_usable(VpIndex vp) const {
  const VantagePoint& it = vps_[vp];
  return it.said.is_ready && it.link_trouble.empty() && it.state != VantagePoint::State::kSilent &&
         it.state != VantagePoint::State::kQuarantined;
}

std::optional<std::string> VantageTable::why_no_source(VpIndex vp) const {
  const VantagePoint& it = vps_[vp];
  if (!it.link_trouble.empty()) return it.link_trouble;
  if (it.state == VantagePoint::State::kSilent) return "it says nothing";
  if (it.state == VantagePoint::State::kQuarantined) return "it is in quarantine: its tests fail";
  if (!it.said.is_ready) return "it is not ready: " + it.said.why_not;
  if (!it.can(Capability::kRecordRoute) && !it.can(Capability::kTrace)) {
    return "neither Record Route nor traceroute works from it";
  }
  return std::nullopt;
}

std::optional<std::string> VantageTable::why_no_spoofer(VpIndex source) const {
  if (!vps_[source].can(Capability::kReceiveSpoofed)) {
    return "replies to probes that others send in the source's name do not arrive at it";
  }
  if (vps_.size() < 2)
    return "there is no other vantage point that could send in the source's name";
  if (!spoofers_for(source).empty()) return std::nullopt;
  const bool is_refused = std::ranges::any_of(
      vps_, [&](const VantagePoint& vp) { return vp.may_not_spoof.contains(source); });
  return is_refused ? "the source is not enrolled at the vantage points that could send in its name"
                    : "no vantage point can send in the source's name";
}

std::vector<VpIndex> VantageTable::spoofers_for(VpIndex source) const {
  std::vector<VpIndex> spoofers;
  if (!vps_[source].can(Capability::kReceiveSpoofed)) return spoofers;
  for (std::size_t i = 0; i < vps_.size(); ++i) {
    const auto vp = static_cast<VpIndex>(i);
    if (vp != source && is_usable(vp) && vps_[i].can(Capability::kSpoof) &&
        vps_[i].can(Capability::kRecordRoute) && !vps_[i].may_not_spoof.contains(source)) {
      spoofers.push_back(vp);
    }
  }
  return spoofers;
}

}  // namespace backsight::controller
