#include "controller/atlas_import/json_rows.h"

#include <fmt/format.h>

#include <span>
#include <utility>

namespace backsight::controller {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;
constexpr std::size_t kMostPageHead = std::size_t{1} << 16;

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
  [[nodiscard]] std::int64_t depth() const noexcept { return depth_; }
  [[nodiscard]] bool in_text() const noexcept { return in_text_; }

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
  while (!is_over_) {
    if (form_ == Form::kUnknown) {
      const auto found = find_rows();
      is_over_ = !found || !*found;
      if (!found) return tl::unexpected(found.error());
      continue;
    }
    auto row = form_ == Form::kLines ? next_line() : next_element();
    is_over_ = !row || (!row->has_value() && form_ == Form::kLines);
    if (!row || row->has_value()) {
      if (row) ++number_;
      return row;
    }
  }
  return std::nullopt;
}

Expected<bool> JsonRows::find_rows() {
  const auto more = skip_blanks(true);
  if (!more || !*more) return more;
  if (buffer_[at_] == '[') {
    form_ = Form::kArray;
    ++at_;
    return true;
  }
  form_ = Form::kLines;
  if (buffer_[at_] == '{') {
    if (auto looked = look_for_page(); !looked) return tl::unexpected(looked.error());
  }
  return true;
}

// A page's keys before "results" are few and short.
Expected<void> JsonRows::look_for_page() {
  Nesting nesting;
  std::string key;  // or other text, of the object's own
  bool was_key = false;
  has_next_page_ = false;
  for (; at_ - begin_ < kMostPageHead; ++at_) {
    const auto more = has_more();
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    const char c = buffer_[at_];
    nesting.step(c);
    if (nesting.is_outside()) break;
    if (nesting.depth() == 2 && c == '[' && was_key && key == "results") {
      form_ = Form::kPage;
      ++at_;
      return {};
    }
    if (nesting.depth() != 1) continue;
    if (nesting.in_text()) {
      key = c == '"' ? "" : key + c;
      was_key = false;
    } else if (c == '"') {
      if (is_value_of_next_) has_next_page_ = true;
      is_value_of_next_ = false;
    } else if (c == ':') {
      was_key = true;
      is_value_of_next_ = key == "next";
    } else if (c == ',') {
      was_key = false;
      is_value_of_next_ = false;
    }
  }
  has_next_page_ = false;
  at_ = begin_;
  return {};
}

Expected<void> JsonRows::leave_page() {
  Nesting nesting;
  nesting.step('{');
  while (!nesting.is_outside()) {
    begin_ = at_;
    const auto more = has_more();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return broken("the file ends before its page does: it was cut; fetch it again");
    nesting.step(buffer_[at_++]);
  }
  return {};
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
  if (buffer_[at_] == ']') {
    ++at_;
    if (std::exchange(form_, Form::kUnknown) == Form::kPage) {
      if (auto left = leave_page(); !left) return tl::unexpected(left.error());
    }
    return std::nullopt;
  }
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
