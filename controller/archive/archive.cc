#include "controller/archive/archive.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/archive/bundler.h"
#include "controller/archive/layout.h"
#include "controller/archive/record_queue.h"
#include "controller/archive/writer.h"
#include "daemon/trouble.h"
#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

// Rows that wait for the disk beside the records of the queue.
constexpr std::uint64_t kMaxKeptBytes = std::uint64_t{8} << 20;

// Leaves a file alone that says the same.
Expected<void> write_schema(storage::FileSystem& files, const std::string& path,
                            const std::string& content) {
  const auto known = storage::read_file(files, path);
  if (!known) return tl::unexpected(known.error());
  if (*known != nullptr && **known == content) return {};
  return storage::replace_file(files, path, content);
}

Expected<void> write_schemas(storage::FileSystem& files, const ArchiveLayout& layout) {
  const std::string folder = layout.schema_directory() + '/';
  if (auto made = files.make_directories(layout.schema_directory()); !made) return made;
  for (const Datatype datatype : kAllDatatypes) {
    auto written = write_schema(files, fmt::format("{}{}.json", folder, name(datatype)),
                                bigquery_schema(datatype));
    if (!written) return written;
  }
  if (auto written = write_schema(files, folder + "none.jsonl", ""); !written) return written;
  return write_schema(files, folder + "duckdb.sql", duckdb_tables(layout.root()));
}

}  // namespace

class Archive::Impl {
 public:
  Impl(std::unique_ptr<BundleMaker> maker, const ArchiveOptions& options,
       const Annotation& annotation, const ArchiveLayout& layout, Journal& of)
      : journal(of),
        tell(options.tell),
        queue(options.queue_bytes),
        bundler(std::move(maker), of, layout, options.retry_interval, tell),
        writer(of, queue, bundler, annotation,
               {.sync_interval = options.sync_interval,
                .retry_interval = options.retry_interval,
                .max_kept_bytes = std::min(options.queue_bytes, kMaxKeptBytes),
                .bundles = options.bundles,
                .unix_us = options.unix_us,
                .show = options.show}) {}

  Journal& journal;
  daemon::Teller tell;
  RecordQueue queue;
  Bundler bundler;
  ArchiveWriter writer;
};

Archive::Archive(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Archive::~Archive() { static_cast<void>(close()); }

Expected<std::unique_ptr<Archive>> Archive::open(ArchiveOptions options,
                                                 const Annotation& annotation, Journal& journal) {
  const auto layout = ArchiveLayout::of(options.directory);
  if (!layout) return tl::unexpected(layout.error());
  if (!options.unix_us) options.unix_us = unix_us;
  if (auto written = write_schemas(*options.files, *layout); !written) {
    return tl::unexpected(written.error());
  }
  auto maker = BundleMaker::open(*options.files, *layout, options.archiver, options.bundles);
  if (!maker) return tl::unexpected(maker.error());
  return std::unique_ptr<Archive>(new Archive(
      std::make_unique<Impl>(std::move(*maker), options, annotation, *layout, journal)));
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

std::string Archive::why_not_writable() const { return impl_->journal.why_not_writable(); }

bool Archive::wait_until_synced(std::uint64_t number, std::chrono::milliseconds patience) {
  return impl_->writer.wait_until_synced(number, patience);
}

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
  status.records_to_bundle = bundles.waiting;
  status.failing = impl_->journal.why_not_writable();
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
                    lost, impl_->journal.why_not_writable()));
  }
  return {};
}

}  // namespace backsight::controller
