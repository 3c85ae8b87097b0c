// Between those who want to know and the vantage points who probe: one probe for all who ask the
// same at the same time, answers kept for those who ask later, silence remembered, budgets held.
//
// All patience counts from when a probe left its vantage point: a spoofed one's report says so, a
// direct one's answer, or the report of one that was handed over later. Until then nothing is
// concluded; and where no report comes at all, the probe fails, which is nobody's silence.
//
// Nothing here waits or knows a clock: time is handed in, tasks and news are handed out.
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "config/lists/deny_list.h"
#include "controller/now.h"
#include "controller/probing/answer.h"
#include "controller/probing/budget.h"
#include "controller/probing/in_hand.h"
#include "controller/probing/lane.h"
#include "controller/probing/trace_parts.h"
#include "controller/probing/turnaround.h"
#include "controller/probing/vp_clock.h"
#include "controller/probing/waiting_line.h"
#include "controller/vantage/vp_index.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::controller {

// Who waits for an answer.
using Waiter = std::uint64_t;
inline constexpr Waiter kNobody = 0;

enum class Priority : std::uint8_t { kMeasurement, kBackground };

struct Question {
  VpIndex sender = kNoVp;
  VpIndex receiver = kNoVp;  // owns `src`
  probes::Kind kind = probes::Kind::kPing;
  probes::Ipv4Addr src;
  probes::Ipv4Addr dst;
  SteadyNs max_age = 0;  // of an answer that is known already; 0: ask anew
  Priority priority = Priority::kMeasurement;
  Waiter waiter = kNobody;
  std::uint64_t revtr = 0;  // 0: background

  [[nodiscard]] bool is_spoofed() const noexcept { return sender != receiver; }
};

using AnswerPtr = std::shared_ptr<const Answer>;

struct Asked {
  AnswerPtr answer;     // never null
  bool is_new = false;  // a probe will be sent for this question
};

// News for a waiter: its answer came, is overdue, or will never come.
struct News {
  Waiter waiter = kNobody;
  AnswerPtr answer;
};

// A probe that this one waits for was on the wire.
struct Left {
  Waiter waiter = kNobody;
  SteadyNs at = 0;
};

struct ProberFigures {
  std::uint64_t asked = 0;
  std::uint64_t from_cache = 0;
  std::uint64_t coalesced = 0;
  std::uint64_t tasks = 0;  // handed to vantage points
  std::uint64_t answered = 0;
  std::uint64_t silent = 0;
  std::uint64_t failed = 0;
  std::uint64_t unexpected = 0;  // results and observations that answer no probe of ours
  std::uint64_t duplicates = 0;  // that answer one a second time
  std::uint64_t denied = 0;      // questions that the deny list forbids
  std::uint64_t held_back = 0;   // waits for a budget now
  std::uint64_t in_hand = 0;     // packets that vantage points hold and have not sent
  std::uint64_t kept = 0;        // answers in memory now
};

class Prober {
 public:
  struct Limits {
    double total_pps = 0;             // 0: none
    std::size_t most_kept = 1 << 20;  // answers
    SteadyNs keep = 24 * kHour;
    bool splits_traces = true;  // those that measurements wait for run in parts (trace_parts.h)
  };
  // The first task gets `first_id`; ids never come twice.
  Prober(const Limits& limits, std::uint64_t first_id);

  // From here on nothing is sent to an address of the set, or in its name by others. What was asked
  // and is no longer allowed fails now.
  void deny(config::PrefixSet denied, const Now& now);
  [[nodiscard]] const config::PrefixSet& denied() const noexcept { return denied_; }

  // Asks, or finds that it was asked. A waiter that is given an answer that has not ended hears of
  // it later. What is not allowed has failed at once (Reason::kDenied), and nobody hears more of
  // it.
  Asked ask(const Question& question, const Now& now);

  // What a vantage point says.
  void on_result(VpIndex vp, const tasks::ProbeResult& result, const Now& now);
  void on_trace(VpIndex vp, const tasks::TraceResult& result, const Now& now);
  // `sender` sent the probe that the observation tells of; `receiver` saw the reply.
  void on_observation(VpIndex receiver, VpIndex sender, const tasks::Observation& seen,
                      const Now& now);
  // The vantage point is gone: what it was asked fails now.
  void on_vp_lost(VpIndex vp, const Now& now);
  // It said something at `at`: what it was to receive before did not come.
  void on_heard(VpIndex vp, SteadyNs at);

  // Rates of a vantage point, from what it announces.
  void limit_vp(VpIndex vp, double pps);

  // Lets time pass: what is overdue becomes so, what is due goes out. Appends tasks to `tasks`.
  struct Outgoing {
    VpIndex vp = kNoVp;
    tasks::Task task;
  };
  void advance(const Now& now, std::vector<Outgoing>& tasks);
  // When advance() has something to do next; nothing: not before more is asked or heard.
  [[nodiscard]] std::optional<SteadyNs> next_due() const;

  // News since the last call.
  [[nodiscard]] std::vector<News> take_news() { return std::exchange(news_, {}); }
  // Probes that left since the last call.
  [[nodiscard]] std::vector<Left> take_left() { return std::exchange(left_, {}); }
  // For how long questions of measurements wait for a vantage point, or in its hands, at the
  // longest; those for which none waits are left out.
  [[nodiscard]] std::unordered_map<VpIndex, SteadyNs> waits(SteadyNs now) const;
  // By vantage point, how many probes it was handed that have not ended.
  [[nodiscard]] std::unordered_map<VpIndex, std::uint64_t> under_way() const;
  // Answers that ended since the last call.
  [[nodiscard]] std::vector<AnswerPtr> take_ended() { return std::exchange(ended_, {}); }

  // No probe has this number yet, nor a higher one.
  [[nodiscard]] std::uint64_t next_id() const noexcept { return next_id_; }
  // The newest answer to a question, if one is kept.
  [[nodiscard]] const Answer* find(const ProbeKey& key) const;
  [[nodiscard]] const ProberFigures& figures() const;

 private:
  struct Entry {
    Answer answer;
    VpIndex receiver = kNoVp;
    SteadyNs patience = 0;     // for its answer, since it left
    SteadyNs timeout = 0;      // for its end
    std::uint64_t number = 0;  // in what its vantage point has in hand
    std::vector<Waiter> waiters;
    std::unique_ptr<TraceParts> parts;  // of a trace that runs in parts; their ids follow its own
    Priority priority = Priority::kBackground;
    bool is_current = true;  // the newest of its key
  };
  using EntryPtr = std::shared_ptr<Entry>;
  // Numbers that the entry holds: its answer's and those behind it.
  static std::size_t ids_of(const Entry& entry) noexcept {
    return entry.parts ? kTraceParts.size() : 1;
  }
  static AnswerPtr answer_of(const EntryPtr& entry) { return {entry, &entry->answer}; }
  struct Alarm {
    SteadyNs at = 0;
    std::uint64_t id = 0;
    friend bool operator>(const Alarm& a, const Alarm& b) noexcept { return a.at > b.at; }
  };

  [[nodiscard]] bool is_denied(const ProbeKey& key, bool is_spoofed) const noexcept {
    return denied_.contains(key.dst) || (is_spoofed && denied_.contains(key.src));
  }
  void send(Entry& entry, const Now& now, std::vector<Outgoing>& tasks);
  void note_left(Entry& entry, SteadyNs at, const Now& now);
  void note_report(Entry& entry, std::uint64_t sent_unix_ns, const Now& now);
  // When it is overdue, and when it is given up, as is known now; ~0: that is not to be said.
  [[nodiscard]] SteadyNs overdue_at(const Entry& entry) const;
  [[nodiscard]] SteadyNs given_up_at(const Entry& entry) const;
  void watch(const Entry& entry);
  void look_at(Entry& entry, const Now& now);
  void give_up(Entry& entry, const Now& now);
  using Line = WaitingLine<EntryPtr>;
  [[nodiscard]] Line& line(Priority priority) {
    return waiting_[static_cast<std::size_t>(priority)];
  }
  void wait(const EntryPtr& entry);
  bool release(Line& line, const Now& now, std::vector<Outgoing>& tasks);
  void tell(Entry& entry);
  void end(Entry& entry, Answer::State state, const Now& now);
  // Handed over, and not ended; else null.
  [[nodiscard]] EntryPtr under_way(std::uint64_t id) const;
  void make_room(const Now& now);

  Limits limits_;
  config::PrefixSet denied_;
  std::uint64_t next_id_;
  std::unordered_map<ProbeKey, EntryPtr, ProbeKeyHash> by_key_;
  std::unordered_map<std::uint64_t, EntryPtr> by_id_;  // not ended
  std::deque<EntryPtr> by_age_;                        // of end, oldest first
  std::array<Line, 2> waiting_;                        // for a budget, by priority
  std::uint64_t held_back_ = 0;                        // that wait there and are still wanted
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  std::vector<News> news_;
  std::vector<Left> left_;
  InHand in_hand_;
  std::unordered_map<VpIndex, VpClock> clocks_;
  std::unordered_map<VpIndex, SteadyNs> heard_at_;
  std::vector<AnswerPtr> ended_;
  Budget total_;
  std::unordered_map<VpIndex, Budget> by_vp_;
  SteadyNs budget_again_at_ = 0;
  Turnaround turnaround_;
  mutable ProberFigures figures_;
};

}  // namespace backsight::controller
