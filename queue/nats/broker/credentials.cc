#include "queue/nats/broker/credentials.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "queue/nats/broker/nkey.h"

namespace backsight::queue::nats {

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 10;  // a JWT of many permissions

natsStatus sign_nonce(char** error, unsigned char** signature, int* length, const char* nonce,
                      void* closure) {
  const auto signed_nonce = sign(static_cast<const Credentials*>(closure)->seed, nonce);
  if (!signed_nonce) {
    *error = strdup(signed_nonce.error().sentence.c_str());
    return NATS_ERR;
  }
  *signature = static_cast<unsigned char*>(std::malloc(signed_nonce->size()));
  if (*signature == nullptr) return NATS_NO_MEMORY;
  std::memcpy(*signature, signed_nonce->data(), signed_nonce->size());
  *length = static_cast<int>(signed_nonce->size());
  return NATS_OK;
}

// The first word that begins as a seed does.
std::string_view seed_in(std::string_view content) {
  constexpr std::string_view kBlanks = " \t\r\n";
  while (!content.empty()) {
    const std::size_t end = std::min(content.find_first_of(kBlanks), content.size());
    const std::string_view word = content.substr(0, end);
    if (word.starts_with("SU")) return word;
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return {};
}

}  // namespace

Expected<std::unique_ptr<const Credentials>> use_credentials(natsOptions* options,
                                                             const std::string& path) {
  const auto refused = [&path](std::string_view sentence) {
    return bad_usage(fmt::format("credentials {}: {}", path, sentence));
  };
  auto file = config::read_secret_file(path, kMaxFileBytes + 1,
                                       "copy the user's .creds file or seed there");
  if (!file) return bad_usage("credentials " + file.error().sentence);
  auto credentials = std::make_unique<Credentials>(Credentials{std::move(*file), {}});
  const std::string_view content = credentials->file.text();
  if (content.size() > kMaxFileBytes) return refused("too large for a .creds file or a seed");
  natsStatus set = NATS_OK;
  if (content.find("BEGIN NATS USER JWT") != content.npos) {
    set = natsOptions_SetUserCredentialsFromFiles(options, path.c_str(), nullptr);
  } else {
    credentials->seed = seed_in(content);
    const auto open_key = public_key_of(credentials->seed);
    if (!open_key) return refused("neither a .creds file nor an nkey seed of a user (SU...)");
    set = natsOptions_SetNKey(options, open_key->c_str(), sign_nonce, credentials.get());
  }
  if (set != NATS_OK) return refused(natsStatus_GetText(set));
  return credentials;
}

}  // namespace backsight::queue::nats
