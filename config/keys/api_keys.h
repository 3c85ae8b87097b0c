// Who may use the controller's API, and how much: keys.yaml.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"

namespace backsight::config {

inline constexpr std::size_t kMinApiKeyCharacters = 16;
inline constexpr std::size_t kMaxApiKeyCharacters = 128;
inline constexpr std::size_t kMaxApiKeys = 10'000;

struct ApiUser {
  std::string name;
  std::uint64_t max_revtr_per_day = 10'000;  // 0: no limit
  std::uint64_t max_parallel_revtr = 1'000;  // under way at a time; 0: no limit

  friend bool operator==(const ApiUser&, const ApiUser&) = default;
};

// Immutable: on a reload, make another and swap. Holds digests, not keys.
// Thread: any number of readers.
class ApiKeys {
 public:
  // Finds whose key it is; null: nobody's. What it takes does not depend on the keys.
  [[nodiscard]] const ApiUser* find(std::string_view key) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  friend Expected<ApiKeys> parse_api_keys(const std::string& text, std::string_view file_name);

  static constexpr std::size_t kDigestBytes = 32;
  using Digest = std::array<unsigned char, kDigestBytes>;
  struct Entry {
    Digest digest;
    ApiUser user;
  };

  ApiKeys();
  [[nodiscard]] Digest digest_of(std::string_view key) const noexcept;

  std::array<unsigned char, kDigestBytes> secret_;  // of this process alone: digests tell nothing
  std::vector<Entry> entries_;
};

// keys.yaml: a list `keys` of maps of
//   key                 16..128 visible characters; `openssl rand -hex 24` makes one
//   user                its name: results are seen by those of the same name
//   max_revtr_per_day   0: no limit
//   max_parallel_revtr  0: no limit
// A user may have several keys. The file is a secret (config/reading/secret_file.h). All bad
// entries are reported at once, a line each; no sentence repeats a key.
[[nodiscard]] Expected<ApiKeys> load_api_keys(const std::filesystem::path& file);
[[nodiscard]] Expected<ApiKeys> parse_api_keys(const std::string& text, std::string_view file_name);

}  // namespace backsight::config
