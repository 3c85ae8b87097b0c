#include "controller/annotation/other_content.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "config/reading/text_file.h"

namespace backsight::controller {

namespace {

using namespace std::string_view_literals;
using simdjson::dom::element;

struct Signature {
  std::size_t at;
  std::string_view bytes;
  std::string_view words;
};
constexpr std::string_view kUnpack = "unpack it and name the file that was in it";
constexpr std::array kArchives = {
    Signature{0, "PK\x03\x04"sv, "a zip archive"},
    Signature{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "\x04\x22\x4d\x18"sv, "packed with lz4"},
    Signature{0, "\x1f\x9d"sv, "packed with compress"},
};

bool begins_with_tag(std::string_view text, std::string_view tag) {
  return text.size() >= tag.size() &&
         std::equal(tag.begin(), tag.end(), text.begin(), [](char wanted, char is) {
           return wanted == std::tolower(static_cast<unsigned char>(is));
         });
}

// The text of the first of these that there is.
std::string_view text_of(element object, std::initializer_list<const char*> keys) {
  for (const char* const key : keys) {
    std::string_view text;
    if (!object.at_key(key).get(text) && !text.empty()) return text;
  }
  return {};
}

bool has_rows(element object) {
  for (const char* const key : {"data", "results", "result"}) {
    simdjson::dom::array rows;
    if (!object.at_key(key).get(rows) && rows.size() > 0) return true;
  }
  return false;
}

// What an API says when it gives no rows: {"detail": ...}, {"error": ...}, {"meta": {"error":
// ...}}.
std::string api_error(std::string_view text) {
  simdjson::dom::parser parser;
  element object;
  if (parser.parse(text.data(), text.size()).get(object) || !object.is_object()) return {};
  if (has_rows(object)) return {};
  for (const char* const place : {"", "error", "errors", "meta"}) {
    element here = object;
    if (*place != '\0' && object.at_key(place).get(here)) continue;
    std::string_view said;
    if (here.get(said)) said = text_of(here, {"detail", "error", "title", "message", "reason"});
    if (!said.empty()) return std::string(said);
  }
  return {};
}

}  // namespace

std::string other_content(std::string_view beginning) {
  if (beginning.empty()) return "is empty; fetch it again";
  for (const Signature& it : kArchives) {
    if (beginning.size() > it.at && beginning.substr(it.at).starts_with(it.bytes)) {
      return fmt::format("is {}; {}", it.words, kUnpack);
    }
  }
  if (beginning.starts_with("SQLite format 3\0"sv)) {
    return "is an SQLite database; of bdrmapIT's, write the table as text: sqlite3 -csv -header "
           "FILE "
           "'SELECT addr, asn FROM annotation' > annotation.csv";
  }
  if (beginning.starts_with("\xef\xbb\xbf"sv)) beginning.remove_prefix(3);
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return beginning.size() < kBeginningBytes ? "holds nothing but blanks; fetch it again" : "";
  }
  const std::string_view text = beginning.substr(first);
  for (const auto tag : {"<!doctype html"sv, "<html"sv, "<?xml"sv, "<head"sv}) {
    if (begins_with_tag(text, tag)) {
      return "is a web page and no data; look at it in a browser, and fetch the file again";
    }
  }
  if (text.front() != '{' || beginning.size() >= kBeginningBytes) return {};
  const std::string said = api_error(text);
  return said.empty() ? "" : fmt::format("holds an error of an API: {}", config::in_quotes(said));
}

}  // namespace backsight::controller
