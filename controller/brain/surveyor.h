// Surveys of prefixes: Record Route from every vantage point to two destinations in each, the first
// that was asked for and another one known there. What they tell goes into the ranking.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controller/probing/prober.h"
#include "controller/ranking/ranking.h"
#include "controller/vantage/vantage_table.h"

namespace backsight::controller {

class Surveyor {
 public:
  Surveyor(Prober& prober, Ranking& ranking, const VantageTable& vantage)
      : prober_(prober), ranking_(ranking), vantage_(vantage) {}

  // An address that answers, for surveys to come.
  void remember(probes::Ipv4Addr address);

  // Begins a survey of the target's prefix, if it is worth one. `revtr` is told when it tells more.
  void begin(probes::Ipv4Addr target, std::uint64_t revtr, const Now& now);
  // Who waits for the survey of the target's prefix beside the one who began it.
  void join(probes::Ipv4Addr target, std::uint64_t revtr);

  [[nodiscard]] static bool is_mine(Waiter waiter) noexcept { return waiter >> 60 == kClass; }
  // Appends the measurements that should look again.
  void on_news(const News& news, const Now& now, std::vector<std::uint64_t>& look_again);

 private:
  static constexpr std::uint64_t kClass = 1;
  // Vantage points that take part: all of a small fleet, a sample of a large one.
  static constexpr std::size_t kMostVps = 24;

  struct Survey {
    probes::Ipv4Addr target;
    std::unordered_set<std::uint64_t> under_way;  // ids of probes
    std::vector<std::uint64_t> waiting;           // measurements
    bool was_asked = false;                       // a probe of it was on the wire
  };
  void learn(const Answer& answer, probes::Ipv4Addr target, const Now& now);
  void ask(std::uint64_t id, Survey& survey, VpIndex vp, probes::Ipv4Addr dst, const Now& now);

  Prober& prober_;
  Ranking& ranking_;
  const VantageTable& vantage_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Survey> surveys_;                       // by id
  std::unordered_map<std::uint64_t, std::uint64_t> by_prefix_;              // under way
  std::unordered_map<std::uint64_t, std::vector<probes::Ipv4Addr>> known_;  // two that answer
};

}  // namespace backsight::controller
