#include "process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

extern char** environ;

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

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

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "backsight-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(std::string_view name, std::string_view text) const {
  const std::filesystem::path file = path_ / name;
  std::ofstream(file, std::ios::binary) << text;
  return file.string();
}

std::string file_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool eventually(const std::function<bool()>& is_so) {
  const auto ends = std::chrono::steady_clock::now() + 20s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > ends) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

int free_port() {
  const int opened = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(opened, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(opened, reinterpret_cast<sockaddr*>(&address), &size);
  close(opened);
  return ntohs(address.sin_port);
}

int occupy(int port) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  if (bind(opened, at, sizeof address) == 0 && listen(opened, 1) == 0) return opened;
  close(opened);
  return -1;
}

int connect_and_send(int port, std::string_view text) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  if (connect(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(opened);
    return -1;
  }
  static_cast<void>(send(opened, text.data(), text.size(), MSG_NOSIGNAL));
  return opened;
}

std::string receive_all(int opened) {
  std::string text;
  std::array<char, 4096> bytes;
  while (opened >= 0) {
    const ssize_t count = recv(opened, bytes.data(), bytes.size(), 0);
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

HttpAnswer http(int port, std::string_view path, std::string_view method) {
  const int opened =
      connect_and_send(port, fmt::format("{} {} HTTP/1.1\r\nHost: here\r\n\r\n", method, path));
  if (opened < 0) return {};
  const std::string text = receive_all(opened);
  close(opened);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  return {.status = std::atoi(text.c_str() + text.find(' ')),
          .head = text.substr(0, end + 2),
          .body = text.substr(end + 4)};
}

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
