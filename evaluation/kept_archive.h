// An archive of what a run measures, as the controller's program keeps one (docs/archive.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "config/error.h"
#include "controller/annotation/annotation.h"
#include "controller/annotation/prefix_table.h"
#include "controller/archive/archive.h"
#include "controller/brain/brain.h"
#include "controller/journal/journal.h"

namespace backsight::evaluation {

// Thread: one at a time.
class KeptArchive {
 public:
  // Rows are annotated with `prefixes` and dated `unix_us` until time is told.
  [[nodiscard]] static Expected<std::unique_ptr<KeptArchive>> open(const std::string& directory,
                                                                   controller::PrefixTable prefixes,
                                                                   std::uint64_t unix_us);

  // Hands over everything that the controller has to tell, but for the paths' own copies.
  void take(const controller::BrainOutput& output, std::uint64_t unix_us);

  struct Figures {
    std::uint64_t rows = 0;
    std::uint64_t packed_bytes = 0;
  };
  // Makes bundles of all rows, and says how many and how large.
  [[nodiscard]] Expected<Figures> close();

 private:
  KeptArchive(controller::PrefixTable prefixes, std::uint64_t unix_us);

  controller::Annotation annotation_;
  std::atomic<std::uint64_t> unix_us_;            // read by the archive's threads
  std::unique_ptr<controller::Journal> journal_;  // outlives the archive
  std::unique_ptr<controller::Archive> archive_;
};

}  // namespace backsight::evaluation
