#include "controller/archive/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/archive/packed_rows.h"
#include "storage/log/log_reader.h"

namespace backsight::controller {

using storage::FileSystem;

Expected<std::unique_ptr<BundleMaker>> BundleMaker::open(FileSystem& files,
                                                         const ArchiveLayout& layout,
                                                         const Archiver& archiver,
                                                         const BundleLimits& limits) {
  const std::string& folder = layout.journal_directory();
  auto bundled = storage::DurableNumber::open(files, folder, "bundled");
  if (!bundled) return tl::unexpected(bundled.error());
  auto packed = storage::DurableNumber::open(files, folder, "packed");
  if (!packed) return tl::unexpected(packed.error());
  std::unique_ptr<BundleMaker> maker(
      new BundleMaker(files, layout, archiver, limits, std::move(*bundled), std::move(*packed)));
  if (auto cleared = maker->clear(); !cleared) return tl::unexpected(cleared.error());
  return maker;
}

// What an earlier process was making is made anew.
Expected<void> BundleMaker::clear() {
  const auto found = files_.list(layout_.journal_directory());
  if (!found) return tl::unexpected(found.error());
  for (const std::string& file : *found) {
    const auto name = parse_bundle_name(std::string_view(file).substr(0, file.rfind('.')));
    if (!name) continue;
    if (file.ends_with(".open")) {
      return run_failed(fmt::format(
          "{}/{}: holds rows of an earlier version, which this one does not read; start that "
          "version and stop it: it bundles them",
          layout_.journal_directory(), file));
    }
    if (!file.ends_with(".tmp")) continue;
    if (auto removed = files_.remove(layout_.packing(*name)); !removed) return removed;
  }
  return {};
}

std::uint64_t BundleMaker::bundled() const noexcept {
  return std::max(bundled_.value(), storage::kFirstPosition);
}

Expected<void> BundleMaker::advance(std::uint64_t end) {
  const bool is_again = packed_.value() > bundled();
  BundleReport report;
  PackedRows rows(files_, layout_, archiver_, limits_, is_again);
  const auto behind = pack(rows, is_again ? packed_.value() : end, report);
  if (!behind) return tl::unexpected(behind.error());
  const auto packed = rows.finish(report);
  if (!packed) return tl::unexpected(packed.error());
  if (auto stored = packed_.store(*behind); !stored) return stored;
  for (const BundleName& name : *packed) {
    if (auto published = publish(name); !published) return published;
    ++report.bundles;
  }
  if (auto stored = bundled_.store(*behind); !stored) return stored;
  report_.bundles += report.bundles;
  report_.packed_bytes += report.packed_bytes;
  report_.rejected += report.rejected;
  std::ranges::move(report.complaints, std::back_inserter(report_.complaints));
  return {};
}

// Returns the position behind what was packed.
Expected<std::uint64_t> BundleMaker::pack(PackedRows& rows, std::uint64_t end,
                                          BundleReport& report) {
  storage::LogReader reader(files_, layout_.journal_directory(), bundled());
  while (true) {
    const auto record = reader.next(report.complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record || (*record)->position >= end) return end;
    const auto head = parse_head((*record)->payload);
    const bool has_rows =
        head && (head->kind == JournalKind::kMeasured || head->kind == JournalKind::kEnded);
    if (!has_rows) continue;
    if (rows.is_full(head->unix_us)) return (*record)->position;
    const auto text = parse_text((*record)->payload);
    if (!text) {
      report.complaints.push_back(fmt::format("{}: the record at position {} holds {}",
                                              layout_.journal_directory(), (*record)->position,
                                              text.error()));
      continue;
    }
    if (auto added = rows.add(*head, *text); !added) return tl::unexpected(added.error());
  }
}

Expected<void> BundleMaker::publish(const BundleName& name) {
  const std::string directory = layout_.bundle_directory(name);
  if (auto made = files_.make_directories(directory); !made) return made;
  if (auto named = files_.rename(layout_.packing(name), layout_.bundle(name)); !named) return named;
  return files_.sync_directory(directory);
}

}  // namespace backsight::controller
