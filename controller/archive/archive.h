// The archive: every reverse traceroute and every measurement made for one, a row each, in M-Lab's
// tables as bundles (../../docs/archive.md).
//
// Records wait in a queue. A thread of the archive's own writes them into the journal and syncs it
// in groups; another one makes bundles of what stands there. When the disk is full or fails,
// nothing is dropped, and it is tried again each second. append() never waits: has_room() says when
// no more should come. Thread: any.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "config/error.h"
#include "controller/annotation/annotation.h"
#include "controller/archive/bundle.h"
#include "controller/archive/schema.h"
#include "controller/journal/journal.h"
#include "controller/records.h"
#include "controller/reverse_path.h"
#include "storage/file_system.h"

namespace backsight::controller {

struct ArchiveOptions {
  std::string directory;
  Archiver archiver;  // what rows say of the program
  BundleLimits bundles;
  // Longest that a row waits in memory. A reverse traceroute does not wait: somebody does for it.
  std::chrono::milliseconds sync_interval{100};
  std::chrono::milliseconds retry_interval{1000};
  std::uint64_t queue_bytes = std::uint64_t{64} << 20;  // of records that wait: beyond, no room
  // Gets the reverse traceroutes that have become durable, in order, from the thread that writes.
  std::function<void(std::span<const EndedRecord>)> show = [](std::span<const EndedRecord>) {};
  // Gets each sentence for the operator, from a thread of the archive's, one at a time.
  std::function<void(const std::string&)> tell = [](const std::string&) {};
  storage::FileSystem* files = &storage::posix_file_system();
  std::function<std::uint64_t()> unix_us;  // the time; none: the system's
};

struct ArchiveStatus {
  std::uint64_t appended = 0;  // records
  std::uint64_t synced = 0;    // records that are durable
  std::uint64_t queued_bytes = 0;
  std::array<std::uint64_t, kDatatypes> rows{};  // written, by Datatype
  std::uint64_t bundles = 0;                     // made
  std::uint64_t bundle_bytes = 0;                // packed
  std::uint64_t rejected_rows = 0;
  std::uint64_t records_to_bundle = 0;  // of the journal
  std::string failing;                  // what cannot be done now, one sentence; empty: all is well
};

class Archive {
 public:
  // Of the journal in ArchiveLayout::of(options.directory), which outlives it; begins to bundle
  // what stands there.
  [[nodiscard]] static Expected<std::unique_ptr<Archive>> open(ArchiveOptions options,
                                                               const Annotation& annotation,
                                                               Journal& journal);
  // As close(), without its word.
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // Returns the record's number, from 1 on in the order of appending. 0: refused, the archive is
  // closed.
  std::uint64_t append(ReversePath path);
  std::uint64_t append(PingRecord record);
  std::uint64_t append(TraceRecord record);
  std::uint64_t append(RankedSpoofersRecord record);
  // Rows are written with it from now on.
  void set_annotation(Annotation annotation);
  // Fewer records wait than may.
  [[nodiscard]] bool has_room() const;
  // Until there is room.
  void wait_for_room();

  // All records up to this number are on the disk.
  [[nodiscard]] std::uint64_t synced() const;
  // Why the disk does not take what is appended, for now, one sentence; empty: it does.
  [[nodiscard]] std::string why_not_writable() const;
  // Returns once they are, or false after `patience`. Does not wait for the next group.
  [[nodiscard]] bool wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience);

  [[nodiscard]] ArchiveStatus status() const;

  // Writes everything, makes bundles of it and refuses more. What could not be written is told, and
  // an error; what could not or may not be bundled yet will be at the next start.
  [[nodiscard]] Expected<void> close();

 private:
  class Impl;
  explicit Archive(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace backsight::controller
