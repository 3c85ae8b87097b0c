#include "queue/nats/broker/credentials.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <vector>

#include "queue/nats/broker/nkey.h"
#include "storage/file_system.h"

namespace backsight::queue::nats {

namespace {

// Lives as long as the process: the library may ask at any time, and a process has one or two.
struct Seed {
  std::string text;
};

natsStatus sign_nonce(char** error, unsigned char** signature, int* length, const char* nonce,
                      void* closure) {
  const auto signed_nonce = sign(static_cast<const Seed*>(closure)->text, nonce);
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

// The first line that begins as a seed does.
std::string seed_in(const std::string& content) {
  std::istringstream lines(content);
  for (std::string line; lines >> line;) {
    if (line.starts_with("SU")) return line;
  }
  return {};
}

}  // namespace

Expected<void> use_credentials(natsOptions* options, const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return bad_usage(fmt::format("credentials {}: {}", path, std::strerror(errno)));
  }
  if ((status.st_mode & 077) != 0) {
    return bad_usage(
        fmt::format("credentials {}: others than its owner may read it; chmod 600 {}", path, path));
  }
  const auto content = storage::read_file(storage::posix_file_system(), path);
  if (!content) return tl::unexpected(content.error());
  if (*content == nullptr) return bad_usage(fmt::format("credentials {}: no such file", path));
  if ((*content)->find("BEGIN NATS USER JWT") != std::string::npos) {
    const natsStatus set = natsOptions_SetUserCredentialsFromFiles(options, path.c_str(), nullptr);
    if (set == NATS_OK) return {};
    return bad_usage(fmt::format("credentials {}: {}", path, natsStatus_GetText(set)));
  }
  // Kept for the process's life: the library holds a pointer to it.
  static std::vector<std::unique_ptr<Seed>> kept;
  auto seed = std::make_unique<Seed>(Seed{seed_in(**content)});
  const auto open_key = public_key_of(seed->text);
  if (!open_key) {
    return bad_usage(fmt::format(
        "credentials {}: neither a .creds file nor an nkey seed of a user (SU...)", path));
  }
  const natsStatus set = natsOptions_SetNKey(options, open_key->c_str(), sign_nonce, seed.get());
  if (set != NATS_OK) {
    return bad_usage(fmt::format("credentials {}: {}", path, natsStatus_GetText(set)));
  }
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(seed));
  return {};
}

}  // namespace backsight::queue::nats
