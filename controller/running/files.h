// What the files hold that a controller's config names.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/api_keys.h"
#include "config/controller_config.h"
#include "config/deny_list.h"
#include "config/error.h"
#include "controller/annotation/alias_table.h"
#include "controller/annotation/annotation.h"
#include "controller/annotation/locations.h"
#include "controller/annotation/prefix_table.h"
#include "controller/records.h"

namespace backsight::controller {

struct ControllerFiles {
  PrefixTable prefixes;
  std::unique_ptr<Locations> locations;
  AliasTable aliases;
  config::PrefixSet deny;
  std::optional<config::ApiKeys> keys;
  std::vector<TraceRecord> imported;

  [[nodiscard]] Annotation annotation() const { return {&prefixes, locations.get()}; }
};

struct ReadFiles {
  ControllerFiles files;
  std::vector<std::string> complaints;  // what was skipped, one sentence each
  std::vector<Error> faults;            // what cannot be: all of them
};
[[nodiscard]] ReadFiles read_files(const config::ControllerConfig& config);

}  // namespace backsight::controller
