// The fleet's secret, shared by its vantage points, and the keys derived from it. A probe's tag
// (probes/identity/identity.h) is made under the key of the hour it was sent in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "config/error.h"
#include "probes/identity/identity.h"

namespace backsight::config {

inline constexpr std::size_t kFleetKeyBytes = 32;
inline constexpr std::uint64_t kEpochSeconds = 3600;

// The number of the hour that a moment (seconds since 1970, UTC) falls in.
[[nodiscard]] constexpr std::uint64_t epoch_of(std::uint64_t unix_seconds) noexcept {
  return unix_seconds / kEpochSeconds;
}

// Each copy wipes itself at its end.
class FleetKey {
 public:
  explicit FleetKey(std::span<const unsigned char, kFleetKeyBytes> bytes) noexcept;
  FleetKey(const FleetKey&) = default;
  FleetKey& operator=(const FleetKey&) = default;
  ~FleetKey();

  // libsodium's crypto_kdf (BLAKE2b): 16 bytes, subkey number `epoch`, context "bs-tag01", read as
  // two little-endian words.
  [[nodiscard]] probes::TagKey tag_key(std::uint64_t epoch) const noexcept;

 private:
  std::array<unsigned char, kFleetKeyBytes> bytes_;
};

// Reads a file of 64 hexadecimal digits that its owner alone may read.
[[nodiscard]] Expected<FleetKey> load_fleet_key(const std::filesystem::path& file);
[[nodiscard]] Expected<FleetKey> parse_fleet_key(std::string_view text, std::string_view file_name);

// Writes a fresh random key, mode 0600, on disk when this returns. Refuses to overwrite.
[[nodiscard]] Expected<void> make_fleet_key_file(const std::filesystem::path& file);

}  // namespace backsight::config
