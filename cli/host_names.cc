#include "cli/host_names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace backsight::cli {

namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr int kMostFailures = 2;

std::string name_of(const std::string& address) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1) return {};
  char name[NI_MAXHOST];
  const int code = getnameinfo(reinterpret_cast<const sockaddr*>(&at), sizeof at, name, sizeof name,
                               nullptr, 0, NI_NAMEREQD);
  return code == 0 ? name : "";
}

}  // namespace

struct HostNames::Shared {
  std::mutex mutex;
  std::condition_variable heard;
  std::map<std::string, std::string> known;  // empty: it has none
  std::set<std::string> asked;
};

HostNames::HostNames() : shared_(std::make_shared<Shared>()) {}

std::map<std::string, std::string> HostNames::of(const std::vector<std::string>& addresses) {
  std::unique_lock lock(shared_->mutex);
  if (failures_ >= kMostFailures) return shared_->known;
  for (const std::string& address : addresses) {
    if (!shared_->asked.insert(address).second) continue;
    std::thread([shared = shared_, address] {
      std::string name = name_of(address);
      const std::lock_guard answer_lock(shared->mutex);
      shared->known[address] = std::move(name);
      shared->heard.notify_all();
    }).detach();
  }
  std::size_t heard = 0;
  const bool is_all = shared_->heard.wait_for(lock, kPatience, [&] {
    heard = 0;
    for (const std::string& address : addresses) heard += shared_->known.count(address);
    return heard == addresses.size();
  });
  failures_ = is_all || heard > 0 ? 0 : failures_ + 1;
  return shared_->known;
}

}  // namespace backsight::cli
