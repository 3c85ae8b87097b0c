// A broker, a wire to it, a vantage point and a consumer as processes of their own, and everything
// that may happen to them. What was put and what came out are counted.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "proxy.h"
#include "queue/client.h"
#include "tests/support/broker.h"

namespace backsight::faults {

// A process that is started again whenever it has died.
class Mortal {
 public:
  explicit Mortal(std::vector<std::string> command, std::string said)
      : command_(std::move(command)), said_(std::move(said)) {}
  ~Mortal() { kill(); }
  Mortal(Mortal&&) = delete;

  void live();  // starts it unless it lives
  void kill();  // -9
  void stop();  // as a person would
  // Exit code of its last death by itself; 0: none.
  [[nodiscard]] int ended_with() const noexcept { return ended_with_; }

 private:
  std::vector<std::string> command_;
  std::string said_;
  pid_t pid_ = -1;
  int ended_with_ = 0;
};

struct Counts {
  std::uint64_t rounds = 0;
  std::uint64_t tasks = 0;                      // accepted
  std::uint64_t lost = 0;                       // of these, without an answer
  std::uint64_t twice = 0;                      // answered more than once
  std::map<std::string, std::uint64_t> faults;  // by name
};

class World {
 public:
  // `real_programs`: where backsight-vp and backsight are; empty: the small programs.
  World(std::uint64_t seed, std::string real_programs);
  ~World();

  // One round: tasks are put while things happen. False, and told, when something went wrong.
  bool round();
  // Lets everything live until all tasks are answered. False: some are not in time.
  bool settle();

  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  using Random = std::mt19937_64;
  struct Fault {
    const char* name;
    std::function<void()> happen;
  };

  void make_processes(const std::string& real_programs);
  void mount_small_disk();
  [[nodiscard]] std::vector<Fault> faults();
  void put_tasks();
  void read_results();
  void damage_end_of_results();
  void damage_tasks();
  void damage_broker();
  void fill_disk(bool is_full);
  void step_clock();
  void nap(unsigned most_ms);
  [[nodiscard]] bool is_sane();
  void tell_last_words() const;

  Random random_;
  bool is_real_;
  std::filesystem::path folder_;
  bool has_small_disk_ = false;
  Broker broker_;
  Proxy proxy_;
  std::unique_ptr<Mortal> vantage_point_;
  std::unique_ptr<Mortal> consumer_;
  std::unique_ptr<queue::QueueClient> producer_;
  std::set<std::uint64_t> accepted_;
  std::set<std::uint64_t> maybe_;  // put() failed: they may be queued, or not
  std::map<std::uint64_t, unsigned> answered_;
  std::uint64_t read_to_ = 0;  // of the results' file
  std::uint64_t next_id_ = 1;
  Counts counts_;
};

}  // namespace backsight::faults
