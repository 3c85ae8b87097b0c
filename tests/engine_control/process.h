// backsight-vp as a process of its own, and a reader of what it serves over HTTP.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/loopback.h"

namespace backsight::engine {

// A page of /metrics: "name{label="value"}" -> figure.
class Page {
 public:
  explicit Page(std::string text);
  // Of all samples of a metric, without backsight_vp_.
  [[nodiscard]] double sum(std::string_view name) const;
  // Of one sample: value("tasks_refused_total", "reason", "denied"). -1: there is none.
  [[nodiscard]] double value(std::string_view name, std::string_view label,
                             std::string_view of) const;
  [[nodiscard]] const std::map<std::string, double>& samples() const noexcept { return samples_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  std::map<std::string, double> samples_;
};

class VpProcess {
 public:
  // Starts the program with these arguments; what it says goes to a file in `folder`.
  VpProcess(const TemporaryFolder& folder, const std::vector<std::string>& arguments);
  VpProcess(const VpProcess&) = delete;
  VpProcess& operator=(const VpProcess&) = delete;
  ~VpProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void send(int signal) const;
  // Returns the exit code, once it has ended. -1: by a signal, or not within `patience`.
  [[nodiscard]] int wait(std::chrono::seconds patience = std::chrono::seconds(20));
  [[nodiscard]] std::string said() const;

 private:
  std::filesystem::path said_;
  pid_t pid_ = -1;
};

// A vantage point "tst01" whose packets go nowhere, with its files in a folder.
struct VpFixture {
  TemporaryFolder folder;
  int port = free_port();
  std::string device = "net_null0,no-rx=1";
  std::string next_hop = "gateway: 192.0.2.1, gateway_mac: '02:00:00:00:00:01'";

  [[nodiscard]] std::string queue_url() const;
  [[nodiscard]] std::string deny_file() const { return (folder.path() / "deny.txt").string(); }
  // Writes vp.yaml and the files it names; `more` is appended. Returns its path.
  [[nodiscard]] std::string write_config(std::string_view more = "") const;
  [[nodiscard]] Page metrics() const { return Page(http(port, "/metrics").body); }
  [[nodiscard]] bool becomes_ready() const;
};

}  // namespace backsight::engine
