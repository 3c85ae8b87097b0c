#include "storage/directory_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace backsight::storage {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

class InotifyWatch final : public Watch {
 public:
  explicit InotifyWatch(int descriptor) : descriptor_(descriptor) {}
  InotifyWatch(const InotifyWatch&) = delete;
  InotifyWatch& operator=(const InotifyWatch&) = delete;
  ~InotifyWatch() override { close(descriptor_); }

  bool has_changed() override {
    bool is_news = false;
    while (read(descriptor_, events_.data(), events_.size()) > 0) is_news = true;
    return is_news;
  }

  bool wait(std::chrono::nanoseconds longest) override {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(longest);
    const timespec time{seconds.count(), (longest - seconds).count()};
    pollfd news{descriptor_, POLLIN, 0};
    ppoll(&news, 1, &time, nullptr);
    return has_changed();
  }

 private:
  const int descriptor_;
  alignas(inotify_event) std::array<std::byte, 4096> events_;  // which ones does not matter
};

}  // namespace

std::unique_ptr<Watch> watch_directory(const std::string& directory) {
  const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) return nullptr;
  auto watch = std::make_unique<InotifyWatch>(descriptor);
  if (inotify_add_watch(descriptor, directory.c_str(), kEvents) < 0) return nullptr;
  return watch;
}

}  // namespace backsight::storage
