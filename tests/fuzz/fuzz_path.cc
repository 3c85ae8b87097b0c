// A reverse path in JSON: what is accepted comes back as it went.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/json/path_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backsight::controller;
  const auto path = parse_path({reinterpret_cast<const char*>(data), size});
  if (!path) {
    if (path.error().sentence.empty()) std::abort();
    return 0;
  }
  const std::string text = to_json(*path, {});
  const auto again = parse_path(text);
  if (!again || to_json(*again, {}) != text) std::abort();
  return 0;
}
