#include "config/api_keys.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "config/reading/keys_reader.h"
#include "config/reading/secret_file.h"

namespace backsight::config {
namespace {

using Clause = std::optional<std::string>;
using Kind = YamlNode::Kind;

constexpr std::size_t kMaxFileOfKeysBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxUserCharacters = 63;
constexpr std::uint64_t kMaxLimit = 1'000'000'000'000;

// The file itself holds one list, which is read item by item.
struct ListKeys {};

// As it stands in the file.
struct Entry {
  std::string key;
  ApiUser user;
};

// No clause holds any character of the key: faults end in logs.
Clause set_key(Entry& entry, std::string_view text) {
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(text.begin(), text.end(), is_visible)) {
    return "holds a blank or a character that is not ASCII";
  }
  if (text.size() < kMinApiKeyCharacters || text.size() > kMaxApiKeyCharacters) {
    return fmt::format("has {} characters", text.size());
  }
  entry.key = text;
  return std::nullopt;
}

Clause set_user(Entry& entry, std::string_view text) {
  if (text.size() > kMaxUserCharacters) {
    return fmt::format("{} has {} characters", in_quotes(text), text.size());
  }
  entry.user.name = text;
  return std::nullopt;
}

std::span<const Key<Entry>> entry_keys() {
  const auto nothing = [](const Entry&) { return std::string{}; };
  const auto per_day = [](auto& entry) -> auto& { return entry.user.max_revtr_per_day; };
  const auto parallel = [](auto& entry) -> auto& { return entry.user.max_parallel_revtr; };
  static const std::vector<Key<Entry>> keys{
      {.name = "key",
       .wanted = "16 to 128 visible characters; \"openssl rand -hex 24\" makes a key",
       .is_required = true,
       .access = single<Entry>("16..128 characters", set_key, nothing)},
      {.name = "user",
       .wanted = "the name of whose key it is, up to 63 characters",
       .example = "alice",
       .is_required = true,
       .access = single<Entry>("1..63 characters", set_user, nothing)},
      {.name = "max_revtr_per_day",
       .wanted = "a number of reverse traceroutes, or 0 for no limit",
       .example = "10000",
       .access = number<Entry>(per_day, 0, kMaxLimit)},
      {.name = "max_parallel_revtr",
       .wanted = "a number of reverse traceroutes, or 0 for no limit",
       .example = "1000",
       .access = number<Entry>(parallel, 0, kMaxLimit)},
  };
  return keys;
}

std::span<const Key<ListKeys>> list_keys() {
  static const std::vector<Key<ListKeys>> keys{
      {.name = "keys",
       .wanted = "a list of keys, each with its user",
       .example = "\"- {key: ..., user: alice}\"",
       .is_required = true,
       .is_group = true},
  };
  return keys;
}

Entry read_entry(const YamlNode& item, std::size_t index, std::string_view file_name,
                 Faults& faults) {
  Entry entry;
  const std::string key = fmt::format("keys.{}", index);
  if (item.kind != Kind::kMap) {
    FaultSink(file_name, "", faults)
        .add(item.line, key, "is no key with its user; write \"key: ...\" and \"user: ...\"");
    return entry;
  }
  FaultSink sink(file_name, key + '.', faults);
  KeysReader<Entry>(entry_keys(), sink).read(item, entry);
  return entry;
}

std::vector<Entry> read_entries(const YamlNode& list, std::string_view file_name,
                                KeysReader<ListKeys>& reader, Faults& faults) {
  std::vector<Entry> entries;
  if (list.kind != Kind::kList || list.children.empty()) {
    reader.refuse("keys", "is not a list of keys");
    return entries;
  }
  if (list.children.size() > kMaxApiKeys) {
    reader.add("keys",
               fmt::format("has {} keys; write {} at most", list.children.size(), kMaxApiKeys));
    return entries;
  }
  for (std::size_t i = 0; i < list.children.size(); ++i) {
    entries.push_back(read_entry(list.children[i], i, file_name, faults));
  }
  return entries;
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
    if (sodium_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) {
      found = &entry.user;
    }
  }
  return found;
}

Expected<ApiKeys> parse_api_keys(const std::string& text, std::string_view file_name) {
  const auto root = parse_yaml(text, file_name);
  if (!root) {
    return tl::unexpected(as_error(root.error()));
  }
  Faults faults;
  FaultSink sink(file_name, "", faults);
  KeysReader<ListKeys> reader(list_keys(), sink);
  ListKeys none;
  reader.read(*root, none);
  std::vector<Entry> entries;
  if (const YamlNode* const list = reader.node("keys")) {
    entries = read_entries(*list, file_name, reader, faults);
  }
  ApiKeys keys;
  std::set<ApiKeys::Digest> digests;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ApiKeys::Digest digest = keys.digest_of(entries[i].key);
    if (!entries[i].key.empty() && !digests.insert(digest).second) {
      const YamlNode& item = reader.node("keys")->children[i];
      sink.add(item.line, fmt::format("keys.{}.key", i),
               "stands above already; give each entry a key of its own");
    }
    keys.entries_.push_back({digest, std::move(entries[i].user)});
  }
  if (!faults.empty()) {
    sort_by_place(faults);
    return tl::unexpected(as_error(faults));
  }
  return keys;
}

Expected<ApiKeys> load_api_keys(const std::filesystem::path& file) {
  const auto secret = read_secret_file(
      file, kMaxFileOfKeysBytes + 1,
      "write one (docs/controller-configuration.md), or leave keys out of the config");
  if (!secret) {
    return tl::unexpected(secret.error());
  }
  if (secret->text().size() > kMaxFileOfKeysBytes) {
    return bad_usage(fmt::format("{}: is larger than {} bytes; check that it is the right file",
                                 file.string(), kMaxFileOfKeysBytes));
  }
  return parse_api_keys(std::string(secret->text()), file.string());
}

}  // namespace backsight::config
