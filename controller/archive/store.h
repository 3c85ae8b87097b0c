// The archive on the disk, without threads: rows go into spools, spools that are full, old or of
// yesterday become bundles (bundle.h).
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "controller/archive/layout.h"
#include "controller/archive/spool.h"
#include "controller/reverse_path.h"
#include "storage/file_system.h"

namespace backsight::controller {

struct RotationLimits {
  std::uint64_t bytes = std::uint64_t{64} << 20;  // of rows, before packing
  std::uint64_t age_us = 10 * 60 * std::uint64_t{1'000'000};
};

class ArchiveStore {
 public:
  // Takes the archive's lock, writes the schema files. What an earlier process left in the spool is
  // to be bundled: the first that take_closed() gives.
  [[nodiscard]] static Expected<std::unique_ptr<ArchiveStore>> open(storage::FileSystem& files,
                                                                    const ArchiveLayout& layout,
                                                                    const Archiver& archiver,
                                                                    const RotationLimits& limits);

  // Keeps the row in memory. REQUIRES: `raw` is JSON without a line end.
  [[nodiscard]] Expected<void> append(Datatype datatype, std::string_view raw,
                                      std::uint64_t now_unix_us);
  // Makes all rows durable. On an error those that are not are kept, to be tried again.
  [[nodiscard]] Expected<void> sync();
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept;

  // Ends the spools that are due; with `all`, all of them. They become closed at the next sync().
  // True: some wait for that.
  bool rotate(std::uint64_t now_unix_us, bool all = false);
  // Spools that get no more rows and are durable: each is to be made a bundle. Given once.
  [[nodiscard]] std::vector<BundleName> take_closed();

  // Reverse traceroutes whose rows stood in the spool when it was opened. Given once.
  [[nodiscard]] std::vector<ReversePath> take_recovered();

 private:
  ArchiveStore(storage::FileSystem& files, const ArchiveLayout& layout, const Archiver& archiver,
               const RotationLimits& limits)
      : files_(files), layout_(layout), archiver_(archiver), limits_(limits) {}

  Expected<void> take_lock();
  Expected<void> write_schemas();
  Expected<void> write_schema(const std::string& file, const std::string& content);
  Expected<void> recover();
  Expected<void> recover_paths(const BundleName& name);
  Expected<BundleName> fresh_name(Datatype datatype, std::uint64_t now_unix_us);
  [[nodiscard]] bool is_due(const Spool& spool, std::uint64_t now_unix_us) const;
  void retire(Datatype datatype);

  storage::FileSystem& files_;
  ArchiveLayout layout_;
  Archiver archiver_;
  RotationLimits limits_;
  std::unique_ptr<storage::Lock> lock_;
  std::array<std::unique_ptr<Spool>, kDatatypes> open_;
  std::vector<std::unique_ptr<Spool>> retired_;  // get no more rows, not all durable yet
  std::vector<BundleName> closed_;
  std::vector<ReversePath> recovered_;
};

}  // namespace backsight::controller
