// The rows of a large JSON file, one by one: the elements of arrays, or lines of one value each.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/error.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

class JsonRows {
 public:
  static constexpr std::size_t kMaxRowBytes = std::size_t{16} << 20;

  // The file may be packed (packed_file.h). It holds lines, or arrays, one behind the other: what
  // begins with "[", and the "results" of objects, which is how an API gives pages.
  [[nodiscard]] static Expected<JsonRows> open(const std::filesystem::path& path);

  // The text of the next row, JSON or not; nothing at the end. Good until the next call. An error
  // when the file cannot be read on, or ends within a row or an array: there is nothing behind it.
  [[nodiscard]] Expected<std::optional<std::string_view>> next();
  // Of the row that next() returned last; from 1 on.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  // The last page names a next one, which is not in the file. Known at the end.
  [[nodiscard]] bool lacks_pages() const noexcept { return has_next_page_; }

 private:
  explicit JsonRows(PackedFile file) : file_(std::move(file)) {}
  enum class Form { kUnknown, kLines, kArray, kPage };

  [[nodiscard]] tl::unexpected<Error> broken(std::string_view why) const;
  // Makes buffer_[at_] readable. False: the file has ended.
  Expected<bool> has_more();
  Expected<bool> skip_blanks(bool commas_too);
  // At the begin of the file, or behind an array. False: the file has ended.
  Expected<bool> find_rows();
  Expected<void> look_for_page();
  // From the end of a page's array to the end of the page.
  Expected<void> leave_page();
  Expected<std::optional<std::string_view>> next_line();
  // Nothing at the end of the array.
  Expected<std::optional<std::string_view>> next_element();

  PackedFile file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the row that is being read
  std::size_t at_ = 0;     // in buffer_, of the next character
  std::uint64_t number_ = 0;
  Form form_ = Form::kUnknown;
  bool has_next_page_ = false;
  bool is_value_of_next_ = false;  // the text that comes, while a page's head is read
  bool is_over_ = false;
};

}  // namespace backsight::controller
