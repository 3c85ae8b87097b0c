// What the files hold that a controller's config names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/controller/controller_config.h"
#include "config/error.h"
#include "config/keys/api_keys.h"
#include "config/lists/deny_list.h"
#include "controller/annotation/alias_table.h"
#include "controller/annotation/annotation.h"
#include "controller/annotation/locations.h"
#include "controller/annotation/prefix_table.h"
#include "controller/records.h"

namespace backsight::controller {

// The files of data: what others publish, and may be replaced while the controller runs. Nothing:
// the config names no such file, or what it names cannot be read.
struct DataFiles {
  std::shared_ptr<const PrefixTable> prefixes;  // with the exchanges' members
  std::shared_ptr<const Locations> locations;
  std::shared_ptr<const AliasTable> aliases;
  std::optional<std::vector<TraceRecord>> imported;

  [[nodiscard]] Annotation annotation() const { return {prefixes, locations}; }
};

struct ReadData {
  DataFiles files;
  std::vector<std::string> served;      // how much of each file serves, one sentence each
  std::vector<std::string> complaints;  // what was passed over, one sentence each
  std::vector<Error> faults;            // what cannot be: all of them
};
// Imported traceroutes are numbered from `next_import` on, which is left behind the last.
[[nodiscard]] ReadData read_data(const config::ControllerConfig& config,
                                 std::uint64_t& next_import);
// Imported traceroutes are numbered apart from all that we measure.
inline constexpr std::uint64_t kFirstImported = std::uint64_t{1} << 62;

// The files that read_data() reads; of a folder of imports those that are in it now.
[[nodiscard]] std::vector<std::filesystem::path> data_files(const config::ControllerConfig& config);

struct ControllerFiles {
  DataFiles data;
  config::PrefixSet deny;
  std::optional<config::ApiKeys> keys;
};

struct ReadFiles {
  ControllerFiles files;
  std::vector<std::string> served;
  std::vector<std::string> complaints;
  std::vector<Error> faults;
};
// The files of data, and with them all others.
[[nodiscard]] ReadFiles read_files(const config::ControllerConfig& config, ReadData data);

}  // namespace backsight::controller
