// A nats-server of a test's own, on the loopback, with its store in a folder that goes away.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace backsight {

class Broker {
 public:
  // `more` is appended to its config; "FOLDER" in it is the broker's folder. Starts it.
  explicit Broker(const std::string& more = "");
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // False: there is no nats-server to start.
  [[nodiscard]] static bool is_possible();
  // For whatever a broker listens to besides.
  [[nodiscard]] static int free_port();

  [[nodiscard]] std::string url(const std::string& scheme = "nats://") const;
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string said() const;

  // What is stored stays. Returns once it listens.
  void start();
  void kill();             // at once
  void send(int signal);   // SIGSTOP, SIGCONT
  void empty_its_store();  // REQUIRES: killed
  void write(const std::string& name, const std::string& text) const;
  void configure(const std::string& more);  // for the next start

 private:
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace backsight
