#include "controller/probing/prober.h"

#include <algorithm>
#include <utility>

namespace backsight::controller {

namespace {

// A reply that comes later than this many patiences will not come.
constexpr SteadyNs kSilentAfterPatiences = 4;
constexpr SteadyNs kLeastTimeout = 500 * kMillisecond;
constexpr SteadyNs kMostTimeout = 10 * kSecond;
// Beyond its own time-out, a vantage point that says nothing of a task has lost it: longer than it
// takes to find out that the vantage point itself is lost.
constexpr SteadyNs kGrace = 15 * kSecond;
// Where nothing is seen to leave for so long, and no limit explains it, nothing will.
constexpr SteadyNs kMostStalled = 30 * kSecond;
// For word of who was to see a reply.
constexpr SteadyNs kLookAgain = 500 * kMillisecond;
// A trace is many probes: at the most so many, one after the other when routers are silent.
constexpr std::uint32_t kTracePackets = 16;
constexpr SteadyNs kTracePatience = 20 * kSecond;
constexpr std::uint8_t kTraceGap = 4;
// Of a trace in parts, where each silent hop is waited for once.
constexpr SteadyNs kLeastPartTimeout = 250 * kMillisecond;

unsigned packets_of(probes::Kind kind) { return kind == probes::Kind::kTrace ? kTracePackets : 1; }

Lane lane_of(const Answer& answer) {
  return {answer.key.sender, packets_of(answer.key.kind), answer.key.kind, answer.key.src,
          answer.is_spoofed};
}

Answer::State state_of(tasks::Outcome outcome) {
  switch (outcome) {
    case tasks::Outcome::kReplied:
    case tasks::Outcome::kReached:
    case tasks::Outcome::kGapLimit:
    case tasks::Outcome::kMaxTtl:
    case tasks::Outcome::kUnreachable:
    case tasks::Outcome::kLoop:
      return Answer::State::kAnswered;
    case tasks::Outcome::kError:
      return Answer::State::kError;
    case tasks::Outcome::kTimedOut:
      return Answer::State::kSilent;
    default:
      return Answer::State::kFailed;
  }
}

}  // namespace

Prober::Prober(const Limits& limits, std::uint64_t first_id)
    : limits_(limits), next_id_(first_id), total_(limits.total_pps) {}

void Prober::deny(config::PrefixSet denied, const Now& now) {
  denied_ = std::move(denied);
  std::vector<EntryPtr> over;
  for (const auto& [id, entry] : by_id_) {
    if (is_denied(entry->answer.key, entry->answer.is_spoofed)) over.push_back(entry);
  }
  for (const EntryPtr& entry : over) {
    if (entry->answer.has_ended()) continue;  // one in parts stands there once for each
    entry->answer.reason = tasks::Reason::kDenied;
    end(*entry, Answer::State::kFailed, now);
  }
}

Asked Prober::ask(const Question& question, const Now& now) {
  ++figures_.asked;
  const ProbeKey key{question.sender, question.kind, question.src, question.dst};
  if (is_denied(key, question.is_spoofed())) {
    ++figures_.denied;
    auto refused = std::make_shared<Answer>();
    refused->key = key;
    refused->is_spoofed = question.is_spoofed();
    refused->state = Answer::State::kFailed;
    refused->reason = tasks::Reason::kDenied;
    refused->asked_at = refused->ended_at = now.steady;
    return {refused, false};
  }
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    Entry& known = *at->second;
    const bool has_ended = known.answer.has_ended();
    if (!has_ended || now.steady - known.answer.ended_at < question.max_age) {
      ++(has_ended ? figures_.from_cache : figures_.coalesced);
      if (!has_ended && question.waiter != kNobody) known.waiters.push_back(question.waiter);
      if (question.priority == Priority::kMeasurement && known.answer.handed_at == 0 &&
          known.priority == Priority::kBackground && !has_ended) {
        known.priority = Priority::kMeasurement;
        wait(at->second);
      }
      return {answer_of(at->second), false};
    }
    known.is_current = false;
  }
  make_room(now);
  auto entry = std::make_shared<Entry>();
  entry->answer.id = next_id_;
  entry->answer.key = key;
  entry->answer.is_spoofed = question.is_spoofed();
  entry->answer.revtr = question.revtr;
  entry->answer.asked_at = now.steady;
  entry->receiver = question.receiver;
  entry->priority = question.priority;
  if (question.waiter != kNobody) entry->waiters.push_back(question.waiter);
  if (limits_.splits_traces && question.kind == probes::Kind::kTrace &&
      question.priority == Priority::kMeasurement) {
    entry->parts = std::make_unique<TraceParts>();
  }
  by_key_[key] = entry;
  for (std::size_t i = 0; i < ids_of(*entry); ++i) by_id_[next_id_++] = entry;
  ++held_back_;
  wait(entry);
  budget_again_at_ = 0;
  return {answer_of(entry), true};
}

void Prober::wait(const EntryPtr& entry) {
  line(entry->priority).push(lane_of(entry->answer), entry);
}

Prober::EntryPtr Prober::under_way(std::uint64_t id) const {
  const auto at = by_id_.find(id);
  const bool is_handed = at != by_id_.end() && at->second->answer.handed_at != 0;
  return is_handed ? at->second : nullptr;
}

void Prober::on_result(VpIndex vp, const tasks::ProbeResult& result, const Now& now) {
  const EntryPtr entry = under_way(result.task);
  if (!entry || entry->answer.key.sender != vp || entry->answer.key.dst != result.dst ||
      entry->answer.key.kind != result.kind) {
    ++(result.task != 0 && result.task < next_id_ ? figures_.duplicates : figures_.unexpected);
    return;
  }
  Answer& answer = entry->answer;
  const Answer::State state = state_of(result.outcome);
  if (result.outcome == tasks::Outcome::kSent || state != Answer::State::kFailed) {
    note_report(*entry, result.sent_at_ns, now);
  }
  answer.outcome = result.outcome;
  answer.sent_unix_us = result.sent_at_ns / 1000;
  if (result.outcome == tasks::Outcome::kSent) return;  // its reply is somebody else's to see
  answer.reason = result.reason;
  answer.rtt_ns = result.rtt_ns;
  answer.reply = result.reply;
  answer.recorded = result.recorded;
  if (state == Answer::State::kAnswered) {
    turnaround_.learn(vp, entry->receiver, answer.key.dst, now.steady - answer.left_at);
  }
  end(*entry, state, now);
}

void Prober::on_trace(VpIndex vp, const tasks::TraceResult& result, const Now& now) {
  const EntryPtr entry = under_way(result.head.task);
  if (!entry || entry->answer.key.sender != vp || entry->answer.key.dst != result.head.dst ||
      entry->answer.key.kind != probes::Kind::kTrace) {
    ++(result.head.task < next_id_ ? figures_.duplicates : figures_.unexpected);
    return;
  }
  Answer& answer = entry->answer;
  if (state_of(result.head.outcome) != Answer::State::kFailed) {
    note_report(*entry, result.head.sent_at_ns, now);
  }
  answer.packets = static_cast<std::uint32_t>(result.hops.size());
  const tasks::TraceResult* whole = &result;
  tasks::TraceResult joined;
  if (entry->parts) {
    const std::size_t part = result.head.task - answer.id;
    if (entry->parts->has(part)) ++figures_.duplicates;
    entry->parts->take(part, result);
    if (!entry->parts->are_all_there()) return;
    joined = entry->parts->whole(kTraceGap);
    whole = &joined;
    answer.packets = entry->parts->packets();
  }
  answer.outcome = whole->head.outcome;
  answer.reason = whole->head.reason;
  answer.sent_unix_us = whole->head.sent_at_ns / 1000;
  answer.rtt_ns = whole->head.rtt_ns;
  answer.reply = whole->head.reply;
  answer.hops = whole->hops;
  end(*entry, state_of(whole->head.outcome), now);
}

void Prober::on_observation(VpIndex receiver, VpIndex sender, const tasks::Observation& seen,
                            const Now& now) {
  const EntryPtr entry = under_way(seen.task);
  if (!entry || entry->answer.key.sender != sender || entry->receiver != receiver ||
      !entry->answer.is_spoofed || entry->answer.key.src != seen.src ||
      entry->answer.key.dst != seen.dst || entry->answer.key.kind != seen.kind) {
    ++(seen.task != 0 && seen.task < next_id_ ? figures_.duplicates : figures_.unexpected);
    return;
  }
  Answer& answer = entry->answer;
  answer.reply = seen.reply;
  answer.recorded = seen.recorded;
  const bool is_reply = seen.reply.type == probes::ReplyType::kEchoReply;
  answer.outcome = is_reply ? tasks::Outcome::kReplied : tasks::Outcome::kError;
  // Its reply may be here before the report that it left.
  const SteadyNs waited = in_hand_.wait_of(lane_of(answer));
  note_left(*entry, std::min(answer.handed_at + waited, now.steady), now);
  if (is_reply) {
    turnaround_.learn(sender, receiver, answer.key.dst, now.steady - answer.left_at);
  }
  end(*entry, is_reply ? Answer::State::kAnswered : Answer::State::kError, now);
}

void Prober::on_vp_lost(VpIndex vp, const Now& now) {
  std::vector<EntryPtr> lost;
  for (const auto& [id, entry] : by_id_) {
    if (entry->answer.key.sender == vp || entry->receiver == vp) lost.push_back(entry);
  }
  for (const EntryPtr& entry : lost) {
    // One in parts stands there once for each.
    if (!entry->answer.has_ended()) end(*entry, Answer::State::kFailed, now);
  }
}

void Prober::on_heard(VpIndex vp, SteadyNs at) {
  SteadyNs& heard_at = heard_at_[vp];
  heard_at = std::max(heard_at, at);
}

void Prober::limit_vp(VpIndex vp, double pps) {
  by_vp_[vp].set_rate(pps);
  in_hand_.limit(vp, pps);
}

// What its vantage point says of it shows that it left, and how long it waited there.
void Prober::note_report(Entry& entry, std::uint64_t sent_unix_ns, const Now& now) {
  const Answer& answer = entry.answer;
  const bool is_known = answer.left_at != 0;
  const SteadyNs at =
      clocks_[answer.key.sender].left_at(sent_unix_ns, answer.handed_at, now.steady);
  note_left(entry, at, now);
  entry.answer.left_at = at;
  // Which part of a trace is heard of first says nothing of how long it waited.
  const bool tells_wait = !is_known && answer.key.kind != probes::Kind::kTrace;
  if (tells_wait) in_hand_.learn(lane_of(answer), at - answer.handed_at, now.steady);
}

// The probe left at that time, and those before it by then.
void Prober::note_left(Entry& entry, SteadyNs at, const Now& now) {
  if (entry.answer.left_at != 0) return;
  std::vector<std::uint64_t> gone;
  in_hand_.on_left(lane_of(entry.answer), entry.number, now.steady, gone);
  for (const std::uint64_t id : gone) {
    Entry& it = *by_id_.at(id);
    Answer& answer = it.answer;
    answer.left_at = std::max(at, answer.handed_at);
    for (const Waiter waiter : it.waiters) left_.push_back({waiter, answer.left_at});
    watch(it);
  }
}

void Prober::tell(Entry& entry) {
  const EntryPtr self = by_id_.at(entry.answer.id);
  for (const Waiter waiter : entry.waiters) news_.push_back({waiter, answer_of(self)});
}

void Prober::end(Entry& entry, Answer::State state, const Now& now) {
  if (entry.answer.handed_at == 0) --held_back_;
  in_hand_.drop(lane_of(entry.answer), entry.number);
  entry.answer.state = state;
  entry.answer.ended_at = now.steady;
  switch (state) {
    case Answer::State::kAnswered:
    case Answer::State::kError:
      ++figures_.answered;
      break;
    case Answer::State::kSilent:
      ++figures_.silent;
      break;
    default:
      ++figures_.failed;
  }
  tell(entry);
  entry.waiters.clear();
  entry.waiters.shrink_to_fit();
  const EntryPtr self = by_id_.at(entry.answer.id);
  ended_.push_back(answer_of(self));
  by_age_.push_back(self);
  // What was never sent says nothing of the network: the next who asks gets a new probe.
  if (state == Answer::State::kFailed && entry.is_current) {
    by_key_.erase(entry.answer.key);
    entry.is_current = false;
  }
  for (std::size_t i = 0; i < ids_of(entry); ++i) by_id_.erase(entry.answer.id + i);
  entry.parts.reset();
}

void Prober::make_room(const Now& now) {
  while (!by_age_.empty() && (by_age_.size() > limits_.most_kept ||
                              now.steady - by_age_.front()->answer.ended_at > limits_.keep)) {
    const Entry& oldest = *by_age_.front();
    if (oldest.is_current) by_key_.erase(oldest.answer.key);
    by_age_.pop_front();
  }
}

void Prober::send(Entry& entry, const Now& now, std::vector<Outgoing>& tasks) {
  Answer& answer = entry.answer;
  answer.handed_at = now.steady;
  --held_back_;
  entry.number = in_hand_.hand(lane_of(answer), answer.id, now.steady);
  const bool is_trace = answer.key.kind == probes::Kind::kTrace;
  entry.patience = turnaround_.patience(answer.key.sender, entry.receiver, answer.key.dst);
  const SteadyNs timeout =
      std::clamp(entry.patience * kSilentAfterPatiences, kLeastTimeout, kMostTimeout);
  Outgoing out{answer.key.sender, {}};
  out.task.kind = answer.key.kind;
  out.task.dst = answer.key.dst;
  if (answer.is_spoofed) out.task.src = answer.key.src;
  out.task.timeout_ms =
      static_cast<std::uint32_t>((is_trace ? timeout / 2 : timeout) / kMillisecond);
  out.task.gap_limit = kTraceGap;
  if (entry.parts) {
    const SteadyNs hop_timeout = std::clamp(entry.patience, kLeastPartTimeout, kMostTimeout);
    out.task.timeout_ms = static_cast<std::uint32_t>(hop_timeout / kMillisecond);
    out.task.attempts = 1;
  }
  for (std::size_t i = 0; i < ids_of(entry); ++i) {
    out.task.id = answer.id + i;
    if (entry.parts) {
      out.task.first_ttl = kTraceParts[i].first;
      out.task.max_ttl = kTraceParts[i].last;
    }
    tasks.push_back(out);
    ++figures_.tasks;
  }
  // A direct probe's end is told by its vantage point; a spoofed one's reply has nobody who would
  // say that it did not come.
  entry.timeout = (is_trace ? 4 * kTracePatience : timeout) + (answer.is_spoofed ? 0 : kGrace);
  if (is_trace) entry.patience = kTracePatience;
  watch(entry);
}

SteadyNs Prober::overdue_at(const Entry& entry) const {
  const Answer& answer = entry.answer;
  if (answer.left_at != 0) return answer.left_at + entry.patience;
  // That it left is told of a spoofed one by itself, and of a trace by the first of its parts.
  if (answer.is_spoofed || answer.key.kind == probes::Kind::kTrace) return ~SteadyNs{0};
  return answer.handed_at + in_hand_.wait_of(lane_of(answer)) + entry.patience;
}

SteadyNs Prober::given_up_at(const Entry& entry) const {
  const Answer& answer = entry.answer;
  if (answer.left_at != 0) return answer.left_at + entry.timeout;
  const SteadyNs moved_at = in_hand_.moved_at(lane_of(answer));
  return std::max(answer.handed_at, moved_at) + entry.timeout + kMostStalled;
}

void Prober::watch(const Entry& entry) {
  const bool may_be_overdue = entry.answer.state == Answer::State::kWaiting;
  const SteadyNs overdue = may_be_overdue ? overdue_at(entry) : ~SteadyNs{0};
  alarms_.push({std::min(overdue, given_up_at(entry)), entry.answer.id});
}

void Prober::look_at(Entry& entry, const Now& now) {
  if (now.steady >= given_up_at(entry)) return give_up(entry, now);
  if (entry.answer.state == Answer::State::kWaiting && now.steady >= overdue_at(entry)) {
    entry.answer.state = Answer::State::kOverdue;
    tell(entry);
  }
  watch(entry);
}

void Prober::give_up(Entry& entry, const Now& now) {
  const Answer& answer = entry.answer;
  if (answer.left_at == 0 || !answer.is_spoofed) {
    return end(entry, Answer::State::kFailed, now);  // its vantage point has lost it
  }
  // While nothing is heard of who was to see the reply, nobody knows that it did not come.
  if (heard_at_[entry.receiver] < answer.left_at + entry.patience) {
    alarms_.push({now.steady + kLookAgain, answer.id});
    return;
  }
  end(entry, Answer::State::kSilent, now);
}

bool Prober::release(Line& line, const Now& now, std::vector<Outgoing>& tasks) {
  using Verdict = Line::Verdict;
  const auto has = [&](Budget& budget, unsigned packets) {
    if (budget.has(packets, now.steady)) return true;
    budget_again_at_ = std::min(budget_again_at_, budget.when(packets, now.steady));
    return false;
  };
  return line.release(
      [](const EntryPtr& entry) {
        return entry->answer.handed_at != 0 || entry->answer.has_ended();
      },
      [&](const Lane& lane) {
        if (!in_hand_.has_room(lane)) return Verdict::kWait;
        if (!has(total_, lane.packets)) return Verdict::kAllWait;
        Budget& vp = by_vp_[lane.vp];
        if (!has(vp, lane.packets)) return Verdict::kWait;
        total_.spend(lane.packets);
        vp.spend(lane.packets);
        return Verdict::kGo;
      },
      [&](const EntryPtr& entry) { send(*entry, now, tasks); });
}

void Prober::advance(const Now& now, std::vector<Outgoing>& tasks) {
  while (!alarms_.empty() && alarms_.top().at <= now.steady) {
    const EntryPtr entry = under_way(alarms_.top().id);
    alarms_.pop();
    if (entry) look_at(*entry, now);
  }
  budget_again_at_ = ~SteadyNs{0};
  if (release(line(Priority::kMeasurement), now, tasks)) {
    release(line(Priority::kBackground), now, tasks);
  }
}

std::optional<SteadyNs> Prober::next_due() const {
  SteadyNs at = alarms_.empty() ? ~SteadyNs{0} : alarms_.top().at;
  if (held_back_ != 0) at = std::min(at, budget_again_at_);
  return at == ~SteadyNs{0} ? std::nullopt : std::optional(at);
}

std::unordered_map<VpIndex, SteadyNs> Prober::waits(SteadyNs now) const {
  std::unordered_map<VpIndex, SteadyNs> waits;
  const Line& line = waiting_[static_cast<std::size_t>(Priority::kMeasurement)];
  line.for_each_first([&](const Lane& lane, const EntryPtr& entry) {
    if (entry->answer.handed_at != 0 || entry->answer.has_ended()) return;
    SteadyNs& longest = waits[lane.vp];
    longest = std::max(longest, now - entry->answer.asked_at);
  });
  in_hand_.raise(waits, now);
  return waits;
}

std::unordered_map<VpIndex, std::uint64_t> Prober::under_way() const {
  std::unordered_map<VpIndex, std::uint64_t> counts;
  for (const auto& [id, entry] : by_id_) {
    if (entry->answer.handed_at != 0) ++counts[entry->answer.key.sender];
  }
  return counts;
}

const ProberFigures& Prober::figures() const {
  figures_.held_back = held_back_;
  figures_.in_hand = in_hand_.packets();
  figures_.kept = by_age_.size();
  return figures_;
}

}  // namespace backsight::controller
