// Makes bundles of the rows that the journal holds, each row in one of them, once. At whatever call
// the process dies: who looks at a bundle's name sees all of it or nothing, and what was not made
// is made by the next process.
//
// The rows from one position of the journal (`bundled`) to another, as many as a bundle may hold,
// are packed, a file a table. Once these are durable, the other position is (`packed`); then they
// get their names; then `bundled` moves there. So between two that differ everything is made again,
// and a bundle that is there already is the one that would be made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/error.h"
#include "controller/archive/layout.h"
#include "storage/durable_number.h"
#include "storage/file_system.h"

namespace backsight::controller {

// What rows say of the program besides their files.
struct Archiver {
  std::string version;
  std::string git_commit;
};

// What a bundle may hold: rows of one day, and of all tables together no more than
struct BundleLimits {
  std::uint64_t bytes = std::uint64_t{64} << 20;              // before packing
  std::uint64_t age_us = 10 * 60 * std::uint64_t{1'000'000};  // from the first to the last
};

struct BundleReport {
  std::uint64_t bundles = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t rejected = 0;  // rows that do not satisfy the schema, kept in a file of their own
  std::vector<std::string> complaints;  // damage of the journal, rejected rows: one sentence each
};

class PackedRows;

// Thread: one at a time.
class BundleMaker {
 public:
  // Fails when the folder holds rows of an earlier version. All it is given outlives it.
  [[nodiscard]] static Expected<std::unique_ptr<BundleMaker>> open(storage::FileSystem& files,
                                                                   const ArchiveLayout& layout,
                                                                   const Archiver& archiver,
                                                                   const BundleLimits& limits);

  // What stands before this position of the journal is in bundles.
  [[nodiscard]] std::uint64_t bundled() const noexcept;
  // Makes the next bundles, of rows before `end`. On an error to be called again.
  // REQUIRES: what stands before `end` is durable, and the journal has it.
  [[nodiscard]] Expected<void> advance(std::uint64_t end);
  // Since the last call.
  [[nodiscard]] BundleReport take_report() { return std::exchange(report_, {}); }

 private:
  BundleMaker(storage::FileSystem& files, const ArchiveLayout& layout, const Archiver& archiver,
              const BundleLimits& limits, storage::DurableNumber bundled,
              storage::DurableNumber packed)
      : files_(files),
        layout_(layout),
        archiver_(archiver),
        limits_(limits),
        bundled_(std::move(bundled)),
        packed_(std::move(packed)) {}

  Expected<void> clear();
  Expected<std::uint64_t> pack(PackedRows& rows, std::uint64_t end, BundleReport& report);
  Expected<void> publish(const BundleName& name);

  storage::FileSystem& files_;
  const ArchiveLayout layout_;
  const Archiver archiver_;
  const BundleLimits limits_;
  storage::DurableNumber bundled_;
  storage::DurableNumber packed_;
  BundleReport report_;
};

}  // namespace backsight::controller
