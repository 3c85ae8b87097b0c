// The rows of some records of the journal, packed as bundles to come: a file a table, durable and
// not published. Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "controller/archive/bundle.h"
#include "controller/archive/layout.h"
#include "controller/journal/journal_record.h"
#include "storage/file_system.h"

namespace backsight::controller {

class PackedRows {
 public:
  // `is_again`: the same records were packed before, and bundles of them that are there are left
  // out. All it is given outlives it.
  PackedRows(storage::FileSystem& files, const ArchiveLayout& layout, const Archiver& archiver,
             const BundleLimits& limits, bool is_again);
  ~PackedRows();
  PackedRows(const PackedRows&) = delete;
  PackedRows& operator=(const PackedRows&) = delete;

  // Rows of then go into another bundle.
  [[nodiscard]] bool is_full(std::uint64_t unix_us) const;
  // Each checked against its table's schema.
  [[nodiscard]] Expected<void> add(const JournalHead& head, std::string_view text);
  // What was packed is durable. Adds to the report what became of it.
  [[nodiscard]] Expected<std::vector<BundleName>> finish(BundleReport& report);

 private:
  class Table;

  [[nodiscard]] Expected<Table*> table_of(Datatype datatype, std::uint64_t unix_us);

  storage::FileSystem& files_;
  const ArchiveLayout& layout_;
  const Archiver& archiver_;
  const BundleLimits& limits_;
  const bool is_again_;
  struct {
    bool is_begun = false;
    std::unique_ptr<Table> open;  // none: its bundle is there
  } tables_[kDatatypes];
  std::uint64_t begun_unix_us_ = 0;  // 0: no row yet
  std::uint64_t bytes_ = 0;
};

}  // namespace backsight::controller
