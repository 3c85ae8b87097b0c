#include "config/keys/fleet_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "config/reading/secret_file.h"

namespace backsight::config {
namespace {

constexpr std::size_t kHexDigits = 2 * kFleetKeyBytes;
constexpr char kTagContext[crypto_kdf_CONTEXTBYTES + 1] = "bs-tag01";
static_assert(kFleetKeyBytes == crypto_kdf_KEYBYTES);

tl::unexpected<Error> refused(std::string_view file, std::string_view sentence) {
  return bad_usage(fmt::format("{}: {}", file, sentence));
}

tl::unexpected<Error> failed(const std::filesystem::path& file, std::string_view what, int error) {
  return run_failed(fmt::format("{}: {}: {}", file.string(), what, std::strerror(error)));
}

std::uint64_t load_le64(const unsigned char* at) noexcept {
  std::uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | at[i];
  return word;
}

// Writes all of `text`. Returns 0, or errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return errno;
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

// The name of a new file is on disk when its directory is.
int sync_directory_of(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

int write_new_key(int fd) {
  std::array<unsigned char, kFleetKeyBytes> bytes;
  std::array<char, kHexDigits + 1> text;
  randombytes_buf(bytes.data(), bytes.size());
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.back() = '\n';
  const int error = write_all(fd, {text.data(), text.size()});
  sodium_memzero(bytes.data(), bytes.size());
  sodium_memzero(text.data(), text.size());
  return error;
}

}  // namespace

FleetKey::FleetKey(std::span<const unsigned char, kFleetKeyBytes> bytes) noexcept {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

FleetKey::~FleetKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

probes::TagKey FleetKey::tag_key(std::uint64_t epoch) const noexcept {
  std::array<unsigned char, 16> subkey;
  crypto_kdf_derive_from_key(subkey.data(), subkey.size(), epoch, kTagContext, bytes_.data());
  const probes::TagKey key{load_le64(subkey.data()), load_le64(subkey.data() + 8)};
  sodium_memzero(subkey.data(), subkey.size());
  return key;
}

Expected<FleetKey> parse_fleet_key(std::string_view text, std::string_view file_name) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() != kHexDigits) {
    return refused(file_name, fmt::format("holds {} characters, a fleet key has {} hexadecimal "
                                          "digits; make one with \"backsight keygen FILE\"",
                                          text.size(), kHexDigits));
  }
  std::array<unsigned char, kFleetKeyBytes> bytes;
  std::size_t decoded = 0;
  const char* end = nullptr;
  const int code =
      sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &decoded, &end);
  if (code != 0 || decoded != bytes.size() || end != text.data() + text.size()) {
    sodium_memzero(bytes.data(), bytes.size());
    return refused(file_name,
                   "holds a character that is no hexadecimal digit; make a key with "
                   "\"backsight keygen FILE\"");
  }
  FleetKey key(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

Expected<FleetKey> load_fleet_key(const std::filesystem::path& file) {
  // One byte more than the longest right file.
  const auto secret = read_secret_file(
      file, kHexDigits + 2,
      fmt::format("copy the fleet's key there, or make one with \"backsight keygen {}\"",
                  file.string()));
  if (!secret) return tl::unexpected(secret.error());
  return parse_fleet_key(secret->text(), file.string());
}

Expected<void> make_fleet_key_file(const std::filesystem::path& file) {
  if (sodium_init() < 0) return run_failed("libsodium: no source of random numbers");
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) {
    return refused(file.string(), "exists already; a key is never overwritten, move it away first");
  }
  if (fd < 0) return failed(file, "cannot be created", errno);
  int error = write_new_key(fd);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0) error = sync_directory_of(file);
  if (error != 0) {
    ::unlink(file.c_str());
    return failed(file, "cannot be written", error);
  }
  return {};
}

}  // namespace backsight::config
