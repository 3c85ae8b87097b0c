#include "controller/archive/spool.h"

#include <span>

#include "controller/json/utf8.h"
#include "tasks/json/json_text.h"

namespace backsight::controller {

namespace {

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
  json.text("Filename", as_utf8(layout.spool(name)));
  json.close('}');
  json.key("raw");
  return head;
}

}  // namespace

Spool::Spool(storage::FileSystem& files, const ArchiveLayout& layout, const BundleName& name,
             const Archiver& archiver)
    : files_(files),
      path_(layout.spool(name)),
      directory_(layout.spool_directory()),
      name_(name),
      head_(head_of_rows(layout, name, archiver)) {}

void Spool::append(std::string_view raw) {
  pending_ += head_;
  pending_ += raw;
  pending_ += "}\n";
}

Expected<void> Spool::sync() {
  if (file_ == nullptr) {
    auto file = files_.open_to_write(path_);
    if (!file) return tl::unexpected(file.error());
    file_ = std::move(*file);
  }
  if (!pending_.empty()) {
    // What an earlier attempt left of it is overwritten.
    if (auto put = file_->write_at(durable_bytes_, std::as_bytes(std::span(pending_))); !put) {
      return put;
    }
    if (auto synced = file_->sync(); !synced) return synced;
    durable_bytes_ += pending_.size();
    pending_.clear();
  }
  if (!name_is_durable_) {
    if (auto synced = files_.sync_directory(directory_); !synced) return synced;
    name_is_durable_ = true;
  }
  return {};
}

}  // namespace backsight::controller
