#include "controller/archive/spool_lines.h"

#include <span>

namespace backsight::controller {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;

}  // namespace

Expected<std::optional<std::string_view>> SpoolLines::next() {
  std::size_t searched = begin_;
  while (true) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      const std::string_view line(buffer_.data() + begin_, end - begin_);
      begin_ = end + 1;
      return line;
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched = buffer_.size();
    buffer_.resize(searched + kChunkBytes);
    const auto got = file_->read_at(
        offset_, std::as_writable_bytes(std::span(buffer_.data() + searched, kChunkBytes)));
    buffer_.resize(searched + (got ? *got : 0));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return std::nullopt;
    offset_ += *got;
  }
}

}  // namespace backsight::controller
