#include "tests/support/broker.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace backsight {

namespace {

using namespace std::chrono_literals;

constexpr const char* kProgram = "/usr/sbin/nats-server";

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

// Below those that the kernel gives to whoever connects: a broker that is killed finds its port
// free when it starts again, whatever other programs do meanwhile.
int Broker::free_port() {
  constexpr int kLowest = 10'000;
  constexpr int kBehindHighest = 32'000;
  std::random_device random;
  std::uniform_int_distribution any(kLowest, kBehindHighest - 1);
  while (true) {
    const int port = any(random);
    const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool is_free =
        bind(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(opened);
    if (is_free) return port;
  }
}

namespace {

// Whether somebody greets there as a NATS server does.
bool greets(int port) {
  const int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{1, 0};
  setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  std::array<char, 5> greeting{};
  const bool is_ours =
      connect(opened, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      recv(opened, greeting.data(), greeting.size(), MSG_WAITALL) == 5 &&
      std::string_view(greeting.data(), 5) == "INFO ";
  close(opened);
  return is_ours;
}

std::string with_folder(std::string text, const std::string& folder) {
  for (std::size_t at = 0; (at = text.find("FOLDER", at)) != std::string::npos;) {
    text.replace(at, 6, folder);
  }
  return text;
}

}  // namespace

Broker::Broker(const std::string& more) {
  std::string name = (std::filesystem::temp_directory_path() / "backsight-nats-XXXXXX").string();
  folder_ = mkdtemp(name.data());
  port_ = free_port();
  configure(more);
  if (more != "-") start();
}

Broker::~Broker() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

bool Broker::is_possible() { return access(kProgram, X_OK) == 0; }

std::string Broker::url(const std::string& scheme) const {
  return scheme + "127.0.0.1:" + std::to_string(port_);
}

std::string Broker::said() const {
  std::ifstream in(folder_ / "said.txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Broker::configure(const std::string& more) {
  write("nats.conf", "listen: 127.0.0.1:" + std::to_string(port_) + "\njetstream { store_dir: \"" +
                         (folder_ / "store").string() +
                         "\", max_memory_store: 16MB, max_file_store: 20GB }\n" +
                         (more == "-" ? "" : with_folder(more, folder_.string())));
}

void Broker::start() {
  const std::string config = (folder_ / "nats.conf").string();
  const std::string log = (folder_ / "said.txt").string();
  std::array<std::string, 5> words{kProgram, "-c", config, "-l", log};
  std::array<char*, 6> argv{};
  for (std::size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0);
  }
  posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!greets(port_)) {
    const bool has_ended = waitpid(pid_, nullptr, WNOHANG) != 0;
    if (has_ended) pid_ = -1;
    if (has_ended || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("nats-server does not listen: " + said());
    }
    std::this_thread::sleep_for(5ms);
  }
}

void Broker::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Broker::send(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}

void Broker::empty_its_store() { std::filesystem::remove_all(folder_ / "store"); }

void Broker::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace backsight
