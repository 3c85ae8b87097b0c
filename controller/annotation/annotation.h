// What is known of addresses: what a hop is shown and archived with.
#pragma once

#include "controller/annotation/locations.h"
#include "controller/annotation/prefix_table.h"

namespace backsight::controller {

struct Annotation {
  const PrefixTable* prefixes = nullptr;  // none: prefix and AS are not known
  const Locations* locations = nullptr;   // none: places are not known
};

}  // namespace backsight::controller
