#include "engine/device/doze.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace backsight::engine {

Doze::Doze() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Doze::~Doze() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool Doze::wait(std::chrono::nanoseconds time) noexcept {
  constexpr std::int64_t kNsOfASecond = 1'000'000'000;
  const timespec longest{static_cast<std::time_t>(time.count() / kNsOfASecond),
                         static_cast<long>(time.count() % kNsOfASecond)};
  pollfd woken{descriptor_, POLLIN, 0};
  if (ppoll(&woken, 1, &longest, nullptr) <= 0) return false;
  std::uint64_t times = 0;
  return read(descriptor_, &times, sizeof times) == sizeof times;
}

void Doze::signal() noexcept {
  const std::uint64_t once = 1;
  // It fails only when it has been signalled 2^64 times already.
  static_cast<void>(!write(descriptor_, &once, sizeof once));
}

}  // namespace backsight::engine
