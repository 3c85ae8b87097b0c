// What a measurement may look at while it decides. It changes nothing here.
#pragma once

#include "controller/annotation/alias_table.h"
#include "controller/annotation/prefix_table.h"
#include "controller/atlas/source_atlas.h"
#include "controller/measurement/silence.h"
#include "controller/ranking/ranking.h"
#include "controller/vantage/vantage_table.h"

namespace backsight::controller {

struct Knowledge {
  const PrefixTable& prefixes;
  const AliasTable& aliases;
  const Ranking& ranking;
  const Silence& silence;
  const VantageTable& vantage;
  const SourceAtlas* atlas = nullptr;  // of the measurement's source; null: none
};

}  // namespace backsight::controller
