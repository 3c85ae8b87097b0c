#include "controller/json/utf8.h"

#include <simdjson.h>

namespace backsight::controller {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::size_t kMaxCharacterBytes = 4;

// How many bytes the character at the text's begin has; 0: there is none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t bytes = 1; bytes <= std::min(text.size(), kMaxCharacterBytes); ++bytes) {
    if (simdjson::validate_utf8(text.data(), bytes)) return bytes;
  }
  return 0;
}

}  // namespace

std::string as_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string(text);
  std::string clean;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    clean += bytes == 0 ? kReplacement : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return clean;
}

}  // namespace backsight::controller
