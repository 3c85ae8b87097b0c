#include "storage/log/log_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace backsight::storage {

namespace {

Expected<LogEnd> read_log_end(FileSystem& files, const std::string& directory) {
  auto file = files.open_to_read(directory + "/end");
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return LogEnd{};
  std::array<std::byte, kLogEndBytes> bytes{};
  const auto got = (*file)->read_at(0, bytes);
  if (!got) return tl::unexpected(got.error());
  return parse_log_end(std::span(bytes).first(*got)).value_or(LogEnd{});
}

}  // namespace

LogReader::LogReader(FileSystem& files, std::string directory, std::uint64_t position)
    : files_(&files),
      directory_(std::move(directory)),
      position_(std::max(position, kFirstPosition)) {}

Expected<std::optional<LogRecord>> LogReader::next(std::vector<std::string>& complaints) {
  while (true) {
    if (segment_ == nullptr) {
      const auto opened = open_segment_of_position();
      if (!opened) return tl::unexpected(opened.error());
      if (!*opened) return std::nullopt;
    }
    const auto record = visible_record();
    if (!record) return tl::unexpected(record.error());
    if (*record) {
      if (auto checked = check_header(complaints); !checked) {
        return tl::unexpected(checked.error());
      }
      place_ = {segment_->first_position(), segment_->offset()};
      segment_->skip(**record);
      is_damage_told_ = false;
      if ((*record)->end() <= position_) continue;  // before the place where reading begins
      accept(**record, complaints);
      return record;
    }
    const auto way = pass_unreadable(complaints);
    if (!way) return tl::unexpected(way.error());
    if (*way == Way::kNothingYet) {
      durable_offset_ = 0;  // the next writer may cut and write anew what is no whole record
      return std::nullopt;
    }
  }
}

void LogReader::accept(const LogRecord& record, std::vector<std::string>& complaints) {
  if (record.position > position_) {
    lost_items_ += record.position - position_;
    complaints.push_back(fmt::format("{}: items {} to {} are not there any more", directory_,
                                     position_, record.position - 1));
  }
  position_ = record.end();
}

// The last segment that begins at or before the position; else the first one.
Expected<bool> LogReader::open_segment_of_position() {
  const auto segments = list_segments(*files_, directory_);
  if (!segments) return tl::unexpected(segments.error());
  if (segments->empty()) return false;
  const auto after = std::upper_bound(segments->begin(), segments->end(), position_);
  const auto opened = open_segment(after == segments->begin() ? *after : *(after - 1));
  if (!opened || !*opened) return opened;
  // Who begins at the end need not read all that is before it.
  const auto end = read_log_end(*files_, directory_);
  if (!end) return tl::unexpected(end.error());
  if (end->segment == segment_->first_position() && end->position <= position_) {
    segment_->seek(end->offset);
  }
  return true;
}

Expected<bool> LogReader::open_segment(std::uint64_t first) {
  auto file = files_->open_to_read(segment_path(directory_, first));
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return false;  // freed under our hands: asked again
  segment_ = std::make_unique<SegmentReader>(std::move(*file), first);
  header_is_checked_ = false;
  is_damage_told_ = false;
  durable_offset_ = 0;
  return true;
}

// The whole record at the segment's offset, if it is durable.
Expected<std::optional<LogRecord>> LogReader::visible_record() {
  // Behind the place where reading begins every position is known.
  const std::uint64_t least = std::min(position_, segment_->first_position());
  for (const bool is_fresh : {false, true}) {
    const auto record = segment_->record_here(least);
    if (!record) return tl::unexpected(record.error());
    const bool may_see = *record && ((*record)->position < durable_position_ ||
                                     segment_->offset() + record_bytes((*record)->payload.size()) <=
                                         durable_offset_);
    if (may_see || is_fresh) return may_see ? *record : std::nullopt;
    // What was read ahead of the durable end may have been cut and written anew.
    segment_->forget();
    if (auto refreshed = refresh_limit(); !refreshed) return tl::unexpected(refreshed.error());
  }
  return std::nullopt;
}

Expected<void> LogReader::refresh_limit() {
  const auto end = read_log_end(*files_, directory_);
  if (!end) return tl::unexpected(end.error());
  durable_position_ = std::max(durable_position_, end->position);
  if (position_ < durable_position_) return {};
  // A writer that died between its last sync and telling the end left whole records behind. Nobody
  // takes those back, so they may be read, once they are on the disk.
  auto alive = files_->is_locked(directory_ + "/lock");
  if (!alive) return tl::unexpected(alive.error());
  if (*alive) return {};
  const auto size = segment_->file().size();
  if (!size) return tl::unexpected(size.error());
  if (*size <= durable_offset_) return {};
  alive = files_->is_locked(directory_ + "/lock");
  if (!alive) return tl::unexpected(alive.error());
  if (*alive) return {};
  if (auto synced = segment_->file().sync(); !synced) return synced;
  if (auto named = files_->sync_directory(directory_); !named) return named;
  durable_offset_ = *size;
  return {};
}

// There is no durable whole record at the segment's offset: the end, a torn tail, or damage.
Expected<LogReader::Way> LogReader::pass_unreadable(std::vector<std::string>& complaints) {
  const auto after = segment_after(segment_->first_position());
  if (!after) return tl::unexpected(after.error());
  const auto size = segment_->file().size();
  if (!size) return tl::unexpected(size.error());
  if (*after && durable_offset_ < *size) {
    // Another segment follows, so all of this one is durable; some of it may be new to us.
    durable_offset_ = *size;
    segment_->forget();
    return Way::kOn;
  }
  const bool more_is_due = position_ < durable_position_ || segment_->offset() < durable_offset_;
  if (segment_->offset() < *size && more_is_due) {
    const auto way = search_record(*size, after->has_value(), complaints);
    if (!way || *way == Way::kOn || !*after) return way;
  }
  if (!*after) return Way::kNothingYet;
  const auto opened = open_segment(**after);
  if (!opened) return tl::unexpected(opened.error());
  if (!*opened) segment_ = nullptr;
  return Way::kOn;
}

// Goes to the next whole record of this segment. Bytes before it, or before the segment's end, are
// damaged if something is known to follow them; else they are a torn tail.
Expected<LogReader::Way> LogReader::search_record(std::uint64_t size, bool is_followed,
                                                  std::vector<std::string>& complaints) {
  const auto found = segment_->find_record(position_);
  if (!found) return tl::unexpected(found.error());
  const bool is_damage = *found || is_followed || position_ < durable_position_;
  if (is_damage && !is_damage_told_) {
    if (auto checked = check_header(complaints); !checked) return tl::unexpected(checked.error());
    complaints.push_back(fmt::format("{}: {} bytes at {} cannot be read; going on behind them",
                                     segment_path(directory_, segment_->first_position()),
                                     found->value_or(size) - segment_->offset(),
                                     segment_->offset()));
    is_damage_told_ = true;
  }
  if (!*found) return Way::kNothingYet;
  segment_->seek(**found);
  const auto record = visible_record();
  if (!record) return tl::unexpected(record.error());
  return *record ? Way::kOn : Way::kNothingYet;
}

Expected<std::optional<std::uint64_t>> LogReader::segment_after(std::uint64_t first) {
  const auto segments = list_segments(*files_, directory_);
  if (!segments) return tl::unexpected(segments.error());
  const auto after = std::upper_bound(segments->begin(), segments->end(), first);
  if (after == segments->end()) return std::nullopt;
  return *after;
}

Expected<void> LogReader::check_header(std::vector<std::string>& complaints) {
  if (header_is_checked_) return {};
  const auto version = segment_->version();
  if (!version) return tl::unexpected(version.error());
  const std::string path = segment_path(directory_, segment_->first_position());
  if (*version > kLogVersion) {
    return run_failed(
        fmt::format("{}: written in version {} of the log's form, this program reads "
                    "up to {}; upgrade it",
                    path, *version, kLogVersion));
  }
  if (*version == 0) complaints.push_back(fmt::format("{}: its header is damaged", path));
  header_is_checked_ = true;
  return {};
}

Expected<std::uint64_t> log_end(FileSystem& files, const std::string& directory) {
  const auto end = read_log_end(files, directory);
  if (!end) return tl::unexpected(end.error());
  std::vector<std::string> complaints;
  LogReader reader(files, directory, end->position);
  while (true) {
    const auto record = reader.next(complaints);
    if (!record) return tl::unexpected(record.error());
    if (!*record) return reader.position();
  }
}

Expected<std::uint64_t> bytes_behind(FileSystem& files, const std::string& directory,
                                     std::uint64_t mark) {
  const auto end = read_log_end(files, directory);
  if (!end) return tl::unexpected(end.error());
  const auto segments = list_segments(files, directory);
  if (!segments) return tl::unexpected(segments.error());
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const std::uint64_t first = (*segments)[i];
    const std::uint64_t next = i + 1 < segments->size() ? (*segments)[i + 1] : end->position;
    if (next <= mark || next <= first) continue;
    auto file = files.open_to_read(segment_path(directory, first));
    if (!file) return tl::unexpected(file.error());
    if (*file == nullptr) continue;
    const auto size = (*file)->size();
    if (!size) return tl::unexpected(size.error());
    const double share =
        mark <= first ? 1.0 : static_cast<double>(next - mark) / static_cast<double>(next - first);
    bytes += static_cast<std::uint64_t>(share * static_cast<double>(*size));
  }
  return bytes;
}

Expected<void> free_segments(FileSystem& files, const std::string& directory, std::uint64_t mark) {
  const auto segments = list_segments(files, directory);
  if (!segments) return tl::unexpected(segments.error());
  for (std::size_t i = 0; i + 1 < segments->size(); ++i) {
    // The next one's first item is below the mark, so it holds a durable record.
    if ((*segments)[i + 1] >= mark) break;
    if (auto removed = files.remove(segment_path(directory, (*segments)[i])); !removed) {
      return removed;
    }
  }
  return {};
}

}  // namespace backsight::storage
