// Which process is a vantage point, where two have one name or one id on a broker: the one that was
// there first. Each tells when it comes and every few seconds; whoever hears of an older one gives
// way, and stands by until that one is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "queue/nats/broker/connection.h"

namespace backsight::queue::nats {

// What one tells, as text: "1 INSTANCE HELD_MS VP ID WHO".
struct VpTold {
  std::uint64_t instance = 0;  // a random number of the process's
  std::uint64_t held_ms = 0;   // for how long it has been the vantage point; 0: it is not yet
  std::string vp;
  std::uint64_t id = 0;
  std::string who;  // "process 12 on host"

  friend bool operator==(const VpTold&, const VpTold&) = default;
};

[[nodiscard]] std::string to_text(const VpTold& told);
// Nothing: it is none, or of a version to come.
[[nodiscard]] std::optional<VpTold> parse_vp_told(std::string_view text);

// Of two that hear each other one gives way, whoever hears first and however long that takes.
[[nodiscard]] bool gives_way(const VpTold& mine, const VpTold& others) noexcept;

// Thread: one at a time. Outlives connections.
class VpPresence {
 public:
  VpPresence(std::string vp, unsigned id);

  // Begins on a new connection. May wait 300 ms for who is there.
  [[nodiscard]] Expected<void> connect(Connection& connection);
  void disconnect();
  // Hears and tells. A message for the operator goes to `complaints`.
  [[nodiscard]] Expected<void> pump(std::vector<std::string>& complaints);

  // Whether we are the vantage point. Stays so while there is no connection.
  [[nodiscard]] bool is_held() const noexcept {
    return trouble_.empty() && held_since_.has_value();
  }
  // Who else is; empty: nobody that we heard of.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] VpTold self() const;
  [[nodiscard]] Expected<void> ask();
  [[nodiscard]] Expected<void> begin();
  [[nodiscard]] Expected<void> announce();
  [[nodiscard]] Expected<void> read_announcements(Subscription& from, bool& has_echo);
  void give_way(const VpTold& other);
  void complain_if_deaf(std::vector<std::string>& complaints);

  const std::string vp_;
  const unsigned id_;  // 0: none
  const std::uint64_t instance_;
  const std::string subject_;
  Connection* connection_ = nullptr;
  Subscription of_name_;
  Subscription of_id_;
  std::optional<Clock::time_point> held_since_;
  Clock::time_point ask_at_;
  Clock::time_point tell_at_;
  Clock::time_point told_at_;
  Clock::time_point deaf_at_;  // when we should have heard ourselves
  bool has_name_echo_ = false;
  bool has_id_echo_ = false;
  bool is_deaf_told_ = false;
  std::string trouble_;
};

}  // namespace backsight::queue::nats
