// Decides from what is seen of a port's link whether the port may be used: a pure state machine.
//
// A port is held from the look that shows a fault or a change until all has been well for
// kSettleTime. Then it goes on, or is opened anew where its socket belongs to what was there
// before.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/device/interface.h"

namespace backsight::engine {

// What a port's driver does with its interface.
struct LinkTraits {
  std::string interface;             // empty: there is none
  bool makes_interface = false;      // opening the port makes it
  bool keeps_unsent = false;         // what it accepted without a link would leave later
  bool has_program = false;          // receives through an XDP program
  bool speaks_for_interface = true;  // our frames bear the interface's MAC
};

class LinkJudge {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kSettleTime{500};

  explicit LinkJudge(LinkTraits traits) : traits_(std::move(traits)) {}

  enum class Verdict {
    kGood,    // it is used
    kHold,    // it must not be used
    kResume,  // it can be used again
    kReopen,  // it can be used once it is opened anew
  };
  struct Ruling {
    Verdict verdict = Verdict::kGood;
    std::string why;  // unless it is good: a clause for the operator, "the link is down (...)"
  };
  // The port was opened, or goes on: what is seen now is as it should be.
  void settle(const LinkView& view);
  // It could not be opened: it is tried again when all is well.
  void want_reopening() { needs_reopening_ = is_held_ = true; }
  [[nodiscard]] Ruling judge(const LinkView& view, Clock::time_point now);

 private:
  [[nodiscard]] std::string fault(const LinkView& view) const;
  [[nodiscard]] std::string change(const LinkView& view) const;

  LinkTraits traits_;
  LinkView known_;
  bool is_held_ = false;
  bool needs_reopening_ = false;
  std::string why_;
  std::optional<Clock::time_point> well_since_;
};

}  // namespace backsight::engine
