#include "storage/mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "storage/log/segment.h"

namespace backsight::storage {

namespace {

using Bytes = std::vector<std::byte>;

std::string copy_of(const std::string& directory) { return directory + "/copy"; }

// Empty when there is no such file.
Expected<Bytes> read_all(FileSystem& files, const std::string& path) {
  auto file = files.open_to_read(path);
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return Bytes();
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  Bytes bytes(*size);
  const auto got = (*file)->read_at(0, bytes);
  if (!got) return tl::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

Expected<void> write_all(FileSystem& files, const std::string& path, const Bytes& bytes) {
  auto file = files.open_to_write(path);
  if (!file) return tl::unexpected(file.error());
  if (auto written = (*file)->write_at(0, bytes); !written) return written;
  if (auto cut = (*file)->truncate(bytes.size()); !cut) return cut;
  return (*file)->sync();
}

// Bytes of the whole record at `offset`; 0: there is none.
std::size_t whole_at(const Bytes& bytes, std::size_t offset) {
  if (bytes.size() < offset + kRecordHeaderBytes) return 0;
  const auto rest = std::span(bytes).subspan(offset);
  const RecordHeader header = load_record_header(rest);
  if (!header.is_plausible()) return 0;
  const std::size_t size = record_bytes(header.payload_bytes);
  return size <= rest.size() && record_is_whole(rest.first(size)) ? size : 0;
}

// Takes from `copy` each record that is whole there and not here. Returns how many.
std::size_t mend(Bytes& log, const Bytes& copy, std::uint64_t first_position) {
  const SegmentHeader header = make_segment_header(first_position);
  if (log.size() < header.size()) log.resize(std::min(header.size(), copy.size()));
  if (log.size() < header.size()) return 0;
  std::size_t mended = 0;
  if (segment_version(log) == 0) {
    std::memcpy(log.data(), header.data(), header.size());
    ++mended;
  }
  std::size_t offset = header.size();
  while (true) {
    std::size_t size = whole_at(log, offset);
    if (size == 0) {
      size = whole_at(copy, offset);
      if (size == 0) return mended;
      log.resize(std::max(log.size(), offset + size));
      std::memcpy(log.data() + offset, copy.data() + offset, size);
      ++mended;
    }
    offset += size;
  }
}

}  // namespace

Expected<std::vector<std::string>> repair_from_copy(FileSystem& files,
                                                    const std::string& directory) {
  std::vector<std::string> told;
  const std::string other = copy_of(directory);
  if (auto made = files.make_directories(other); !made) return tl::unexpected(made.error());
  const auto segments = list_segments(files, directory);
  if (!segments) return tl::unexpected(segments.error());
  const auto copies = list_segments(files, other);
  if (!copies) return tl::unexpected(copies.error());
  for (const std::uint64_t first : *segments) {
    auto log = read_all(files, segment_path(directory, first));
    if (!log) return tl::unexpected(log.error());
    const auto copy = read_all(files, segment_path(other, first));
    if (!copy) return tl::unexpected(copy.error());
    if (*log == *copy) continue;
    if (const std::size_t mended = copy->empty() ? 0 : mend(*log, *copy, first); mended > 0) {
      told.push_back(fmt::format("{}: {} damaged or missing records mended from the copy",
                                 segment_path(directory, first), mended));
      if (auto put = write_all(files, segment_path(directory, first), *log); !put) {
        return tl::unexpected(put.error());
      }
    }
    if (auto put = write_all(files, segment_path(other, first), *log); !put) {
      return tl::unexpected(put.error());
    }
  }
  for (const std::uint64_t first : *copies) {
    if (std::binary_search(segments->begin(), segments->end(), first)) continue;
    (void)files.remove(segment_path(other, first));
  }
  (void)files.remove(other + "/end");  // found anew
  if (auto named = files.sync_directory(other); !named) return tl::unexpected(named.error());
  return told;
}

MirroredWriter::MirroredWriter(FileSystem& files, std::string directory,
                               std::unique_ptr<LogWriter> log, std::unique_ptr<LogWriter> copy)
    : files_(files),
      directory_(std::move(directory)),
      log_(std::move(log)),
      copy_(std::move(copy)) {}

Expected<std::unique_ptr<MirroredWriter>> MirroredWriter::open(FileSystem& files,
                                                               const std::string& directory,
                                                               const LogOptions& options) {
  auto log = LogWriter::open(files, directory, options);
  if (!log) return tl::unexpected(log.error());
  LogOptions same = options;
  same.least_position = (*log)->durable_end();
  auto copy = LogWriter::open(files, copy_of(directory), same);
  // Of use only in step.
  const bool is_like = copy && (*copy)->durable_end() == (*log)->durable_end();
  return std::unique_ptr<MirroredWriter>(
      new MirroredWriter(files, directory, std::move(*log), is_like ? std::move(*copy) : nullptr));
}

Expected<std::uint64_t> MirroredWriter::write(std::span<const std::byte> payload,
                                              std::uint32_t count) {
  const std::uint64_t position = log_->append(payload, count);
  if (auto synced = log_->sync(); !synced) return tl::unexpected(synced.error());
  if (copy_ != nullptr) {
    copy_->append(payload, count);
    if (!copy_->sync()) copy_.reset();
  }
  return position;
}

void MirroredWriter::free_copy() {
  const auto segments = list_segments(files_, directory_);
  const auto copies = list_segments(files_, copy_of(directory_));
  if (!segments || !copies) return;
  for (const std::uint64_t first : *copies) {
    if (!segments->empty() && first < segments->front()) {
      (void)files_.remove(segment_path(copy_of(directory_), first));
    }
  }
}

}  // namespace backsight::storage
