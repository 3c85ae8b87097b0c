// The wall clock as a file shifts it. Defined in the program, so that libraries too are given it.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "roles.h"

namespace {

std::atomic<const std::atomic<std::int64_t>*> shift{nullptr};

std::int64_t shift_seconds() {
  const auto* seconds = shift.load();
  return seconds == nullptr ? 0 : seconds->load();
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += shift_seconds();
  }
  return static_cast<int>(result);
}

// Who waits for a moment of the wall clock means the shifted one.
extern "C" int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                      const struct timespec* moment) noexcept(false) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  static const Wait wait = reinterpret_cast<Wait>(dlsym(RTLD_NEXT, "pthread_cond_timedwait"));
  struct timespec real = *moment;
  real.tv_sec -= shift_seconds();
  return wait(condition, mutex, &real);
}

namespace backsight::faults {

void follow_clock(const std::string& file) {
  const int opened = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return;
  void* mapped = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, opened, 0);
  close(opened);
  if (mapped != MAP_FAILED) shift = static_cast<const std::atomic<std::int64_t>*>(mapped);
}

}  // namespace backsight::faults
