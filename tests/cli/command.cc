#include "command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/pipe.h"

namespace backsight::cli {

namespace {

std::filesystem::path fresh_path(const char* pattern) {
  std::string path = (std::filesystem::temp_directory_path() / pattern).string();
  const int descriptor = mkstemp(path.data());
  EXPECT_GE(descriptor, 0);
  close(descriptor);
  return path;
}

}  // namespace

Command::Command(std::vector<std::string> arguments, const std::string& input, Streams streams)
    : err_file_(fresh_path("backsight_err_XXXXXX")) {
  const auto in_file = fresh_path("backsight_in_XXXXXX");
  std::ofstream(in_file) << input;
  const int in = open(in_file.c_str(), O_RDONLY | O_CLOEXEC);
  const int err = open(err_file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  int pipes[2];
  EXPECT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  if (streams == Streams::kNonBlockingPipes) {
    int inputs[2];
    EXPECT_EQ(pipe2(inputs, O_CLOEXEC), 0);
    dup3(inputs[0], in, O_CLOEXEC);
    close(inputs[0]);
    in_ = inputs[1];
    fcntl(in, F_SETFL, O_NONBLOCK);
    fcntl(pipes[1], F_SETFL, O_NONBLOCK);
  }
  arguments.insert(arguments.begin(), BACKSIGHT_PROGRAM);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in, STDIN_FILENO);
    dup2(pipes[1], STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    unsetenv("BACKSIGHT_QUEUE");
    unsetenv("BACKSIGHT_CONTROLLER");
    execv(BACKSIGHT_PROGRAM, argv.data());
    _exit(127);
  }
  for (const int descriptor : {in, err, pipes[1]}) close(descriptor);
  out_ = pipes[0];
  std::filesystem::remove(in_file);
}

Command::~Command() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close_input();
  close_output();
  std::filesystem::remove(err_file_);
}

void Command::signal(int number) const { kill(pid_, number); }

bool Command::read_some() {
  char bytes[4096];
  const ssize_t got = read(out_, bytes, sizeof bytes);
  if (got <= 0) return false;
  text_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

bool Command::wait_for_output(const std::string& text) {
  while (text_.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

void Command::put_input(const std::string& text) const {
  EXPECT_EQ(write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

void Command::close_input() {
  if (in_ >= 0) close(in_);
  in_ = -1;
}

bool Command::wait_until_full() const { return backsight::wait_until_full(out_, pid_); }

void Command::close_output() {
  if (out_ >= 0) close(out_);
  out_ = -1;
}

Ran Command::finish() {
  while (out_ >= 0 && read_some()) {
  }
  return finish_unread();
}

Ran Command::finish_unread() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  std::ostringstream err;
  err << std::ifstream(err_file_).rdbuf();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_, err.str()};
}

QueueFolder::QueueFolder() {
  std::string path = (std::filesystem::temp_directory_path() / "backsight_cli_XXXXXX").string();
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  folder_ = path;
  url_ = "file://" + path;
}

QueueFolder::~QueueFolder() { std::filesystem::remove_all(folder_); }

}  // namespace backsight::cli
