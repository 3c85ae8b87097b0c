// Streams of each kind, read line by line and written as far as they take it: nobody waits, nothing
// is lost.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>

#include "storage/file_system.h"
#include "tasks/lines/line_reader.h"
#include "tasks/lines/stream.h"

namespace backsight::tasks {
namespace {

using Got = LineReader::Got;

// Its writing end may be blocking or not.
class Pipe {
 public:
  explicit Pipe(int flags) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | flags), 0);
    reader_ = ends[0];
    writer_ = ends[1];
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int reader() const { return reader_; }
  [[nodiscard]] int writer() const { return writer_; }
  void close_reader() { close(std::exchange(reader_, -1)); }
  void close_writer() { close(std::exchange(writer_, -1)); }
  void put(std::string_view text) const {
    EXPECT_EQ(write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string take() const {
    std::string bytes(1 << 16, '\0');
    const ssize_t got = read(reader_, bytes.data(), bytes.size());
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }

 private:
  int reader_ = -1;
  int writer_ = -1;
};

class EachPipe : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(BlockingOrNot, EachPipe, testing::Values(0, O_NONBLOCK));

TEST_P(EachPipe, TakesAllInTheEndAndNobodyWaits) {
  const Pipe pipe(GetParam());
  std::string sent;
  for (int i = 0; sent.size() < 1'000'000; ++i) sent += std::to_string(i) + " ";
  std::string_view left = sent;
  std::string received;
  while (!left.empty()) {
    const auto put = write_some(pipe.writer(), left);
    ASSERT_TRUE(put);
    left.remove_prefix(*put);
    ASSERT_GT(*put, 0U) << "there is room";
    if (!left.empty()) {
      EXPECT_EQ(write_some(pipe.writer(), left), 0U) << "there is none";
    }
    received += pipe.take();
  }
  while (received.size() < sent.size()) received += pipe.take();
  EXPECT_EQ(received, sent);
}

TEST_P(EachPipe, GivesLinesAsTheyComeAndNobodyWaits) {
  Pipe pipe(GetParam());
  LineReader lines(pipe.reader(), "pipe");
  std::string_view line;
  EXPECT_EQ(lines.next(line), Got::kNothingYet);
  pipe.put("one\ntw");
  EXPECT_EQ(lines.next(line), Got::kLine);
  EXPECT_EQ(line, "one");
  EXPECT_EQ(lines.next(line), Got::kNothingYet);
  pipe.put("o\nthree");
  EXPECT_EQ(lines.next(line), Got::kLine);
  EXPECT_EQ(line, "two");
  EXPECT_EQ(lines.next(line), Got::kNothingYet);
  EXPECT_FALSE(lines.is_at_end());
  pipe.close_writer();
  EXPECT_EQ(lines.next(line), Got::kLine) << "the last one needs no end";
  EXPECT_EQ(line, "three");
  EXPECT_EQ(lines.number(), 3U);
  EXPECT_TRUE(lines.is_at_end());
  EXPECT_EQ(lines.next(line), Got::kEnd);
}

TEST(WriteSome, TellsWhyAStreamTakesNothing) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe(0);
  pipe.close_reader();
  EXPECT_EQ(write_some(pipe.writer(), "text"), tl::unexpected(EPIPE));
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(write_some(full, "text"), tl::unexpected(ENOSPC));
  close(full);
  EXPECT_EQ(write_some(full, "text"), tl::unexpected(EBADF));
}

TEST(LineReader, PassesOverALineThatIsTooLongWhereverItEnds) {
  for (const std::size_t bytes : {65'537U, 131'072U, 131'073U, 500'000U}) {
    Pipe pipe(O_NONBLOCK);
    LineReader lines(pipe.reader(), "pipe");
    const std::string text = "a\n" + std::string(bytes, 'x') + "\nb\n" + std::string(bytes, 'y');
    std::string_view left = text;
    std::string told;
    while (!lines.is_at_end()) {
      left.remove_prefix(write_some(pipe.writer(), left).value_or(0));
      if (left.empty()) pipe.close_writer();
      std::string_view line;
      const auto got = lines.next(line);
      ASSERT_TRUE(got);
      if (*got == Got::kLine) told += std::to_string(lines.number()) + std::string(line) + " ";
      if (*got == Got::kTooLong) told += std::to_string(lines.number()) + "long ";
      if (left.empty()) left = {};
    }
    EXPECT_EQ(told, "1a 2long 3b 4long ") << bytes;
  }
}

// A queue's file that took the number of a closed stream would get what was meant for that.
TEST(StandardStreams, ThatAreClosedAreNoOtherFiles) {
  const pid_t child = fork();
  if (child == 0) {
    for (const int stream : {0, 1, 2}) close(stream);
    hold_standard_streams();
    const int next = open("/dev/null", O_RDWR | O_CLOEXEC);
    char byte = 0;
    const bool fails = read(0, &byte, 1) < 0 && write(1, &byte, 1) < 0;
    _exit(next > 2 && fails ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(PosixFileSystem, MakesAFolderUnderWhateverPathNamesIt) {
  std::string folder = (std::filesystem::temp_directory_path() / "backsight_paths_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  const std::string here = std::filesystem::path(folder).filename();
  const std::vector<std::string> paths = {"plain", "a/b", "./c", "d/", "e//f", "../" + here + "/g"};
  for (const std::string& path : paths) {
    const auto made = storage::posix_file_system().make_directories(path);
    EXPECT_TRUE(made) << path;
    EXPECT_TRUE(std::filesystem::is_directory(path)) << path;
    EXPECT_TRUE(storage::posix_file_system().make_directories(path)) << "again";
  }
  EXPECT_TRUE(storage::posix_file_system().make_directories(folder + "/absolute/too"));
  EXPECT_TRUE(storage::posix_file_system().make_directories("/"));
  std::filesystem::current_path(before);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace backsight::tasks
