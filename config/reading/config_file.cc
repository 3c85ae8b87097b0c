#include "config/reading/config_file.h"

namespace backsight::config {

tl::expected<YamlNode, Faults> parse_with_overrides(const std::string& text,
                                                    std::string_view file_name,
                                                    std::span<const std::string> overrides,
                                                    Faults& faults) {
  auto root = parse_yaml(text, file_name);
  if (!root) {
    return root;
  }
  for (const std::string& override : overrides) {
    if (const auto applied = apply_override(*root, override); !applied) {
      faults.push_back(applied.error());
    }
  }
  return root;
}

void resolve(std::filesystem::path& path, const std::filesystem::path& folder) {
  if (!path.empty()) {
    path = (folder / path).lexically_normal();
  }
}

}  // namespace backsight::config
