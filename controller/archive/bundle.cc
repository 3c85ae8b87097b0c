#include "controller/archive/bundle.h"

#include <fmt/format.h>

#include <span>

#include "controller/archive/packed_writer.h"
#include "controller/archive/row_check.h"
#include "controller/archive/spool_lines.h"

namespace backsight::controller {

namespace {

using storage::File;
using storage::FileSystem;

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

class Bundling {
 public:
  Bundling(FileSystem& files, const ArchiveLayout& layout, const BundleName& name)
      : files_(files), layout_(layout), name_(name) {}

  Expected<BundleReport> run() {
    auto bundle = files_.open_to_read(layout_.bundle(name_));
    if (!bundle) return tl::unexpected(bundle.error());
    // Published before, and only the spool's removal is missing.
    if (*bundle == nullptr) {
      if (auto packed = pack(); !packed) return tl::unexpected(packed.error());
      if (report_.rows > 0) {
        if (auto published = publish(); !published) return tl::unexpected(published.error());
      }
    }
    if (auto removed = remove_spool(); !removed) return tl::unexpected(removed.error());
    return std::move(report_);
  }

 private:
  Expected<void> pack() {
    auto spool = files_.open_to_read(layout_.spool(name_));
    if (!spool) return tl::unexpected(spool.error());
    if (*spool == nullptr) return {};
    auto packing = files_.open_to_write(layout_.packing(name_));
    if (!packing) return tl::unexpected(packing.error());
    SpoolLines lines(std::move(*spool));
    PackedWriter writer(**packing);
    if (auto put = pack_rows(lines, writer); !put) return put;
    report_.packed_bytes = writer.bytes();
    return {};
  }

  Expected<void> pack_rows(SpoolLines& lines, PackedWriter& writer) {
    RowCheck check(name_.datatype);
    Rejected rejected(files_, layout_.rejected(name_));
    while (true) {
      const auto row = lines.next();
      if (!row) return tl::unexpected(row.error());
      if (!row->has_value()) break;
      if (const std::string fault = check.fault(**row); !fault.empty()) {
        if (auto added = rejected.add(**row); !added) return added;
        if (report_.rejected++ == 0) first_fault_ = fault;
        continue;
      }
      ++report_.rows;
      if (auto put = writer.write(**row); !put) return put;
      if (auto put = writer.write("\n"); !put) return put;
    }
    complain(lines.torn_bytes());
    if (auto finished = rejected.finish(); !finished) return finished;
    return writer.finish();
  }

  void complain(std::uint64_t torn_bytes) {
    if (torn_bytes > 0) {
      report_.complaints.push_back(fmt::format("{}: its last {} bytes are a torn row and were cut",
                                               layout_.spool(name_), torn_bytes));
    }
    if (report_.rejected > 0) {
      report_.complaints.push_back(fmt::format(
          "{}: {} rows do not satisfy the schema and were left out of the bundle, the "
          "first: {}; see them in {}",
          layout_.spool(name_), report_.rejected, first_fault_, layout_.rejected(name_)));
    }
  }

  Expected<void> publish() {
    const std::string directory = layout_.bundle_directory(name_);
    if (auto made = files_.make_directories(directory); !made) return made;
    if (auto named = files_.rename(layout_.packing(name_), layout_.bundle(name_)); !named) {
      return named;
    }
    return files_.sync_directory(directory);
  }

  Expected<void> remove_spool() {
    if (report_.rows == 0) {
      if (auto removed = files_.remove(layout_.packing(name_)); !removed) return removed;
    }
    if (report_.rejected > 0) {
      const auto synced = files_.sync_directory(layout_.spool_directory());
      if (!synced) return synced;
    }
    if (auto removed = files_.remove(layout_.spool(name_)); !removed) return removed;
    return files_.sync_directory(layout_.spool_directory());
  }

  FileSystem& files_;
  const ArchiveLayout& layout_;
  BundleName name_;
  BundleReport report_;
  std::string first_fault_;
};

}  // namespace

Expected<BundleReport> make_bundle(FileSystem& files, const ArchiveLayout& layout,
                                   const BundleName& name) {
  return Bundling(files, layout, name).run();
}

}  // namespace backsight::controller
