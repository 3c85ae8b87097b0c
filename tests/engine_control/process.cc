#include "process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <thread>

extern char** environ;

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

// The first and the last core that this process may use.
std::array<int, 2> cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::array<int, 2> found{-1, -1};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    if (found[0] < 0) found[0] = core;
    found[1] = core;
  }
  return found;
}

}  // namespace

Page::Page(std::string text) : text_(std::move(text)) {
  std::istringstream lines(text_);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    if (line.starts_with('#') || blank == std::string::npos) continue;
    samples_[line.substr(0, blank)] = std::strtod(line.c_str() + blank, nullptr);
  }
}

double Page::sum(std::string_view name) const {
  double total = 0;
  for (const auto& [sample, figure] : samples_) {
    if (sample.substr(0, sample.find('{')) == fmt::format("backsight_vp_{}", name)) total += figure;
  }
  return total;
}

double Page::value(std::string_view name, std::string_view label, std::string_view of) const {
  const auto at = samples_.find(fmt::format("backsight_vp_{}{{{}=\"{}\"}}", name, label, of));
  return at == samples_.end() ? -1 : at->second;
}

VpProcess::VpProcess(const TemporaryFolder& folder, const std::vector<std::string>& arguments)
    : said_(folder.path() / "said.txt") {
  std::vector<std::string> words{BACKSIGHT_VP_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, said_.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
}

VpProcess::~VpProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void VpProcess::send(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

int VpProcess::wait(std::chrono::seconds patience) {
  const auto ends = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) != pid_) {
    if (std::chrono::steady_clock::now() > ends) return -1;
    std::this_thread::sleep_for(10ms);
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string VpProcess::said() const { return file_text(said_); }

std::string VpFixture::queue_url() const {
  return fmt::format("file://{}", (folder.path() / "queue").string());
}

std::string VpFixture::write_config(std::string_view more) const {
  const std::string key = folder.write("fleet.key", std::string(64, 'a') + "\n");
  std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  if (!std::filesystem::exists(deny_file())) {
    static_cast<void>(folder.write("deny.txt", "198.51.100.0/28\n"));
  }
  const auto [control, worker] = cores();
  return folder.write(
      "vp.yaml",
      fmt::format("name: tst01\n"
                  "id: 1\n"
                  "ports: [{{device: '{}', address: 192.0.2.10/24, {}}}]\n"
                  "engine: {{workers: [{}], control: {}, idle: adaptive, hugepages: off,\n"
                  "         inflight: 4096, waiting: 4096, traces: 64}}\n"
                  "deny: deny.txt\n"
                  "identity: {{key_file: fleet.key}}\n"
                  "queue: {{url: '{}'}}\n"
                  "metrics: {{listen: '127.0.0.1:{}'}}\n{}",
                  device, next_hop, worker, control, queue_url(), port, more));
}

bool VpFixture::becomes_ready() const {
  return eventually([this] { return http(port, "/readyz").status == 200; });
}

}  // namespace backsight::engine
