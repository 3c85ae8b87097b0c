// Files that hold a secret: nobody but their owner may read, write or execute them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace backsight::config {

// The bytes of one, wiped at the end.
class SecretText {
 public:
  explicit SecretText(std::size_t max_bytes) : bytes_(max_bytes) {}
  SecretText(SecretText&&) = default;
  SecretText& operator=(SecretText&&) = delete;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText();

  [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }

 private:
  friend Expected<SecretText> read_secret_file(const std::filesystem::path&, std::size_t,
                                               std::string_view);

  std::vector<char> bytes_;
  std::size_t size_ = 0;
};

// At most `max_bytes` of the file: what is longer is cut, for the caller to refuse. `remedy` is
// what to do where there is none: "copy the fleet's key there".
[[nodiscard]] Expected<SecretText> read_secret_file(const std::filesystem::path& file,
                                                    std::size_t max_bytes, std::string_view remedy);

}  // namespace backsight::config
