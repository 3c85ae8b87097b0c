#include "config/keys/api_keys.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "config/reading/keys.h"
#include "config/reading/secret_file.h"
#include "config/reading/written.h"

namespace backsight::config {
namespace {

constexpr std::size_t kMaxFileOfKeysBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxUserCharacters = 63;
constexpr std::uint64_t kMaxLimit = 1'000'000'000'000;

constexpr MapsRule kEntries{
    .values = "list of keys",
    .least = 1,
    .most = kMaxApiKeys,
    .no_map = "is no key with its user; write \"key: ...\" and \"user: ...\""};

// As it stands in the file.
struct Entry {
  std::string key;
  ApiUser user;
};

// No clause holds any character of the key: faults end in logs.
Clause key_fault(std::string_view text) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(text, is_visible)) {
    return "holds a blank or a character that is not ASCII";
  }
  if (text.size() < kMinApiKeyCharacters || text.size() > kMaxApiKeyCharacters) {
    return fmt::format("has {} characters", text.size());
  }
  return std::nullopt;
}

Clause user_fault(std::string_view text) {
  if (text.size() <= kMaxUserCharacters) return std::nullopt;
  return fmt::format("{} has {} characters", in_quotes(text), text.size());
}

void describe(Keys& keys, Entry& entry) {
  constexpr std::string_view kOrNoLimit = "a number of reverse traceroutes, or 0 for no limit";
  keys.text("key", entry.key, "16..128 characters", "the secret", key_fault)
      .write("16 to 128 visible characters; \"openssl rand -hex 24\" makes a key")
      .required()
      .secret();
  keys.text("user", entry.user.name, "1..63 characters", "whose it is", user_fault)
      .write("the name of whose key it is, up to 63 characters", "alice")
      .required();
  keys.number("max_revtr_per_day", entry.user.max_revtr_per_day, 0, kMaxLimit,
              "accepted since midnight UTC")
      .write(kOrNoLimit);
  keys.number("max_parallel_revtr", entry.user.max_parallel_revtr, 0, kMaxLimit, "at a time")
      .write(kOrNoLimit);
}

}  // namespace

ApiKeys::ApiKeys() {
  if (sodium_init() < 0) std::abort();  // no source of random numbers
  randombytes_buf(secret_.data(), secret_.size());
}

ApiKeys::Digest ApiKeys::digest_of(std::string_view key) const noexcept {
  Digest digest;
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(key.data()), key.size(), secret_.data(),
                     secret_.size());
  return digest;
}

const ApiUser* ApiKeys::find(std::string_view key) const noexcept {
  const Digest digest = digest_of(key);
  const ApiUser* found = nullptr;
  // All are looked at, whichever it is.
  for (const Entry& entry : entries_) {
    if (sodium_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) found = &entry.user;
  }
  return found;
}

Expected<ApiKeys> parse_api_keys(const std::string& text, std::string_view file_name) {
  ApiKeys users;
  std::set<ApiKeys::Digest> digests;
  const auto check_new = [&](Written& written, const Entry& entry) {
    if (written.has_taken("key") && !digests.insert(users.digest_of(entry.key)).second) {
      written.add("key", "stands above already; give each entry a key of its own");
    }
  };
  const auto describe_entry = [&](Keys& keys, Entry& entry) {
    describe(keys, entry);
    keys.check([&](Written& written) { check_new(written, entry); });
  };
  std::vector<Entry> entries;
  Keys keys;
  keys.maps("keys", entries, kEntries, "who may ask", describe_entry)
      .write("a list of keys, each with its user", "\"- {key: ..., user: alice}\"")
      .required();
  if (const Faults faults = read_keys(text, file_name, {}, keys); !faults.empty()) {
    return tl::unexpected(as_error(faults));
  }
  for (Entry& entry : entries) {
    users.entries_.push_back({users.digest_of(entry.key), std::move(entry.user)});
  }
  return users;
}

Expected<ApiKeys> load_api_keys(const std::filesystem::path& file) {
  const auto secret = read_secret_file(
      file, kMaxFileOfKeysBytes + 1,
      "write one (docs/controller-configuration.md), or leave keys out of the config");
  if (!secret) return tl::unexpected(secret.error());
  if (secret->text().size() > kMaxFileOfKeysBytes) {
    return bad_usage(fmt::format("{}: is larger than {} bytes; check that it is the right file",
                                 file.string(), kMaxFileOfKeysBytes));
  }
  return parse_api_keys(std::string(secret->text()), file.string());
}

}  // namespace backsight::config
