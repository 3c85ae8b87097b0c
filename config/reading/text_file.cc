#include "config/reading/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace backsight::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Fault> unreadable(const std::filesystem::path& path, std::string sentence) {
  return tl::unexpected(Fault{path.string(), 0, {}, std::move(sentence)});
}

tl::unexpected<Fault> unreadable(const std::filesystem::path& path, int error_number) {
  if (error_number == ENOENT) {
    return unreadable(path, "does not exist; create it or correct the path");
  }
  if (error_number == EACCES) {
    return unreadable(path, "may not be read by this user; allow it with chmod or chown");
  }
  return unreadable(path, fmt::format("cannot be read: {}", std::strerror(error_number)));
}

tl::unexpected<Fault> too_large(const std::filesystem::path& path, std::size_t max_bytes) {
  return unreadable(path, fmt::format("is larger than {} bytes; split it or check that it is the "
                                      "right file",
                                      max_bytes));
}

}  // namespace

tl::expected<std::string, Fault> read_text_file(const std::filesystem::path& path,
                                                std::size_t max_bytes) {
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return unreadable(path, S_ISDIR(status.st_mode) ? "is a directory; name a file in it"
                                                    : "is no regular file; name one");
  }
  std::string text;
  std::array<char, 1 << 16> chunk;
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, errno);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > max_bytes) return too_large(path, max_bytes);
  }
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace backsight::config
