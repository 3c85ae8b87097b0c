#include "cli/capture_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "cli/output.h"
#include "cli/stop.h"

namespace backsight::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLastBlocks{10};  // for what is under way at the end
constexpr int kLookMs = 50;
constexpr std::uint32_t kPacketBlock = 6;
constexpr std::uint32_t kMaxBlockBytes = 1 << 20;
constexpr std::size_t kBlockHead = 8;

Expected<int> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return bad_usage(fmt::format("--socket: {}: longer than a socket's path can be", path));
  }
  path.copy(address.sun_path, path.size());
  const int opened = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return opened;
  }
  const int error = errno;
  ::close(opened);
  const char* remedy = error == EACCES ? "run this as the vantage point's user, or as root"
                                       : "is this capture.socket of a vantage point that runs?";
  return run_failed(fmt::format("{}: {}; {}", path, std::strerror(error), remedy));
}

// Numbers are little-endian, as the vantage point of this machine writes them.
std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

class Capture {
 public:
  Capture(int socket, Clock::time_point ends) : socket_(socket), ends_(ends) {}
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() { ::close(socket_); }

  Expected<int> run() {
    for (;;) {
      const Clock::time_point now = Clock::now();
      if (!is_closing_ && (is_stopped() || now >= ends_)) {
        ::shutdown(socket_, SHUT_WR);
        is_closing_ = true;
        ends_ = now + kLastBlocks;
      }
      if (is_closing_ && now >= ends_) return cut_off();
      pollfd ready{socket_, POLLIN, 0};
      if (::poll(&ready, 1, kLookMs) <= 0) continue;
      const ssize_t count = ::recv(socket_, bytes_.data(), bytes_.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return end();
      text_.append(bytes_.data(), static_cast<std::size_t>(count));
      const auto written = write_blocks();
      if (!written) return tl::unexpected(written.error());
      if (*written != Written::kAll) return 0;
    }
  }

 private:
  Expected<int> end() const {
    if (blocks_ == 0) return run_failed("somebody else captures; one can at a time");
    if (!is_closing_ || !text_.empty()) return cut_off();
    tell(fmt::format("{} packet{}", packets_, packets_ == 1 ? "" : "s"));
    return 0;
  }
  Expected<int> cut_off() const {
    return run_failed(
        fmt::format("the vantage point ended the capture; {} packets before that", packets_));
  }

  Expected<Written> write_blocks() {
    std::size_t whole = 0;
    while (text_.size() - whole >= kBlockHead) {
      const std::uint32_t bytes = number_at(text_, whole + 4);
      if (bytes < kBlockHead + 4 || bytes > kMaxBlockBytes || bytes % 4 != 0) {
        return run_failed("what comes from the socket is no capture");
      }
      if (text_.size() - whole < bytes) break;
      if (number_at(text_, whole) == kPacketBlock) ++packets_;
      ++blocks_;
      whole += bytes;
    }
    const auto written = write_out(std::string_view(text_).substr(0, whole));
    text_.erase(0, whole);
    return written;
  }

  const int socket_;
  Clock::time_point ends_;
  bool is_closing_ = false;
  std::uint64_t blocks_ = 0;
  std::uint64_t packets_ = 0;
  std::string text_;  // received and not written
  std::array<char, 65536> bytes_;
};

}  // namespace

Expected<int> capture(const CaptureOptions& options) {
  if (::isatty(STDOUT_FILENO) != 0) {
    return bad_usage(
        "stdout is a terminal; write to a file: backsight vp capture > rejects.pcapng");
  }
  watch_signals();
  const auto socket = connect_to(options.socket);
  if (!socket) return tl::unexpected(socket.error());
  return Capture(*socket, Clock::now() + std::chrono::seconds(options.seconds)).run();
}

}  // namespace backsight::cli
