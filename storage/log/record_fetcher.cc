#include "storage/log/record_fetcher.h"

#include <fmt/format.h>

namespace backsight::storage {

Expected<LogRecord> RecordFetcher::fetch(const RecordPlace& place) {
  const std::string path = segment_path(directory_, place.segment);
  if (segment_ == nullptr || segment_->first_position() != place.segment) {
    segment_.reset();
    auto file = files_.open_to_read(path);
    if (!file) return tl::unexpected(file.error());
    if (*file == nullptr) return run_failed(fmt::format("{}: is not there any more", path));
    segment_ = std::make_unique<SegmentReader>(std::move(*file), place.segment);
  }
  segment_->seek(place.offset);
  for (const bool is_fresh : {false, true}) {
    const auto record = segment_->record_here(place.segment);
    if (!record) return tl::unexpected(record.error());
    if (*record) return **record;
    // What was read ahead may have been written since.
    if (!is_fresh) segment_->forget();
  }
  return run_failed(fmt::format("{}: the record at {} cannot be read", path, place.offset));
}

}  // namespace backsight::storage
