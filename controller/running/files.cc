#include "controller/running/files.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "controller/annotation/exchange_members.h"
#include "controller/atlas_import/ripe_atlas.h"

namespace backsight::controller {

namespace {

// Imported traceroutes are numbered apart from all that we measure.
constexpr std::uint64_t kFirstImported = std::uint64_t{1} << 62;

// Keeps what was read, or notes why it was not.
template <typename Read, typename Keep>
void take(Expected<Read>&& read, ReadFiles& into, Keep keep) {
  if (read) {
    keep(std::move(*read));
  } else {
    into.faults.push_back(read.error());
  }
}

void append(std::vector<std::string>& complaints, std::vector<std::string> more) {
  complaints.insert(complaints.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
}

void import_atlas(const config::ControllerConfig& config, ReadFiles& into) {
  const auto oldest = std::chrono::system_clock::now().time_since_epoch() - config.atlas.max_age;
  for (const auto& file : config.atlas.imports) {
    auto& imported = into.files.imported;
    std::uint64_t too_old = 0;
    const auto summary = read_ripe_atlas(file, [&](TraceRecord trace) {
      if (std::chrono::microseconds(trace.started_unix_us) < oldest) {
        ++too_old;
        return;
      }
      trace.id = kFirstImported + imported.size();
      imported.push_back(std::move(trace));
    });
    if (summary) {
      append(into.complaints, summary->complaints);
    } else {
      into.faults.push_back(summary.error());
    }
    if (too_old != 0) {
      into.complaints.push_back(fmt::format(
          "{}: {} traceroutes are older than atlas.max_age ({} min) and are not used; fetch newer "
          "ones, or raise it",
          file.string(), too_old,
          std::chrono::floor<std::chrono::minutes>(config.atlas.max_age).count()));
    }
  }
}

}  // namespace

ReadFiles read_files(const config::ControllerConfig& config) {
  ReadFiles into;
  ControllerFiles& files = into.files;
  if (config.annotation.prefixes_file.empty()) {
    into.complaints.emplace_back(
        "annotation.prefixes is not set: no AS is known, so that no assumption of symmetry is "
        "known to be within one, and no router stands in for a destination that is silent");
  } else {
    take(PrefixTable::read(config.annotation.prefixes_file), into, [&](auto read) {
      append(into.complaints, std::move(read.complaints));
      files.prefixes = std::move(read.table);
    });
  }
  if (!config.annotation.exchanges_file.empty()) {
    take(read_exchange_members(config.annotation.exchanges_file), into, [&](auto read) {
      append(into.complaints, std::move(read.complaints));
      files.prefixes = files.prefixes.with(read.members);
    });
  }
  if (!config.annotation.geolocation_file.empty()) {
    take(Locations::open(config.annotation.geolocation_file), into,
         [&](auto opened) { files.locations = std::make_unique<Locations>(std::move(opened)); });
  }
  if (!config.aliases_file.empty()) {
    take(AliasTable::read(config.aliases_file), into, [&](auto read) {
      append(into.complaints, std::move(read.complaints));
      files.aliases = std::move(read.table);
    });
  }
  if (auto deny = config::load_deny_list(config.deny_file)) {
    files.deny = std::move(*deny);
  } else {
    into.faults.push_back(config::as_error(deny.error()));
  }
  if (!config.keys_file.empty()) {
    take(config::load_api_keys(config.keys_file), into,
         [&](auto keys) { files.keys = std::move(keys); });
  }
  import_atlas(config, into);
  return into;
}

}  // namespace backsight::controller
