#include "controller/annotation/packed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/annotation/other_content.h"

namespace backsight::controller {

namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 16;

tl::unexpected<Error> unreadable(const std::filesystem::path& path, std::string_view why) {
  return bad_usage(fmt::format("{}: {}", path.string(), why));
}

}  // namespace

PackedFile::Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Expected<PackedFile> PackedFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO is refused below instead of waited for.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    if (errno == ENOENT) {
      return unreadable(path, "does not exist; create it or correct the path");
    }
    return unreadable(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return unreadable(path, S_ISDIR(status.st_mode) ? "is a directory; name a file in it"
                                                    : "is no regular file; name one");
  }
  PackedFile opened(path.string(), std::move(file));
  if (auto begun = opened.begin(); !begun) return tl::unexpected(begun.error());
  return opened;
}

Expected<void> PackedFile::begin() {
  if (auto fetched = fetch(kChunkBytes); !fetched) return fetched;
  packing_ = packing_of(packed());
  std::string beginning(kBeginningBytes, '\0');
  const auto got = read(beginning);
  if (!got) return tl::unexpected(got.error());
  beginning.resize(*got);
  beginning_ = std::move(beginning);
  if (packing_ != Packing::kNone && packing_of(beginning_) != Packing::kNone) {
    return unreadable(path_, "is packed twice; unpack it once");
  }
  if (const std::string other = other_content(beginning_); !other.empty()) {
    return unreadable(path_, other);
  }
  return {};
}

Expected<void> PackedFile::fetch(std::size_t bytes) {
  packed_.erase(0, std::exchange(packed_at_, 0));
  while (packed_.size() < bytes && !is_at_end_) {
    const std::size_t had = packed_.size();
    packed_.resize(had + kChunkBytes);
    const ssize_t got = ::read(file_.get(), packed_.data() + had, kChunkBytes);
    packed_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path_, fmt::format("cannot be read: {}", std::strerror(errno)));
    is_at_end_ = got == 0;
  }
  return {};
}

Expected<std::size_t> PackedFile::read(std::span<char> bytes) {
  std::size_t done = beginning_.copy(bytes.data(), bytes.size(), beginning_at_);
  beginning_at_ += done;
  while (done < bytes.size()) {
    const auto got = unpack(bytes.subspan(done));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    done += *got;
  }
  return done;
}

// Some bytes; none only at the end.
Expected<std::size_t> PackedFile::unpack(std::span<char> bytes) {
  while (true) {
    if (packed().empty()) {
      if (auto fetched = fetch(kChunkBytes); !fetched) return tl::unexpected(fetched.error());
    }
    if (packing_ == Packing::kNone) {
      const std::size_t got = packed_.copy(bytes.data(), bytes.size(), packed_at_);
      packed_at_ += got;
      return got;
    }
    if (!unpacker_) {
      const auto more = next_member();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return 0;
    }
    const auto step = unpacker_->step(packed(), bytes);
    if (!step) {
      return unreadable(path_, fmt::format("is damaged ({}); fetch it again", step.error()));
    }
    packed_at_ += step->taken;
    if (step->is_end) unpacker_.reset();
    if (step->given > 0) return step->given;
    if (step->is_end || step->taken > 0) continue;
    if (is_at_end_) return unreadable(path_, "ends too early: it was cut; fetch it again");
    if (auto fetched = fetch(packed().size() + 1); !fetched) {
      return tl::unexpected(fetched.error());
    }
  }
}

Expected<bool> PackedFile::next_member() {
  constexpr std::size_t kSignatureBytes = 6;
  // Zeros fill up what tapes and some tools write in blocks.
  while (!packed().empty() && packed().front() == '\0') {
    packed_at_ += std::min(packed().find_first_not_of('\0'), packed().size());
    if (auto fetched = fetch(kSignatureBytes); !fetched) return tl::unexpected(fetched.error());
  }
  if (packed().size() < kSignatureBytes) {
    if (auto fetched = fetch(kSignatureBytes); !fetched) return tl::unexpected(fetched.error());
  }
  if (packed().empty()) return false;
  if (packing_of(packed()) != packing_) {
    return unreadable(path_, "is damaged (something else follows the packed data); fetch it again");
  }
  unpacker_ = make_unpacker(packing_);
  return true;
}

Expected<std::string> PackedFile::read_rest(std::size_t most_bytes) {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  std::string text;
  while (true) {
    const std::size_t had = text.size();
    text.resize(had + kStep);
    const auto got = read({text.data() + had, kStep});
    if (!got) return tl::unexpected(got.error());
    text.resize(had + *got);
    if (*got < kStep) return text;
    if (text.size() > most_bytes) {
      return unreadable(
          path_, fmt::format("is longer than {} MiB; is it the right file?", most_bytes >> 20));
    }
  }
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
  if (number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
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
