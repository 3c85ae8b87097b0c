// Makes a bundle of a spool that gets no more rows. At whatever call the process dies: the rows are
// in the spool or in the bundle, done again it comes to the same end, and who looks at the bundle's
// name sees all of it or nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/error.h"
#include "controller/archive/layout.h"
#include "storage/file_system.h"

namespace backsight::controller {

struct BundleReport {
  std::uint64_t rows = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t rejected = 0;  // rows that do not satisfy the schema, kept in a file of their own
  // A torn last line that was cut, rows that were rejected: one sentence each.
  std::vector<std::string> complaints;
};

// Checks each row, packs them, makes the bundle durable under its name, and removes the spool. A
// spool without a good row makes no bundle.
// Thread: any, of different names.
[[nodiscard]] Expected<BundleReport> make_bundle(storage::FileSystem& files,
                                                 const ArchiveLayout& layout,
                                                 const BundleName& name);

}  // namespace backsight::controller
