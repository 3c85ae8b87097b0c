#include "sim/report/survey.h"

#include <algorithm>
#include <array>

#include "probes/crafting/template.h"
#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr std::uint64_t kBetweenProbesNs = 2'000'000;  // 500 packets a second, no limit is met
constexpr std::uint32_t kAttempts = 3;                 // from different vantage points
// A destination that stamps the eighth slot leaves one for the way back.
constexpr std::size_t kStampsBeforeDestination = 7;

template <typename T>
const T& one_of(std::span<const T> all, std::uint64_t draw) {
  return all[below(draw, static_cast<std::uint32_t>(all.size()))];
}

std::vector<AsIndex> ases_of(const Path& path) {
  std::vector<AsIndex> ases;
  for (const Hop& hop : path.hops) {
    if (ases.empty() || ases.back() != hop.as) ases.push_back(hop.as);
  }
  return ases;
}

bool passes_options(const Path& path) {
  return std::none_of(path.hops.begin(), path.hops.end(),
                      [](const Hop& hop) { return hop.drops_options; });
}

bool is_on(const Path& path, RouterId router) {
  return std::any_of(path.hops.begin(), path.hops.end(),
                     [router](const Hop& hop) { return hop.router == router; });
}

}  // namespace

bool Survey::answers(bool records, const VantagePoint& vp, Ipv4Addr host) {
  static const probes::Template kPing({.kind = probes::Kind::kPing});
  static const probes::Template kRecord({.kind = probes::Kind::kRecordRoute});
  const probes::Template& shape = records ? kRecord : kPing;
  std::array<std::byte, probes::kMaxProbeBytes> bytes;
  probes::ProbeFields fields;
  fields.src = vp.address;
  fields.dst = host;
  shape.craft(fields, bytes.data());
  out_.clear();
  now_ns_ += kBetweenProbesNs;
  return world_.inject({bytes.data(), shape.size()}, vp.address, now_ns_, out_) == Fate::kAnswered;
}

bool Survey::is_in_reach(Ipv4Addr host) {
  for (const VantagePoint& vp : world_.vantage_points()) {
    const Path there = world_.path(vp.address, host, now_ns_);
    const auto stamps = std::count_if(there.hops.begin(), there.hops.end(),
                                      [](const Hop& hop) { return !hop.stamps.is_unspecified(); });
    if (there.exists && static_cast<std::size_t>(stamps) <= kStampsBeforeDestination &&
        passes_options(there)) {
      return true;
    }
  }
  return false;
}

void Survey::ask(std::uint64_t number, Responses& responses) {
  const auto host = world_.draw_host(number, [](const HostTraits& it) { return it.answers_ping; });
  if (!host) return;
  bool pings = false;
  bool records = false;
  for (std::uint64_t i = 0; i < kAttempts; ++i) {
    const VantagePoint& vp = one_of(world_.vantage_points(), combine(number, i));
    pings = pings || answers(false, vp, *host);
    records = records || answers(true, vp, *host);
  }
  if (!pings) return;
  ++responses.pingable;
  if (!records) return;
  ++responses.record;
  responses.in_reach += is_in_reach(*host);
}

// As reverse traceroute does when nothing better is known: the current hop R is an address recorded
// on the way back; the last router that a traceroute to R shows before it is taken for the next.
// Whether both are of one AS is what a prefix-to-AS table says.
void Survey::assume(const VantagePoint& vp, Ipv4Addr host, const Path& back,
                    Assumptions& assumptions) {
  std::vector<Ipv4Addr> met{host};
  for (const Hop& hop : back.hops) {
    if (world_.endpoint(hop.stamps).kind == Endpoint::Kind::kRouter) met.push_back(hop.stamps);
  }
  for (const Ipv4Addr current : met) {
    const Path there = world_.path(vp.address, current, now_ns_);
    const Path onward = world_.path(current, vp.address, now_ns_);
    if (there.hops.size() < 2 || onward.hops.size() < 2) continue;
    const auto skipped = current == host ? 0 : 1;  // itself
    const auto is_seen = [](const Hop& hop) { return !hop.is_hidden; };
    const auto before = std::find_if(there.hops.rbegin() + skipped, there.hops.rend(), is_seen);
    const auto next = std::find_if(onward.hops.begin() + skipped, onward.hops.end(), is_seen);
    // Of a router that is silent nothing is assumed.
    if (before == there.hops.rend() || before->shows.is_unspecified()) continue;
    const bool is_right = next != onward.hops.end() && before->router == next->router;
    const auto origin = world_.origin(current);
    if (origin && origin == world_.origin(before->shows)) {
      ++assumptions.within;
      assumptions.within_right += is_right;
    } else {
      ++assumptions.across;
      assumptions.across_right += is_right;
    }
  }
}

bool Survey::sample_path(std::uint64_t number, PathSample& sample, Assumptions& assumptions) {
  const VantagePoint& vp = one_of(world_.vantage_points(), combine(number, 17));
  const auto host = world_.draw_host(number, [](const HostTraits& it) { return it.answers_ping; });
  if (!host) return false;
  const std::uint64_t sent = now_ns_ + kBetweenProbesNs;
  if (!answers(false, vp, *host)) return false;
  sample.rtt_ms = static_cast<double>(out_.all().front().at_ns - sent) / 1e6;
  const FlowKey there_flow{combine(number, 1), combine(number, 2)};
  const FlowKey back_flow{combine(number, 3), combine(number, 4)};
  const Path there = world_.path(vp.address, *host, now_ns_, there_flow);
  const Path back = world_.path(*host, vp.address, now_ns_, back_flow);
  const std::vector<AsIndex> ases = ases_of(there);
  std::vector<AsIndex> back_ases = ases_of(back);
  std::reverse(back_ases.begin(), back_ases.end());
  sample.as_length = static_cast<std::uint32_t>(ases.size());
  sample.is_as_symmetric = ases == back_ases;
  sample.router_length =
      1 + static_cast<std::uint32_t>(std::count_if(there.hops.begin(), there.hops.end(),
                                                   [](const Hop& hop) { return !hop.is_hidden; }));
  const auto found = std::count_if(back.hops.begin(), back.hops.end(),
                                   [&](const Hop& hop) { return is_on(there, hop.router); });
  sample.found = static_cast<double>(found) / static_cast<double>(back.hops.size());
  assume(vp, *host, back, assumptions);
  return true;
}

}  // namespace backsight::sim
