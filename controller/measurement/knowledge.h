// What a measurement may look at while it decides. It changes nothing here.
#pragma once

#include "config/lists/deny_list.h"
#include "controller/annotation/alias_table.h"
#include "controller/annotation/prefix_table.h"
#include "controller/atlas/source_atlas.h"
#include "controller/measurement/silence.h"
#include "controller/ranking/ranking.h"
#include "controller/vantage/vantage_table.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

struct Knowledge {
  const PrefixTable& prefixes;
  const AliasTable& aliases;
  const Ranking& ranking;
  const Silence& silence;
  const VantageTable& vantage;
  const config::PrefixSet& denied;     // never probed, nor spoofed for
  const SourceAtlas* atlas = nullptr;  // of the measurement's source; null: none

  // Whether a probe to a hop of this address may be sent, and finds the hop.
  [[nodiscard]] bool may_be_asked(probes::Ipv4Addr hop) const noexcept {
    return !probes::names_nobody(hop) && !denied.contains(hop);
  }
};

}  // namespace backsight::controller
