#include "config/reading/file_look.h"

#include <utility>

namespace backsight::config {
namespace {

std::int64_t ns_of(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

}  // namespace

FileLook::Entries FileLook::entries_of(const Files& files) {
  Entries found;
  for (const auto& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) continue;
    found[file.string()] = {status.st_dev, status.st_ino, status.st_size, ns_of(status.st_mtim),
                            ns_of(status.st_ctim)};
  }
  return found;
}

bool FileLook::has_news(const Files& files) {
  Entries now = entries_of(files);
  const bool lies_still = now == seen_;
  seen_ = std::move(now);
  return lies_still && seen_ != known_;
}

bool FileLook::settle(const Files& files) {
  if (entries_of(files) != seen_) return false;
  known_ = seen_;
  return true;
}

}  // namespace backsight::config
