#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

#include "storage/directory_watch.h"
#include "storage/file_system.h"

namespace backsight::storage {

namespace {

// Of a write: enough for the disk to be worth a request.
constexpr std::size_t kWriteStep = std::size_t{256} << 10;

// REQUIRES: errno tells what went wrong.
tl::unexpected<Error> failed(const std::string& path, const char* deed) {
  return run_failed(fmt::format("{}: cannot {}: {}", path, deed, std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

// REQUIRES: `call` is one that signals interrupt.
template <typename Call>
auto retried(Call call) {
  auto answer = call();
  while (answer < 0 && errno == EINTR) answer = call();
  return answer;
}

int open_file(const std::string& path, int flags) {
  return retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); });
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  Expected<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = retried([&] {
        return ::pread(descriptor_.number(), bytes.data() + done, bytes.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return failed(path_, "read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Expected<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto at = static_cast<off_t>(offset + done);
      const ssize_t put = retried([&] {
        return ::pwrite(descriptor_.number(), bytes.data() + done,
                        std::min(bytes.size() - done, kWriteStep), at);
      });
      if (put < 0) return failed(path_, "write");
      done += static_cast<std::size_t>(put);
      // The disk begins while the next step is copied; sync() waits for it, and tells what failed.
      if (bytes.size() > kWriteStep) {
        (void)::sync_file_range(descriptor_.number(), at, put, SYNC_FILE_RANGE_WRITE);
      }
    }
    return {};
  }

  Expected<void> truncate(std::uint64_t size) override {
    const auto cut = [&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(size)); };
    if (retried(cut) < 0) return failed(path_, "truncate");
    return {};
  }

  Expected<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(descriptor_.number(), &status) < 0) return failed(path_, "look at");
    return static_cast<std::uint64_t>(status.st_size);
  }

  Expected<void> sync() override {
    if (retried([&] { return ::fdatasync(descriptor_.number()); }) < 0)
      return failed(path_, "sync");
    return {};
  }

 private:
  std::string path_;
  Descriptor descriptor_;
};

// Open file description locks: theirs are asked after without being taken, and closing another
// descriptor of the same file does not let go.
struct flock whole_file(short type) {
  struct flock region {};
  region.l_type = type;
  region.l_whence = SEEK_SET;
  return region;
}

class PosixLock final : public Lock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

long read_pid(const Descriptor& descriptor) {
  char digits[24];
  const ssize_t got = ::pread(descriptor.number(), digits, sizeof digits, 0);
  long pid = 0;
  if (got > 0) std::from_chars(digits, digits + got, pid);
  return pid;
}

class PosixFileSystem final : public FileSystem {
 public:
  Expected<std::unique_ptr<File>> open_to_read(const std::string& path) override {
    Descriptor descriptor(open_file(path, O_RDONLY));
    if (descriptor.number() >= 0) return std::make_unique<PosixFile>(path, std::move(descriptor));
    if (errno == ENOENT) return nullptr;
    return failed(path, "open");
  }

  Expected<std::unique_ptr<File>> open_to_write(const std::string& path) override {
    Descriptor descriptor(open_file(path, O_RDWR | O_CREAT));
    if (descriptor.number() < 0) return failed(path, "create");
    return std::make_unique<PosixFile>(path, std::move(descriptor));
  }

  Expected<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) {
      if (errno == ENOENT) return names;
      return failed(directory, "list");
    }
    while (const dirent* entry = ::readdir(stream)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    ::closedir(stream);
    return names;
  }

  Expected<void> make_directories(const std::string& directory) override {
    if (directory.empty() || ::access(directory.c_str(), F_OK) == 0) return {};
    const std::size_t slash = directory.find_last_of('/');
    // Where the last name stands: here when there is no slash.
    const std::string parent =
        slash == std::string::npos ? "." : directory.substr(0, std::max<std::size_t>(slash, 1));
    if (parent == directory) return failed(directory, "create");
    if (auto made = make_directories(parent); !made) return made;
    if (::mkdir(directory.c_str(), 0755) < 0 && errno != EEXIST) return failed(directory, "create");
    return sync_directory(parent);
  }

  Expected<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return failed(path, "remove");
    return {};
  }

  Expected<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return failed(to, "replace");
    return {};
  }

  Expected<void> sync_directory(const std::string& directory) override {
    const Descriptor descriptor(open_file(directory, O_RDONLY | O_DIRECTORY));
    if (descriptor.number() < 0) return failed(directory, "open");
    if (retried([&] { return ::fsync(descriptor.number()); }) < 0) return failed(directory, "sync");
    return {};
  }

  Expected<LockAttempt> lock(const std::string& path) override {
    Descriptor descriptor(open_file(path, O_RDWR | O_CREAT));
    if (descriptor.number() < 0) return failed(path, "create");
    struct flock region = whole_file(F_WRLCK);
    if (::fcntl(descriptor.number(), F_OFD_SETLK, &region) < 0) {
      if (errno != EAGAIN && errno != EACCES) return failed(path, "lock");
      return LockAttempt{nullptr, read_pid(descriptor)};
    }
    // For who finds it locked; the lock holds without it.
    const std::string pid = fmt::format("{:<20}\n", ::getpid());
    if (::pwrite(descriptor.number(), pid.data(), pid.size(), 0) < 0) return failed(path, "write");
    return LockAttempt{std::make_unique<PosixLock>(std::move(descriptor)), 0};
  }

  std::unique_ptr<Watch> watch(const std::string& directory) override {
    return watch_directory(directory);
  }

  Expected<bool> is_locked(const std::string& path) override {
    const Descriptor descriptor(open_file(path, O_RDONLY));
    if (descriptor.number() < 0) {
      if (errno == ENOENT) return false;
      return failed(path, "open");
    }
    struct flock region = whole_file(F_RDLCK);
    if (::fcntl(descriptor.number(), F_OFD_GETLK, &region) < 0) return failed(path, "look at");
    return region.l_type != F_UNLCK;
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

Expected<void> replace_file(FileSystem& files, const std::string& path,
                            const std::string& content) {
  const std::string fresh = path + ".new";
  {
    auto file = files.open_to_write(fresh);
    if (!file) return tl::unexpected(file.error());
    if (auto cut = (*file)->truncate(0); !cut) return cut;
    if (auto put = (*file)->write_at(0, std::as_bytes(std::span(content))); !put) return put;
  }
  return files.rename(fresh, path);
}

Expected<std::unique_ptr<std::string>> read_file(FileSystem& files, const std::string& path) {
  auto file = files.open_to_read(path);
  if (!file) return tl::unexpected(file.error());
  if (*file == nullptr) return nullptr;
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  auto content = std::make_unique<std::string>(*size, '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(*content)));
  if (!got) return tl::unexpected(got.error());
  content->resize(*got);
  return content;
}

}  // namespace backsight::storage
