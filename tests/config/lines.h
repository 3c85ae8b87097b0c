// A vp.yaml with nothing wrong in it, to be spoilt one line at a time, and files that go away.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "config/fault.h"
#include "config/reading/config_file.h"
#include "config/vp/vp_config.h"

namespace backsight::config {

using Lines = std::vector<std::string>;

// Seven lines; what is appended stands on line 8.
inline Lines good_lines() {
  return {"name: ams01",
          "id: 1",
          "ports:",
          "  - device: 0000:3b:00.0",
          "    address: 192.0.2.10/24",
          "identity:",
          "  key_file: fleet.key"};
}

inline std::string text_of(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

// The good file with these lines after it.
inline std::string with(const Lines& more) {
  Lines lines = good_lines();
  lines.insert(lines.end(), more.begin(), more.end());
  return text_of(lines);
}

// The good file with another line 1..7.
inline std::string with_line(std::size_t number_1based, std::string line) {
  Lines lines = good_lines();
  lines.at(number_1based - 1) = std::move(line);
  return text_of(lines);
}

// All that is said about a vp.yaml, a line each.
inline std::string faults_of(const std::string& text, const Lines& overrides = {}) {
  const auto config = parse_config<VpConfig>(text, "vp.yaml", overrides);
  return config ? "none" : as_error(config.error()).sentence;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "backsight-config-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace backsight::config
