#include "controller/archive/store.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "controller/archive/spool_lines.h"
#include "controller/json/path_json.h"

namespace backsight::controller {

using storage::FileSystem;

Expected<std::unique_ptr<ArchiveStore>> ArchiveStore::open(FileSystem& files,
                                                           const ArchiveLayout& layout,
                                                           const Archiver& archiver,
                                                           const RotationLimits& limits) {
  std::unique_ptr<ArchiveStore> store(new ArchiveStore(files, layout, archiver, limits));
  if (auto made = files.make_directories(layout.spool_directory()); !made) {
    return tl::unexpected(made.error());
  }
  if (auto taken = store->take_lock(); !taken) return tl::unexpected(taken.error());
  if (auto written = store->write_schemas(); !written) return tl::unexpected(written.error());
  if (auto recovered = store->recover(); !recovered) return tl::unexpected(recovered.error());
  return store;
}

Expected<void> ArchiveStore::take_lock() {
  auto attempt = files_.lock(layout_.lock());
  if (!attempt) return tl::unexpected(attempt.error());
  if (attempt->lock == nullptr) {
    return run_failed(fmt::format("{}: in use by process {}; stop that one or use another archive",
                                  layout_.root(), attempt->holder_pid));
  }
  lock_ = std::move(attempt->lock);
  return {};
}

Expected<void> ArchiveStore::write_schemas() {
  if (auto made = files_.make_directories(layout_.schema_directory()); !made) return made;
  for (const Datatype datatype : kAllDatatypes) {
    const std::string file = fmt::format("{}.json", controller::name(datatype));
    if (auto written = write_schema(file, bigquery_schema(datatype)); !written) return written;
  }
  if (auto written = write_schema("none.jsonl", ""); !written) return written;
  return write_schema("duckdb.sql", duckdb_tables(layout_.root()));
}

// Leaves a file alone that says the same.
Expected<void> ArchiveStore::write_schema(const std::string& file, const std::string& content) {
  const std::string path = layout_.schema_directory() + '/' + file;
  const auto known = storage::read_file(files_, path);
  if (!known) return tl::unexpected(known.error());
  if (*known != nullptr && **known == content) return {};
  return storage::replace_file(files_, path, content);
}

Expected<void> ArchiveStore::recover() {
  const auto files = files_.list(layout_.spool_directory());
  if (!files) return tl::unexpected(files.error());
  for (const std::string& file : *files) {
    const std::size_t dot = file.rfind('.');
    const auto name = parse_bundle_name(std::string_view(file).substr(0, dot));
    if (!name) continue;
    if (file.ends_with(".open")) closed_.push_back(*name);
    if (!file.ends_with(".tmp")) continue;
    // It is made anew while its spool is there, and a left-over when it is not.
    if (auto removed = files_.remove(layout_.packing(*name)); !removed) return removed;
  }
  std::sort(closed_.begin(), closed_.end());
  for (const BundleName& name : closed_) {
    if (name.datatype != Datatype::kRevtr) continue;
    if (auto read = recover_paths(name); !read) return read;
  }
  return {};
}

Expected<void> ArchiveStore::recover_paths(const BundleName& name) {
  auto file = files_.open_to_read(layout_.spool(name));
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return {};
  SpoolLines lines(std::move(*file));
  simdjson::dom::parser parser;
  while (true) {
    const auto line = lines.next();
    if (!line) return tl::unexpected(line.error());
    if (!line->has_value()) return {};
    simdjson::dom::element raw;
    if (parser.parse((*line)->data(), (*line)->size())["raw"].get(raw)) continue;
    if (auto path = parse_path(simdjson::minify(raw))) recovered_.push_back(std::move(*path));
  }
}

// A name that no file has, nor will have.
Expected<BundleName> ArchiveStore::fresh_name(Datatype datatype, std::uint64_t now_unix_us) {
  BundleName name{now_unix_us, datatype};
  while (true) {
    auto spool = files_.open_to_read(layout_.spool(name));
    if (!spool) return tl::unexpected(spool.error());
    auto bundle = files_.open_to_read(layout_.bundle(name));
    if (!bundle) return tl::unexpected(bundle.error());
    const bool is_retired = std::any_of(retired_.begin(), retired_.end(),
                                        [&](const auto& one) { return one->name() == name; });
    if (*spool == nullptr && *bundle == nullptr && !is_retired) return name;
    ++name.unix_us;
  }
}

bool ArchiveStore::is_due(const Spool& spool, std::uint64_t now_unix_us) const {
  const std::uint64_t begun = spool.name().unix_us;
  return spool.bytes() >= limits_.bytes || now_unix_us >= begun + limits_.age_us ||
         day_of(now_unix_us) != day_of(begun);
}

void ArchiveStore::retire(Datatype datatype) {
  auto& spool = open_[static_cast<std::size_t>(datatype)];
  if (spool != nullptr) retired_.push_back(std::move(spool));
}

Expected<void> ArchiveStore::append(Datatype datatype, std::string_view raw,
                                    std::uint64_t now_unix_us) {
  auto& spool = open_[static_cast<std::size_t>(datatype)];
  if (spool != nullptr && is_due(*spool, now_unix_us)) retire(datatype);
  if (spool == nullptr) {
    const auto name = fresh_name(datatype, now_unix_us);
    if (!name) return tl::unexpected(name.error());
    spool = std::make_unique<Spool>(files_, layout_, *name, archiver_);
  }
  spool->append(raw);
  return {};
}

Expected<void> ArchiveStore::sync() {
  while (!retired_.empty()) {
    if (auto synced = retired_.front()->sync(); !synced) return synced;
    closed_.push_back(retired_.front()->name());
    retired_.erase(retired_.begin());
  }
  for (const auto& spool : open_) {
    if (spool == nullptr || spool->is_synced()) continue;
    if (auto synced = spool->sync(); !synced) return synced;
  }
  return {};
}

std::uint64_t ArchiveStore::pending_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto& spool : retired_) bytes += spool->pending_bytes();
  for (const auto& spool : open_) bytes += spool == nullptr ? 0 : spool->pending_bytes();
  return bytes;
}

bool ArchiveStore::rotate(std::uint64_t now_unix_us, bool all) {
  for (const Datatype datatype : kAllDatatypes) {
    const auto& spool = open_[static_cast<std::size_t>(datatype)];
    if (spool != nullptr && (all || is_due(*spool, now_unix_us))) retire(datatype);
  }
  return !retired_.empty();
}

std::vector<ReversePath> ArchiveStore::take_recovered() { return std::exchange(recovered_, {}); }

std::vector<BundleName> ArchiveStore::take_closed() { return std::exchange(closed_, {}); }

}  // namespace backsight::controller
