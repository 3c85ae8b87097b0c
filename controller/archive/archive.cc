#include "controller/archive/archive.h"

#include <fmt/format.h>

#include <filesystem>

#include "controller/archive/bundler.h"
#include "controller/archive/record_queue.h"
#include "controller/archive/writer.h"
#include "daemon/trouble.h"
#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

// Rows that wait for the disk beside the records of the queue.
constexpr std::uint64_t kMaxPendingBytes = std::uint64_t{8} << 20;

}  // namespace

class Archive::Impl {
 public:
  Impl(std::unique_ptr<ArchiveStore> store, const ArchiveOptions& options,
       const Annotation& annotation, const ArchiveLayout& layout)
      : tell(options.tell),
        queue(options.queue_bytes),
        bundler(*options.files, layout, options.retry_interval, tell),
        recovered(store->take_recovered()),
        writer(std::move(store), queue, bundler, annotation,
               {.sync_interval = options.sync_interval,
                .retry_interval = options.retry_interval,
                .max_pending_bytes = std::min(options.queue_bytes, kMaxPendingBytes),
                .waits_for_release = options.waits_for_release,
                .unix_us = options.unix_us},
               layout.root(), tell) {}

  daemon::Teller tell;
  RecordQueue queue;
  Bundler bundler;
  std::vector<ReversePath> recovered;  // taken once, by the owner
  ArchiveWriter writer;
};

Archive::Archive(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Archive::~Archive() { static_cast<void>(close()); }

Expected<std::unique_ptr<Archive>> Archive::open(ArchiveOptions options,
                                                 const Annotation& annotation) {
  std::error_code fault;
  const auto root = std::filesystem::absolute(options.directory, fault).lexically_normal();
  if (fault || options.directory.empty()) {
    return bad_usage(fmt::format("archive: \"{}\" is no directory", options.directory));
  }
  std::string directory = root.string();
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  const ArchiveLayout layout(directory);
  if (!options.unix_us) options.unix_us = unix_us;
  auto store = ArchiveStore::open(*options.files, layout, options.archiver, options.rotation);
  if (!store) return tl::unexpected(store.error());
  return std::unique_ptr<Archive>(
      new Archive(std::make_unique<Impl>(std::move(*store), options, annotation, layout)));
}

std::uint64_t Archive::append(ReversePath path) { return impl_->queue.push(std::move(path)); }
std::uint64_t Archive::append(PingRecord record) { return impl_->queue.push(std::move(record)); }
std::uint64_t Archive::append(TraceRecord record) { return impl_->queue.push(std::move(record)); }
std::uint64_t Archive::append(RankedSpoofersRecord record) {
  return impl_->queue.push(std::move(record));
}

void Archive::set_annotation(Annotation annotation) {
  impl_->writer.set_annotation(std::move(annotation));
}

bool Archive::has_room() const { return impl_->queue.has_room(); }

void Archive::wait_for_room() { impl_->queue.wait_for_room(); }

std::uint64_t Archive::synced() const { return impl_->writer.synced(); }

std::string Archive::why_not_writable() const { return impl_->writer.trouble(); }

bool Archive::wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience) {
  return impl_->writer.wait_until_synced(number, patience);
}

std::vector<ReversePath> Archive::take_recovered() { return std::exchange(impl_->recovered, {}); }

void Archive::release(std::uint64_t number) { impl_->writer.release(number); }

ArchiveStatus Archive::status() const {
  const Bundler::Figures bundles = impl_->bundler.figures();
  ArchiveStatus status;
  status.synced = impl_->writer.synced();
  status.appended = impl_->queue.pushed();
  status.queued_bytes = impl_->queue.bytes();
  status.rows = impl_->writer.rows();
  status.bundles = bundles.bundles;
  status.bundle_bytes = bundles.bytes;
  status.rejected_rows = bundles.rejected_rows;
  status.spools_to_bundle = bundles.waiting;
  status.failing = impl_->writer.trouble();
  if (status.failing.empty()) status.failing = impl_->bundler.trouble();
  return status;
}

Expected<void> Archive::close() {
  impl_->writer.finish();
  impl_->bundler.stop();
  const std::uint64_t lost = impl_->queue.pushed() - impl_->writer.synced();
  if (lost > 0) {
    return run_failed(
        fmt::format("{} records could not be archived: {}; reverse traceroutes among them were not "
                    "shown, and are measured again after the next start",
                    lost, impl_->writer.trouble()));
  }
  return {};
}

}  // namespace backsight::controller
