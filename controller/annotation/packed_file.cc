#include "controller/annotation/packed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace backsight::controller {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;

tl::unexpected<Error> unreadable(const std::string& path, std::string_view why) {
  return bad_usage(fmt::format("{}: {}", path, why));
}

}  // namespace

void PackedFile::Close::operator()(gzFile_s* file) const noexcept { gzclose_r(file); }

Expected<PackedFile> PackedFile::open(const std::filesystem::path& path) {
  PackedFile opened;
  opened.path_ = path.string();
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    const int error_number = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (error_number == ENOENT) {
      return unreadable(opened.path_, "does not exist; create it or correct the path");
    }
    return unreadable(opened.path_, fmt::format("cannot be read: {}", std::strerror(error_number)));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return unreadable(opened.path_, S_ISDIR(status.st_mode) ? "is a directory; name a file in it"
                                                            : "is no regular file; name one");
  }
  opened.file_.reset(gzdopen(descriptor, "rb"));
  if (opened.file_ == nullptr) {
    ::close(descriptor);
    return unreadable(opened.path_, "cannot be read: out of memory");
  }
  gzbuffer(opened.file_.get(), kChunkBytes);
  return opened;
}

Expected<std::size_t> PackedFile::read(std::span<char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t wanted = std::min<std::size_t>(bytes.size() - done, INT_MAX);
    const int got = gzread(file_.get(), bytes.data() + done, static_cast<unsigned>(wanted));
    int code = Z_OK;
    const char* words = gzerror(file_.get(), &code);
    // Z_BUF_ERROR: the file ends within packed data.
    if (code == Z_BUF_ERROR) {
      return unreadable(path_, "ends too early: it was cut; fetch it again");
    }
    if (got < 0) {
      return unreadable(path_, code == Z_ERRNO
                                   ? fmt::format("cannot be read: {}", std::strerror(errno))
                                   : fmt::format("is damaged ({}); fetch it again", words));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Expected<PackedLines> PackedLines::open(const std::filesystem::path& path) {
  auto file = PackedFile::open(path);
  if (!file) return tl::unexpected(file.error());
  return PackedLines(std::move(*file));
}

// Reads on. False: there is no more.
Expected<bool> PackedLines::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t kept = buffer_.size();
  if (kept > kMaxLineBytes) {
    return unreadable(file_.path(), fmt::format("line {} is longer than {} bytes; is it the right "
                                                "file?",
                                                number_ + 1, kMaxLineBytes));
  }
  buffer_.resize(kept + kChunkBytes);
  const auto got = file_.read(std::span(buffer_).subspan(kept));
  buffer_.resize(kept + (got ? *got : 0));
  if (!got) return tl::unexpected(got.error());
  return *got > 0;
}

std::string_view PackedLines::take(std::size_t bytes, std::size_t end_bytes) noexcept {
  std::string_view line(buffer_.data() + begin_, bytes);
  begin_ += bytes + end_bytes;
  ++number_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Expected<std::optional<std::string_view>> PackedLines::next() {
  std::size_t searched = begin_;
  while (true) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) return take(end - begin_, 1);
    if (is_at_end_) break;
    const std::size_t kept = buffer_.size() - begin_;
    const auto is_more = fill();
    if (!is_more) return tl::unexpected(is_more.error());
    is_at_end_ = !*is_more;
    searched = kept;
  }
  if (begin_ == buffer_.size()) return std::nullopt;
  return take(buffer_.size() - begin_, 0);
}

}  // namespace backsight::controller
