// A vantage point under a service manager that speaks systemd's protocol: a datagram socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "process.h"

namespace backsight::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// What systemd would hear.
class Manager {
 public:
  explicit Manager(const std::filesystem::path& folder) {
    const std::string path = (folder / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    close(socket_);
    unsetenv("NOTIFY_SOCKET");
  }

  // The next message within a moment; empty: there is none.
  std::string hear() const {
    std::array<char, 4096> bytes;
    const timeval patience{0, 100'000};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
    return count > 0 ? std::string(bytes.data(), static_cast<std::size_t>(count)) : "";
  }
  // Hears until a message has `text`.
  [[nodiscard]] bool hears(std::string_view text) {
    return eventually([&] {
      last_ = hear();
      return last_.find(text) != std::string::npos;
    });
  }
  [[nodiscard]] const std::string& last() const { return last_; }

 private:
  const int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::string last_;
};

// The thread of the first worker.
pid_t worker_thread(pid_t process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    if (file_text(entry.path() / "comm").find("worker") != std::string::npos) {
      return std::atoi(entry.path().filename().c_str());
    }
  }
  return -1;
}

TEST(VpService, TellsThatItIsReadyAliveReloadingAndStopping) {
  const VpFixture fixture;
  Manager manager(fixture.folder.path());
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(manager.hears("READY=1")) << vp.said();
  ASSERT_TRUE(manager.hears("WATCHDOG=1"));
  EXPECT_THAT(manager.last(), HasSubstr("STATUS=ready; 0 probes/s, 0 in flight, 0 bytes in the"));
  vp.send(SIGHUP);
  EXPECT_TRUE(manager.hears("RELOADING=1"));
  EXPECT_TRUE(manager.hears("READY=1"));
  vp.send(SIGUSR1);
  EXPECT_TRUE(manager.hears("STATUS=the kill switch is on"));
  EXPECT_THAT(manager.last(), HasSubstr("WATCHDOG=1"));
  vp.send(SIGTERM);
  EXPECT_TRUE(manager.hears("STOPPING=1"));
  EXPECT_EQ(vp.wait(), 0) << vp.said();
}

TEST(VpService, IsNotReadyWhenItDoesNotStart) {
  const VpFixture fixture;
  const Manager manager(fixture.folder.path());
  VpProcess vp(fixture.folder,
               {"--config", fixture.write_config(), "--set", "engine.control=1023"});
  EXPECT_EQ(vp.wait(), 2);
  EXPECT_EQ(manager.hear(), "");
}

// One thread of the process is held, as a core that something else has taken would hold it.
TEST(VpService, IsNotAliveWhenAWorkerStandsStill) {
  const VpFixture fixture;
  Manager manager(fixture.folder.path());
  VpProcess vp(fixture.folder, {"--config", fixture.write_config()});
  ASSERT_TRUE(manager.hears("WATCHDOG=1")) << vp.said();
  const pid_t worker = worker_thread(vp.pid());
  ASSERT_GT(worker, 0);
  if (ptrace(PTRACE_SEIZE, worker, nullptr, nullptr) != 0) {
    GTEST_SKIP() << "may not hold a thread of another process (ptrace)";
  }
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, worker, nullptr, nullptr), 0);
  EXPECT_TRUE(manager.hears("STATUS=worker 0 stands still for 5 s"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(manager.hears("STATUS=worker 0 stands still"));
    EXPECT_EQ(manager.last().find("WATCHDOG"), std::string::npos) << manager.last();
  }
  waitpid(worker, nullptr, __WALL);
  ptrace(PTRACE_DETACH, worker, nullptr, nullptr);
  EXPECT_TRUE(manager.hears("WATCHDOG=1"));
}

}  // namespace
}  // namespace backsight::engine
