#include "program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/pipe.h"

namespace backsight::engine {
namespace {

constexpr int kPatienceMs = 60'000;

std::string contents(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

Program::Program(const std::filesystem::path& folder, const std::string& file, Arguments arguments,
                 const std::string& input, Output output) {
  static int programs = 0;
  const std::string number = std::to_string(programs++);
  err_file_ = folder / ("err" + number);
  const auto in_file = folder / ("in" + number);
  std::ofstream(in_file, std::ios::binary) << input;
  const int in = open(in_file.c_str(), O_RDONLY | O_CLOEXEC);
  const int err = open(err_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int pipes[2];
  EXPECT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  if (output == Output::kNonBlocking) fcntl(pipes[1], F_SETFL, O_NONBLOCK);
  arguments.insert(arguments.begin(), file);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(in, STDIN_FILENO);
    dup2(pipes[1], STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (chdir(folder.c_str()) == 0) execvp(argv[0], argv.data());
    _exit(127);
  }
  for (const int descriptor : {in, err, pipes[1]}) close(descriptor);
  out_ = pipes[0];
}

Program::~Program() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
}

// Returns when the program has taken it: signals sent together come in any order.
void Program::signal(int number) const {
  kill(pid_, number);
  const std::string status = "/proc/" + std::to_string(pid_) + "/status";
  for (int looks = 0; looks < 1'000'000; ++looks) {
    const std::string text = contents(status);
    const std::size_t pending = text.find("ShdPnd:\t");
    if (pending == std::string::npos) return;
    if (text.compare(pending + 8, 16, "0000000000000000") == 0) return;
    sched_yield();
  }
}

bool Program::read_some() {
  pollfd ready{out_, POLLIN, 0};
  if (poll(&ready, 1, kPatienceMs) <= 0) {
    ADD_FAILURE() << "the program says nothing and does not end; so far:\n" << contents(err_file_);
    kill(pid_, SIGKILL);
    return false;
  }
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(out_, bytes.data(), bytes.size());
  if (got <= 0) return false;
  text_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

bool Program::wait_for(const std::string& text) {
  while (text_.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

bool Program::wait_for_lines(std::ptrdiff_t count) {
  while (std::ranges::count(text_, '\n') < count) {
    if (!read_some()) return false;
  }
  return true;
}

bool Program::wait_until_full() const { return backsight::wait_until_full(out_, pid_); }

int Program::wait_for_end() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Ran Program::finish() {
  while (read_some()) {
  }
  const int code = wait_for_end();
  return {code, text_, contents(err_file_)};
}

VpFolder::VpFolder() {
  std::string path = (std::filesystem::temp_directory_path() / "backsight_vp_XXXXXX").string();
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  folder_ = path;
  std::string key;
  for (int i = 0; i < 32; ++i) key += "ab";
  write("fleet.key", key + "\n");
  std::filesystem::permissions(folder_ / "fleet.key", std::filesystem::perms::owner_read);
  write("vp.yaml", R"(name: test01
id: 3
ports:
  - device: net_null0,no-rx=1
    address: 192.0.2.10/24
    gateway: 192.0.2.1
    gateway_mac: 02:00:00:00:00:01
engine:
  workers: [0]
  control: 0
  idle: adaptive
  hugepages: off
  inflight: 1024
  waiting: 1024
  traces: 64
rates:
  per_destination_pps: 0
  per_prefix24_pps: 0
allow_bogons: true
identity:
  key_file: fleet.key
metrics:
  listen: off
)");
}

VpFolder::~VpFolder() { std::filesystem::remove_all(folder_); }

void VpFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
}

std::string VpFolder::read(const std::string& name) const { return contents(folder_ / name); }

std::unique_ptr<Program> VpFolder::start(Arguments arguments, const std::string& input,
                                         Output output) const {
  arguments.insert(arguments.begin(), {"--config", "vp.yaml"});
  return std::make_unique<Program>(folder_, BACKSIGHT_VP, std::move(arguments), input, output);
}

Ran VpFolder::run(Arguments arguments, const std::string& input) const {
  return start(std::move(arguments), input)->finish();
}

void VpFolder::expect_refused(Arguments arguments, const std::vector<std::string>& words) const {
  std::string command;
  for (const std::string& argument : arguments) command += " " + argument;
  SCOPED_TRACE(command);
  const Ran ran = run(std::move(arguments));
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.out, "");
  for (const std::string& word : words) EXPECT_THAT(ran.err, ::testing::HasSubstr(word));
  // One sentence of ours; DPDK may have said something before it.
  std::size_t ours = 0;
  std::istringstream all(ran.err);
  for (std::string line; std::getline(all, line);) ours += line.starts_with("backsight-vp: ");
  EXPECT_EQ(ours, 1U) << ran.err;
}

std::vector<nlohmann::json> VpFolder::lines(const std::string& text) {
  std::vector<nlohmann::json> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

std::string VpFolder::ping_line(std::uint64_t id, int timeout_ms) {
  return "{\"id\":" + std::to_string(id) +
         ",\"kind\":\"ping\",\"dst\":\"198.51.100.7\",\"timeout_ms\":" +
         std::to_string(timeout_ms) + "}\n";
}

}  // namespace backsight::engine
