#include "controller/atlas_import/json_rows.h"

#include <fmt/format.h>

#include <span>

namespace backsight::controller {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Where in nested brackets and texts a reader of JSON stands.
class Nesting {
 public:
  void step(char c) noexcept {
    if (in_text_) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '"') {
        in_text_ = false;
      }
      return;
    }
    if (c == '"') in_text_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') --depth_;
  }
  // The next "," or "]" ends the element.
  [[nodiscard]] bool is_outside() const noexcept { return depth_ <= 0 && !in_text_; }

 private:
  std::int64_t depth_ = 0;
  bool in_text_ = false;
  bool is_escaped_ = false;
};

}  // namespace

Expected<JsonRows> JsonRows::open(const std::filesystem::path& path) {
  auto file = PackedFile::open(path);
  if (!file) return tl::unexpected(file.error());
  return JsonRows(std::move(*file));
}

tl::unexpected<Error> JsonRows::broken(std::string_view why) const {
  return bad_usage(fmt::format("{}: row {}: {}", file_.path(), number_ + 1, why));
}

Expected<bool> JsonRows::has_more() {
  if (at_ < buffer_.size()) return true;
  buffer_.erase(0, begin_);
  at_ -= begin_;
  begin_ = 0;
  if (at_ > kMaxRowBytes) {
    return broken(fmt::format("is longer than {} bytes; is it the right file?", kMaxRowBytes));
  }
  buffer_.resize(at_ + kChunkBytes);
  const auto got = file_.read(std::span(buffer_).subspan(at_));
  buffer_.resize(at_ + (got ? *got : 0));
  if (!got) return tl::unexpected(got.error());
  return *got > 0;
}

// False: the file has ended.
Expected<bool> JsonRows::skip_blanks(bool commas_too) {
  while (true) {
    begin_ = at_;
    const auto more = has_more();
    if (!more || !*more) return more;
    if (!is_blank(buffer_[at_]) && !(commas_too && buffer_[at_] == ',')) return true;
    ++at_;
  }
}

Expected<std::optional<std::string_view>> JsonRows::next() {
  if (is_over_) return std::nullopt;
  if (!is_begun_) {
    is_begun_ = true;
    const auto more = skip_blanks(false);
    if (!more) return tl::unexpected(more.error());
    is_array_ = *more && buffer_[at_] == '[';
    if (is_array_) ++at_;
  }
  auto row = is_array_ ? next_element() : next_line();
  is_over_ = !row || !row->has_value();
  if (!is_over_) ++number_;
  return row;
}

Expected<std::optional<std::string_view>> JsonRows::next_line() {
  const auto more = skip_blanks(false);
  if (!more) return tl::unexpected(more.error());
  if (!*more) return std::nullopt;
  while (true) {
    const auto readable = has_more();
    if (!readable) return tl::unexpected(readable.error());
    if (!*readable || buffer_[at_] == '\n') break;
    ++at_;
  }
  return std::string_view(buffer_).substr(begin_, at_ - begin_);
}

Expected<std::optional<std::string_view>> JsonRows::next_element() {
  const auto more = skip_blanks(true);
  if (!more) return tl::unexpected(more.error());
  if (!*more) return broken("the file ends before its array does: it was cut; fetch it again");
  if (buffer_[at_] == ']') return std::nullopt;
  Nesting nesting;
  while (true) {
    const auto readable = has_more();
    if (!readable) return tl::unexpected(readable.error());
    if (!*readable) return broken("the file ends within the row: it was cut; fetch it again");
    const char c = buffer_[at_];
    if (nesting.is_outside() && (c == ',' || c == ']')) break;
    nesting.step(c);
    ++at_;
  }
  return std::string_view(buffer_).substr(begin_, at_ - begin_);
}

}  // namespace backsight::controller
