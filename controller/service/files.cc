#include "controller/service/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include "controller/annotation/exchange_members.h"
#include "controller/atlas_import/ripe_atlas.h"
#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

// Destinations of imported traceroutes that are named; many files have one only.
constexpr std::size_t kShownDestinations = 5;

void append(std::vector<std::string>& complaints, std::vector<std::string> more) {
  complaints.insert(complaints.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
}

// Keeps what was read, or notes why it was not.
template <typename Read, typename Into, typename Keep>
void take(Expected<Read>&& read, Into& into, Keep keep) {
  if (read) {
    keep(std::move(*read));
  } else {
    into.faults.push_back(read.error());
  }
}

std::string passed_over(std::uint64_t rows) {
  return rows == 0 ? "" : fmt::format("; {} rows passed over", rows);
}

void read_prefixes(const config::AnnotationConfig& config, ReadData& into) {
  PrefixTable table;
  const std::size_t faults = into.faults.size();
  if (!config.prefixes_file.empty()) {
    take(PrefixTable::read(config.prefixes_file), into, [&](auto read) {
      into.served.push_back(fmt::format("{}: {} prefixes{}", config.prefixes_file.string(),
                                        read.table.size(), passed_over(read.passed)));
      append(into.complaints, std::move(read.complaints));
      table = std::move(read.table);
    });
  }
  if (!config.exchanges_file.empty()) {
    take(read_exchange_members(config.exchanges_file), into, [&](auto read) {
      into.served.push_back(fmt::format("{}: {} interfaces{}", config.exchanges_file.string(),
                                        read.members.size(), passed_over(read.passed)));
      append(into.complaints, std::move(read.complaints));
      table = table.with(read.members);
    });
  }
  if (into.faults.size() == faults) {
    into.files.prefixes = std::make_shared<const PrefixTable>(std::move(table));
  }
}

void read_locations(const std::filesystem::path& file, ReadData& into) {
  take(Locations::open(file), into, [&](auto locations) {
    into.served.push_back(fmt::format("{}: {}", file.string(), locations.kind()));
    if (locations.has_countries_only()) {
      into.complaints.push_back(
          fmt::format("{}: is a {} database and tells countries only; cities and coordinates are "
                      "not known, a city database such as GeoLite2-City.mmdb has them",
                      file.string(), locations.kind()));
    }
    into.files.locations = std::make_shared<const Locations>(std::move(locations));
  });
}

void read_aliases(const std::filesystem::path& file, ReadData& into) {
  take(AliasTable::read(file), into, [&](auto read) {
    const std::string alone =
        read.alone == 0 ? "" : fmt::format("; {} lines of one address join nothing", read.alone);
    into.served.push_back(fmt::format(
        "{}: {} routers{}{}", file.string(), read.table.routers(),
        read.passed == 0 ? "" : fmt::format("; {} words passed over", read.passed), alone));
    append(into.complaints, std::move(read.complaints));
    into.files.aliases = std::make_shared<const AliasTable>(std::move(read.table));
  });
}

// What became of the traceroutes of one file.
struct ImportFigures {
  std::uint64_t used = 0;
  std::uint64_t too_old = 0;
  std::uint64_t not_reached = 0;
  std::map<probes::Ipv4Addr, std::uint64_t> to;  // used, by destination

  [[nodiscard]] std::string sentence(const std::string& file, const RipeAtlasSummary& rows) const;
};

std::string ImportFigures::sentence(const std::string& file, const RipeAtlasSummary& rows) const {
  std::vector<std::pair<std::uint64_t, probes::Ipv4Addr>> most;
  for (const auto& [dst, count] : to) most.emplace_back(count, dst);
  std::ranges::sort(most, std::greater());
  std::string text = fmt::format("{}: {} traceroutes", file, used);
  for (std::size_t i = 0; i < std::min(most.size(), kShownDestinations); ++i) {
    text += fmt::format("{} {} to {}", i == 0 ? ":" : ",", most[i].first,
                        probes::to_string(most[i].second));
  }
  if (most.size() > kShownDestinations) {
    text += fmt::format(", the rest to {} more", most.size() - kShownDestinations);
  }
  const char* between = "; not used:";
  const auto add = [&](std::uint64_t count, const char* why) {
    if (count == 0) return;
    text += fmt::format("{} {} {}", std::exchange(between, ","), count, why);
  };
  add(not_reached, "that did not reach their destination");
  add(too_old, "older than atlas.max_age");
  add(rows.ipv6, "of IPv6");
  add(rows.odd, "odd rows");
  return text;
}

void import_atlas(const config::ControllerConfig& config, const std::filesystem::path& file,
                  std::uint64_t& next_import, ReadData& into) {
  const auto oldest = std::chrono::microseconds(unix_us()) - config.atlas.max_age;
  ImportFigures figures;
  auto summary = read_ripe_atlas(file, [&](TraceRecord trace) {
    if (std::chrono::microseconds(trace.started_unix_us) < oldest) {
      ++figures.too_old;
    } else if (trace.outcome != tasks::Outcome::kReached) {
      ++figures.not_reached;
    } else {
      ++figures.used;
      ++figures.to[trace.dst];
      trace.id = next_import++;
      into.files.imported->push_back(std::move(trace));
    }
  });
  take(std::move(summary), into, [&](auto rows) {
    into.served.push_back(figures.sentence(file.string(), rows));
    append(into.complaints, std::move(rows.complaints));
    if (figures.too_old == 0) return;
    into.complaints.push_back(fmt::format(
        "{}: {} traceroutes are older than atlas.max_age ({} min) and are not used; fetch newer "
        "ones, or raise it",
        file.string(), figures.too_old,
        std::chrono::floor<std::chrono::minutes>(config.atlas.max_age).count()));
  });
}

// A path of atlas.import as the files that it means: itself, or those in the folder.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& import) {
  std::error_code error;
  if (!std::filesystem::is_directory(import, error)) return {import};
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(import, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().starts_with('.')) continue;
    if (at->is_regular_file(error)) files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<std::filesystem::path> data_files(const config::ControllerConfig& config) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : {config.annotation.prefixes_file, config.annotation.exchanges_file,
                           config.annotation.geolocation_file, config.aliases_file}) {
    if (!file.empty()) files.push_back(file);
  }
  for (const auto& import : config.atlas.imports) {
    for (auto& file : files_of(import)) files.push_back(std::move(file));
  }
  return files;
}

ReadData read_data(const config::ControllerConfig& config, std::uint64_t& next_import) {
  ReadData into;
  read_prefixes(config.annotation, into);
  if (const auto& file = config.annotation.geolocation_file; !file.empty()) {
    read_locations(file, into);
  }
  if (!config.aliases_file.empty()) read_aliases(config.aliases_file, into);
  const std::size_t faults = into.faults.size();
  into.files.imported.emplace();
  for (const auto& import : config.atlas.imports) {
    for (const auto& file : files_of(import)) import_atlas(config, file, next_import, into);
  }
  if (into.faults.size() != faults) into.files.imported.reset();
  return into;
}

ReadFiles read_files(const config::ControllerConfig& config, ReadData data) {
  ReadFiles into;
  into.files.data = std::move(data.files);
  into.served = std::move(data.served);
  into.complaints = std::move(data.complaints);
  into.faults = std::move(data.faults);
  if (config.annotation.prefixes_file.empty()) {
    into.complaints.emplace_back(
        "annotation.prefixes is not set: no AS is known, so that no assumption of symmetry is "
        "known to be within one, and no router stands in for a destination that is silent");
  }
  if (auto deny = config::load_deny_list(config.deny_file)) {
    into.files.deny = std::move(*deny);
  } else {
    into.faults.push_back(config::as_error(deny.error()));
  }
  if (!config.keys_file.empty()) {
    take(config::load_api_keys(config.keys_file), into,
         [&](auto keys) { into.files.keys = std::move(keys); });
  }
  return into;
}

}  // namespace backsight::controller
