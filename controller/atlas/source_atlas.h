// What is known of the ways to one source: traceroutes to it, and what Record Route probes to their
// hops told of the routers behind them (the RR atlas). A reverse path that comes to a place on a
// traceroute goes on as the traceroute does, because routing is by destination.
//
// A stamp is most often an address that no traceroute shows. Where it belongs is told by
//   - an alias, if the operator has aliases or they were learned;
//   - the RR atlas: the k-th stamp in the reply of hop i is of router i+k or a later one, because
//   each
//     router stamps once at the most, and of router j or an earlier one if the reply of hop j, on
//     the same way, lacks it.
// The other end of a stamp's /30 tells nothing that is certain: at borders, addresses that look
// like two ends of one link are often of two links. An address that names nobody
// (probes/ip/special_purpose.h) is shown where it stands, and met nowhere. Thread: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "controller/annotation/alias_table.h"
#include "controller/now.h"
#include "controller/vantage/vp_index.h"
#include "probes/ip/address.h"

namespace backsight::controller {

// A traceroute that reached the source; `hops` are the routers on the way, the source left out.
struct AtlasTrace {
  std::uint64_t id = 0;
  VpIndex vp = kNoVp;  // that traced; kNoVp: imported
  probes::Ipv4Addr from;
  SteadyNs at = 0;
  std::vector<probes::Ipv4Addr> hops;  // unspecified: silent
  // Hops before this one are no longer believed: a measured path went on otherwise from there.
  std::uint16_t valid_from = 0;
};

// Where a path meets a traceroute: at one of the hops first..last. When nothing is uncertain, they
// are one hop, and `next` is the first hop behind it that is not on the path yet.
struct Intersection {
  const AtlasTrace* trace = nullptr;
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::uint16_t next = 0;  // into trace->hops; its size: the source is next
  bool is_certain = true;
};

class SourceAtlas {
 public:
  SourceAtlas(probes::Ipv4Addr source, const AliasTable& aliases)
      : source_(source), aliases_(aliases) {}

  // Replaces what the same vantage point or address traced before. Traces with a loop are refused.
  bool add(AtlasTrace trace);
  // A reply of `hop` passed these routers, in order, on its way to the source; `is_complete`: all.
  void add_route(probes::Ipv4Addr hop, std::span<const probes::Ipv4Addr> passed, bool is_complete,
                 SteadyNs now);

  // Where a path that has come to `address` meets what is known, newer than `oldest`.
  [[nodiscard]] std::optional<Intersection> find(probes::Ipv4Addr address, SteadyNs oldest) const;

  // Traceroutes newer than `oldest` that have the hop, each with its place there, until `visit`
  // returns false.
  void visit_traces_by(
      probes::Ipv4Addr hop, SteadyNs oldest,
      const std::function<bool(const AtlasTrace& trace, std::size_t place)>& visit) const;

  // Whether a path that goes from stamp `from` to stamp `to` goes otherwise than the atlas says: to
  // another stamp than before, or to a router that is not on the traceroute.
  [[nodiscard]] bool is_contradicted_by(probes::Ipv4Addr from, probes::Ipv4Addr to) const;
  // A measured path went from the router of `from` to `to`, both stamped. Returns the traceroutes
  // that say otherwise; they are no longer believed up to there.
  std::vector<const AtlasTrace*> contradict(probes::Ipv4Addr from, probes::Ipv4Addr to);

  [[nodiscard]] bool has_hop(probes::Ipv4Addr hop) const { return places_.contains(hop); }
  // Hops that no Record Route probe has been answered by since `oldest`, and of the answers of all
  // others the oldest.
  struct Routeless {
    std::vector<probes::Ipv4Addr> hops;
    std::optional<SteadyNs> oldest_answer;
  };
  [[nodiscard]] Routeless hops_without_route(SteadyNs oldest) const;
  // Where the traceroute of this vantage point passes the hop, from 1 on; 0: it does not.
  [[nodiscard]] std::uint8_t ttl_of(VpIndex vp, probes::Ipv4Addr hop) const;

  void clear();
  [[nodiscard]] probes::Ipv4Addr source() const noexcept { return source_; }
  [[nodiscard]] const std::vector<AtlasTrace>& traces() const noexcept { return traces_; }
  // Addresses at which a path may meet a traceroute.
  [[nodiscard]] std::size_t hop_count() const noexcept { return places_.size(); }

 private:
  struct Place {
    std::uint32_t trace = 0;
    std::uint16_t hop = 0;
  };
  // What replies of the hops of one traceroute told of one stamp.
  struct Bounds {
    std::uint32_t trace = 0;
    std::uint16_t first = 0;  // at the earliest
    std::uint16_t last = 0;   // at the latest
    SteadyNs at = 0;          // the oldest reply that says so
  };
  struct Route {
    std::vector<probes::Ipv4Addr> passed;
    bool is_complete = false;
    SteadyNs at = 0;
  };

  void index(std::uint32_t trace);
  void reindex();
  void bound(std::uint32_t trace);
  [[nodiscard]] std::vector<Place> places_of(probes::Ipv4Addr address) const;
  [[nodiscard]] bool leaves(const Place& place, probes::Ipv4Addr to) const;
  [[nodiscard]] std::optional<Intersection> at_place(probes::Ipv4Addr address,
                                                     SteadyNs oldest) const;
  [[nodiscard]] std::optional<Intersection> by_bounds(probes::Ipv4Addr address,
                                                      SteadyNs oldest) const;

  probes::Ipv4Addr source_;
  const AliasTable& aliases_;
  std::vector<AtlasTrace> traces_;
  std::unordered_map<probes::Ipv4Addr, std::vector<Place>> places_;   // of the hops
  std::unordered_map<probes::Ipv4Addr, std::vector<Bounds>> bounds_;  // of stamps
  std::vector<std::vector<probes::Ipv4Addr>> bounded_;                // stamps, by traceroute
  std::unordered_map<probes::Ipv4Addr, Route> routes_;                // by hop
  std::unordered_map<probes::Ipv4Addr, std::vector<probes::Ipv4Addr>>
      after_;  // stamp to next stamps
};

}  // namespace backsight::controller
