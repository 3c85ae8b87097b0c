// Tells from their folders' entries whether files are others than before: replaced, written anew in
// place, come or gone.
// Thread: one at a time.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace backsight::config {

class FileLook {
 public:
  using Files = std::vector<std::filesystem::path>;

  // As they are now they are known.
  void know(const Files& files) { known_ = seen_ = entries_of(files); }
  // To be called every few seconds. True: they are others than those that are known, and lie as
  // still as they did in the call before.
  [[nodiscard]] bool has_news(const Files& files);
  // After has_news() and reading them: as they were then they are known. False, and they are news
  // still: they have changed since.
  [[nodiscard]] bool settle(const Files& files);

 private:
  struct Entry {
    dev_t device = 0;
    ino_t inode = 0;
    off_t bytes = 0;
    std::int64_t written_ns = 0;
    std::int64_t changed_ns = 0;  // which nobody can set back
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Entries = std::map<std::string, Entry>;
  [[nodiscard]] static Entries entries_of(const Files& files);

  Entries known_;
  Entries seen_;  // in the last call
};

}  // namespace backsight::config
