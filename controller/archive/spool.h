// The rows of one bundle to come: appended to a file of the spool, a line each, and durable from
// each sync() on.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/error.h"
#include "controller/archive/layout.h"
#include "storage/file_system.h"

namespace backsight::controller {

// What a row says of its archiver besides its files.
struct Archiver {
  std::string version;
  std::string git_commit;
};

class Spool {
 public:
  // Makes no file before the first sync(). REQUIRES: there is none of that name.
  Spool(storage::FileSystem& files, const ArchiveLayout& layout, const BundleName& name,
        const Archiver& archiver);

  // Keeps the row, whose `raw` column this is, in memory. REQUIRES: JSON without a line end.
  void append(std::string_view raw);
  // Makes all rows durable with one write and one sync. On an error they are kept, to be tried
  // again.
  [[nodiscard]] Expected<void> sync();

  [[nodiscard]] const BundleName& name() const noexcept { return name_; }
  [[nodiscard]] bool is_synced() const noexcept { return pending_.empty() && name_is_durable_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return durable_bytes_ + pending_.size(); }
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_.size(); }

 private:
  storage::FileSystem& files_;
  std::string path_;
  std::string directory_;
  BundleName name_;
  std::string head_;  // of each row, up to its raw column
  std::unique_ptr<storage::File> file_;
  bool name_is_durable_ = false;
  std::uint64_t durable_bytes_ = 0;
  std::string pending_;
};

}  // namespace backsight::controller
