#include "controller/archive/packed_rows.h"

#include <fmt/format.h>

#include <span>

#include "controller/archive/packed_writer.h"
#include "controller/archive/row_check.h"
#include "controller/json/path_json.h"
#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

using storage::File;
using storage::FileSystem;

// Of each row, up to its raw column.
std::string head_of_rows(const ArchiveLayout& layout, const BundleName& name,
                         const Archiver& archiver) {
  std::string head;
  tasks::JsonText json(head);
  json.open('{');
  json.text("date", day_of(name.unix_us));
  json.key("archiver");
  json.open('{');
  json.text("Version", as_utf8(archiver.version));
  json.text("GitCommit", as_utf8(archiver.git_commit));
  json.text("ArchiveURL", as_utf8("file://" + layout.bundle(name)));
  json.text("Filename", as_utf8(layout.filename(name)));
  json.close('}');
  json.key("raw");
  return head;
}

// The rows that a bundle refuses, appended to a file that is made for the first of them.
class Rejected {
 public:
  Rejected(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  Expected<void> add(std::string_view row) {
    if (file_ == nullptr) {
      auto file = files_.open_to_write(path_);
      if (!file) return tl::unexpected(file.error());
      file_ = std::move(*file);
    }
    const std::string line = std::string(row) + '\n';
    if (auto put = file_->write_at(bytes_, std::as_bytes(std::span(line))); !put) return put;
    bytes_ += line.size();
    return {};
  }
  Expected<void> finish() {
    if (file_ == nullptr) return {};
    if (auto cut = file_->truncate(bytes_); !cut) return cut;
    return file_->sync();
  }

 private:
  FileSystem& files_;
  std::string path_;
  std::unique_ptr<File> file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

class PackedRows::Table {
 public:
  Table(FileSystem& files, const ArchiveLayout& layout, const Archiver& archiver,
        const BundleName& name, std::unique_ptr<File> file)
      : files_(files),
        name_(name),
        path_(layout.packing(name)),
        rejected_path_(layout.rejected(name)),
        head_(head_of_rows(layout, name, archiver)),
        file_(std::move(file)),
        writer_(*file_),
        check_(name.datatype),
        rejected_(files, rejected_path_) {}

  Expected<void> add(std::string_view raw) {
    row_.assign(head_).append(raw).append("}");
    if (const std::string fault = check_.fault(row_); !fault.empty()) {
      if (rejects_++ == 0) first_fault_ = fault;
      return rejected_.add(row_);
    }
    ++rows_;
    row_ += '\n';
    return writer_.write(row_);
  }

  // The name of what it packed; no rows: there is none.
  Expected<std::optional<BundleName>> finish(BundleReport& report) {
    if (auto finished = rejected_.finish(); !finished) return tl::unexpected(finished.error());
    if (auto finished = writer_.finish(); !finished) return tl::unexpected(finished.error());
    report.rejected += rejects_;
    if (rejects_ > 0) {
      report.complaints.push_back(
          fmt::format("{}: {} rows do not satisfy the schema and were left out of the bundle, the "
                      "first: {}; see them in {}",
                      to_string(name_), rejects_, first_fault_, rejected_path_));
    }
    if (rows_ == 0) {
      if (auto removed = files_.remove(path_); !removed) return tl::unexpected(removed.error());
      return std::nullopt;
    }
    report.packed_bytes += writer_.bytes();
    return name_;
  }

 private:
  FileSystem& files_;
  const BundleName name_;
  const std::string path_;
  const std::string rejected_path_;
  const std::string head_;
  std::unique_ptr<File> file_;
  PackedWriter writer_;
  RowCheck check_;
  Rejected rejected_;
  std::string row_;
  std::string first_fault_;
  std::uint64_t rows_ = 0;
  std::uint64_t rejects_ = 0;
};

PackedRows::PackedRows(FileSystem& files, const ArchiveLayout& layout, const Archiver& archiver,
                       const BundleLimits& limits, bool is_again)
    : files_(files), layout_(layout), archiver_(archiver), limits_(limits), is_again_(is_again) {}

PackedRows::~PackedRows() = default;

bool PackedRows::is_full(std::uint64_t unix_us) const {
  if (begun_unix_us_ == 0) return false;
  return bytes_ >= limits_.bytes || unix_us >= begun_unix_us_ + limits_.age_us ||
         day_of(unix_us) != day_of(begun_unix_us_);
}

// Named after its first row, by a name that no bundle has. Null: its bundle is there.
Expected<PackedRows::Table*> PackedRows::table_of(Datatype datatype, std::uint64_t unix_us) {
  auto& table = tables_[static_cast<std::size_t>(datatype)];
  if (table.is_begun) return table.open.get();
  BundleName name{unix_us, datatype};
  while (true) {
    auto bundle = files_.open_to_read(layout_.bundle(name));
    if (!bundle) return tl::unexpected(bundle.error());
    if (*bundle == nullptr) break;
    if (is_again_) {
      const auto named = files_.sync_directory(layout_.bundle_directory(name));
      if (!named) return tl::unexpected(named.error());
      table.is_begun = true;
      return nullptr;
    }
    ++name.unix_us;
  }
  auto file = files_.open_to_write(layout_.packing(name));
  if (!file) return tl::unexpected(file.error());
  table.open = std::make_unique<Table>(files_, layout_, archiver_, name, std::move(*file));
  table.is_begun = true;
  return table.open.get();
}

Expected<void> PackedRows::add(const JournalHead& head, std::string_view text) {
  const bool is_end = head.kind == JournalKind::kEnded;
  const auto datatype = is_end ? Datatype::kRevtr : parse_datatype(head.name);
  if (!datatype) return {};
  const auto table = table_of(*datatype, head.unix_us);
  if (!table) return tl::unexpected(table.error());
  if (begun_unix_us_ == 0) begun_unix_us_ = head.unix_us;
  bytes_ += text.size();
  if (*table == nullptr) return {};
  if (is_end) return (*table)->add(fields_of(text));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto added = (*table)->add(text.substr(0, end)); !added) return added;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Expected<std::vector<BundleName>> PackedRows::finish(BundleReport& report) {
  std::vector<BundleName> packed;
  for (const auto& [is_begun, table] : tables_) {
    if (table == nullptr) continue;
    const auto name = table->finish(report);
    if (!name) return tl::unexpected(name.error());
    if (*name) packed.push_back(**name);
  }
  if (begun_unix_us_ == 0) return packed;
  if (auto named = files_.sync_directory(layout_.journal_directory()); !named) {
    return tl::unexpected(named.error());
  }
  return packed;
}

}  // namespace backsight::controller
