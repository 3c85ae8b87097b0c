#include "config/reading/key.h"

namespace backsight::config {

std::optional<std::string> why_no_text(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      return in_quotes(text) + " holds a control character";
    }
  }
  return std::nullopt;
}

}  // namespace backsight::config
