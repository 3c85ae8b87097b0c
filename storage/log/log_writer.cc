#include "storage/log/log_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "probes/assert.h"
#include "storage/log/segment.h"

namespace backsight::storage {

namespace {

// How often a held lock is asked for again.
constexpr std::chrono::milliseconds kLockPoll{2};

}  // namespace

Expected<std::unique_ptr<LogWriter>> LogWriter::open(FileSystem& files, std::string directory,
                                                     const LogOptions& options) {
  std::unique_ptr<LogWriter> log(new LogWriter(files, std::move(directory), options));
  if (auto made = files.make_directories(log->directory_); !made) {
    return tl::unexpected(made.error());
  }
  if (auto taken = log->take_lock(); !taken) return tl::unexpected(taken.error());
  if (auto recovered = log->recover(); !recovered) return tl::unexpected(recovered.error());
  return log;
}

Expected<void> LogWriter::take_lock() {
  const auto deadline = std::chrono::steady_clock::now() + options_.lock_wait;
  while (true) {
    auto attempt = files_.lock(directory_ + "/lock");
    if (!attempt) return tl::unexpected(attempt.error());
    if (attempt->lock != nullptr) {
      lock_ = std::move(attempt->lock);
      return {};
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return run_failed(fmt::format("{}: in use by process {}; stop that one or use another folder",
                                    directory_, attempt->holder_pid));
    }
    std::this_thread::sleep_for(kLockPoll);
  }
}

Expected<LogEnd> LogWriter::published_end() {
  auto file = files_.open_to_write(directory_ + "/end");
  if (!file) return tl::unexpected(file.error());
  end_file_ = std::move(*file);
  std::array<std::byte, kLogEndBytes> bytes{};
  const auto got = end_file_->read_at(0, bytes);
  if (!got) return tl::unexpected(got.error());
  return parse_log_end(std::span(bytes).first(*got)).value_or(LogEnd{});
}

Expected<void> LogWriter::recover() {
  const auto published = published_end();
  if (!published) return tl::unexpected(published.error());
  const auto segments = list_segments(files_, directory_);
  if (!segments) return tl::unexpected(segments.error());
  LogEnd tail = *published;
  if (!segments->empty()) {
    const auto start = recovery_start(*segments, *published);
    if (!start) return tl::unexpected(start.error());
    const auto found = scan(*start, *segments);
    if (!found) return tl::unexpected(found.error());
    tail = *found;
  }
  if (auto adopted = adopt(tail, *published); !adopted) return adopted;
  next_position_ = end_.position;
  return publish_end();
}

// Where the search for the tail begins: where the log ended at its last sync, or, when that is not
// known, at the last segment's first record.
Expected<LogEnd> LogWriter::recovery_start(const std::vector<std::uint64_t>& segments,
                                           const LogEnd& published) {
  const LogEnd last{segments.back(), segments.back(), kSegmentHeaderBytes};
  if (!std::binary_search(segments.begin(), segments.end(), published.segment)) return last;
  auto file = files_.open_to_read(segment_path(directory_, published.segment));
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return last;
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size >= published.offset) return published;
  return LogEnd{published.segment, published.segment, kSegmentHeaderBytes};
}

// Returns the end of the last whole record, in the last segment.
Expected<LogEnd> LogWriter::scan(const LogEnd& from, const std::vector<std::uint64_t>& segments) {
  LogEnd tail = from;
  for (const std::uint64_t first : segments) {
    if (first < from.segment) continue;
    auto file = files_.open_to_read(segment_path(directory_, first));
    if (!file) return tl::unexpected(file.error());
    if (*file == nullptr) continue;
    SegmentReader reader(std::move(*file), first);
    if (first != from.segment) tail = {std::max(first, tail.position), first, kSegmentHeaderBytes};
    reader.seek(tail.offset);
    while (true) {
      const auto record = reader.record_here(tail.position);
      if (!record) return tl::unexpected(record.error());
      if (*record) {
        reader.skip(**record);
        tail.position = (*record)->end();
        tail.offset = reader.offset();
        continue;
      }
      const auto next = reader.find_record(tail.position);
      if (!next) return tl::unexpected(next.error());
      if (!*next) break;
      complaints_.push_back(fmt::format("{}: {} bytes at {} cannot be read; going on behind them",
                                        segment_path(directory_, first), **next - reader.offset(),
                                        reader.offset()));
      reader.seek(**next);
    }
  }
  return tail;
}

// Goes on at `tail`, if nothing that was acknowledged is missing there; else in a new segment, so
// that no position is given out twice.
Expected<void> LogWriter::adopt(const LogEnd& tail, const LogEnd& published) {
  end_ = tail;
  if (published.position > tail.position) {
    complaints_.push_back(fmt::format("{}: items {} to {} were acknowledged and cannot be read",
                                      directory_, tail.position, published.position - 1));
  }
  const std::uint64_t next =
      std::max({tail.position, published.position, options_.least_position, kFirstPosition});
  if (next == tail.position && tail.segment != 0) return cut_tail(tail);
  end_ = {next, 0, 0};
  return {};
}

Expected<void> LogWriter::cut_tail(const LogEnd& tail) {
  auto file = files_.open_to_write(segment_path(directory_, tail.segment));
  if (!file) return tl::unexpected(file.error());
  segment_ = std::move(*file);
  const auto size = segment_->size();
  if (!size) return tl::unexpected(size.error());
  if (tail.offset == kSegmentHeaderBytes) end_.offset = 0;  // no record: the header is written anew
  if (*size > end_.offset) {
    if (*size > tail.offset) {
      complaints_.push_back(fmt::format("{}: cut a torn tail of {} bytes at {}",
                                        segment_path(directory_, tail.segment), *size - tail.offset,
                                        tail.offset));
    }
    if (auto cut = segment_->truncate(end_.offset); !cut) return cut;
  }
  if (auto synced = segment_->sync(); !synced) return synced;
  return files_.sync_directory(directory_);
}

bool LogWriter::is_at_segment_start() const noexcept {
  return pending_.empty() && (needs_segment() || end_.offset == 0);
}

RecordPlace LogWriter::next_place() const noexcept {
  if (needs_segment()) return {end_.position, kSegmentHeaderBytes + pending_.size()};
  return {end_.segment,
          std::max<std::uint64_t>(end_.offset, kSegmentHeaderBytes) + pending_.size()};
}

std::uint64_t LogWriter::append(std::span<const std::byte> payload, std::uint32_t count) {
  BACKSIGHT_ASSERT(!payload.empty() && payload.size() <= kMaxPayloadBytes && count >= 1);
  const std::uint64_t position = next_position_;
  append_record(pending_, payload, position, count);
  next_position_ += count;
  return position;
}

Expected<void> LogWriter::sync() {
  if (pending_.empty()) return {};
  auto written = write_pending();
  if (!written) {
    next_position_ = end_.position;
    pending_.clear();
    return written;
  }
  end_.offset += pending_.size();
  end_.position = next_position_;
  pending_.clear();
  (void)publish_end();  // not being able to tell delays readers, and no more
  return {};
}

Expected<void> LogWriter::write_pending() {
  if (tail_is_dirty_) {
    if (auto cut = segment_->truncate(end_.offset); !cut) return cut;
    tail_is_dirty_ = false;
  }
  if (needs_segment()) {
    if (auto opened = open_segment(); !opened) return opened;
  }
  // Until the sync has returned, bytes behind the end may be anything.
  tail_is_dirty_ = true;
  std::uint64_t at = end_.offset;
  if (at == 0) {
    const SegmentHeader header = make_segment_header(end_.segment);
    if (auto put = segment_->write_at(0, header); !put) return put;
    at = header.size();
  }
  auto put = segment_->write_at(at, pending_);
  if (put) put = segment_->sync();
  if (put && !directory_is_synced_) put = files_.sync_directory(directory_);
  if (!put) {
    // Gives the disk back at once; tried again before the next write if this fails, too.
    if (segment_->truncate(end_.offset)) tail_is_dirty_ = false;
    return put;
  }
  tail_is_dirty_ = false;
  directory_is_synced_ = true;
  end_.offset = at;
  return {};
}

Expected<void> LogWriter::open_segment() {
  auto file = files_.open_to_write(segment_path(directory_, end_.position));
  if (!file) return tl::unexpected(file.error());
  segment_ = std::move(*file);
  end_.segment = end_.position;
  end_.offset = 0;
  directory_is_synced_ = false;
  return {};
}

Expected<void> LogWriter::publish_end() {
  LogEnd end = end_;
  if (end.segment != 0) end.offset = std::max<std::uint64_t>(end.offset, kSegmentHeaderBytes);
  return end_file_->write_at(0, to_bytes(end));
}

}  // namespace backsight::storage
