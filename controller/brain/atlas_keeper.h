// The atlases of all sources: measured by the vantage points, imported, renewed before they are old
// and where they were contradicted.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "controller/annotation/alias_table.h"
#include "controller/atlas/source_atlas.h"
#include "controller/probing/prober.h"
#include "controller/ranking/ranking.h"
#include "controller/records.h"
#include "controller/vantage/vantage_table.h"

namespace backsight::controller {

class AtlasKeeper {
 public:
  AtlasKeeper(Prober& prober, const Ranking& ranking, const VantageTable& vantage,
              const AliasTable& aliases, SteadyNs max_age)
      : prober_(prober),
        ranking_(ranking),
        vantage_(vantage),
        aliases_(aliases),
        max_age_(max_age) {}

  // Traceroutes that others made, to addresses of sources; they take the place of those before.
  // They are kept for sources to come and for atlases that are cleared, too, and are as old as they
  // say.
  void import(std::vector<TraceRecord> traces);
  // How many of the imported traceroutes the atlas of this source took.
  [[nodiscard]] std::size_t imported_of(VpIndex source) const;
  // How many there are, to whomever.
  [[nodiscard]] std::size_t imported() const noexcept { return import_size_; }

  // Null: nothing is known of the ways to this source.
  [[nodiscard]] const SourceAtlas* of(VpIndex source) const;
  [[nodiscard]] SourceAtlas* of(VpIndex source);

  // The atlas of this source is kept from now on.
  void want(VpIndex source, const Now& now);
  // Asks what is missing or old. Traces of vantage points that cannot be used are left.
  void advance(const Now& now);
  [[nodiscard]] SteadyNs next_due() const noexcept { return next_at_; }
  // A vantage point appeared or can do more than before: look soon.
  void look_soon(const Now& now) { look_at_ = next_at_ = std::min(next_at_, now.steady); }

  // What may be probed has changed: what was left may be asked now.
  void look_again(const Now& now);

  // A traceroute between vantage points, or a route to a hop of an atlas, has ended.
  void on_trace(const Answer& answer, const Now& now);
  void on_route(const Answer& answer, const Now& now);
  // A route was not asked for, or its answer was ours to lose: it is asked for again soon.
  void on_failed(const Answer& answer, const Now& now);
  // A measured path of `source` went from one stamp to the other.
  void on_seen_in_a_row(VpIndex source, probes::Ipv4Addr from, probes::Ipv4Addr to, const Now& now);

  // Measures all anew.
  void refresh(VpIndex source, const Now& now);
  void clear(VpIndex source);
  [[nodiscard]] std::size_t contradicted() const noexcept { return contradicted_; }

 private:
  struct Task {
    SteadyNs due = 0;  // the next traceroute
    bool is_under_way = false;
    std::uint8_t failures = 0;
  };
  struct Source {
    std::unique_ptr<SourceAtlas> atlas;
    bool is_wanted = false;
    bool has_news = false;                                  // since it was last looked at
    std::map<VpIndex, Task> tasks;                          // by the vantage point that traces
    std::unordered_map<probes::Ipv4Addr, SteadyNs> ask_at;  // hops, when next asked for a route
    SteadyNs routes_due = 0;         // no hop need be asked before; 0: look at them all
    std::uint64_t import_taken = 0;  // the number of that import; 0: none
    std::size_t imported = 0;        // traceroutes of it
  };
  struct Imported {
    AtlasTrace trace;
    std::uint64_t started_unix_us = 0;
  };
  Source& source(VpIndex vp);
  void take_imported(Source& source, const Now& now);
  // It is looked at in the next advance(), the others not before their time.
  void note_news(Source& source, const Now& now);
  void ask_routes(VpIndex vp, Source& source, const Now& now);
  void trace(VpIndex from, VpIndex to, Task& task, const Now& now);

  Prober& prober_;
  const Ranking& ranking_;
  const VantageTable& vantage_;
  const AliasTable& aliases_;
  SteadyNs max_age_;
  SteadyNs next_at_ = 0;
  SteadyNs look_at_ = 0;  // at all sources
  std::map<VpIndex, Source> sources_;
  // By destination; of one the newest last.
  std::unordered_map<probes::Ipv4Addr, std::vector<Imported>> imported_;
  std::size_t import_size_ = 0;
  std::uint64_t import_number_ = 0;  // counts imports
  std::size_t contradicted_ = 0;
};

}  // namespace backsight::controller
