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
// A trace is many probes: at the most so many, one after the other when routers are silent.
constexpr std::uint32_t kTracePackets = 16;
constexpr SteadyNs kTracePatience = 20 * kSecond;
constexpr std::uint8_t kTraceGap = 4;
// Of a trace in parts, where each silent hop is waited for once.
constexpr SteadyNs kLeastPartTimeout = 250 * kMillisecond;

unsigned packets_of(probes::Kind kind) { return kind == probes::Kind::kTrace ? kTracePackets : 1; }

Answer::State state_of(queue::Outcome outcome) {
  switch (outcome) {
    case queue::Outcome::kReplied:
    case queue::Outcome::kReached:
    case queue::Outcome::kGapLimit:
    case queue::Outcome::kMaxTtl:
    case queue::Outcome::kUnreachable:
    case queue::Outcome::kLoop:
      return Answer::State::kAnswered;
    case queue::Outcome::kError:
      return Answer::State::kError;
    case queue::Outcome::kTimedOut:
      return Answer::State::kSilent;
    default:
      return Answer::State::kFailed;
  }
}

}  // namespace

Prober::Prober(const Limits& limits, std::uint64_t first_id)
    : limits_(limits), next_id_(first_id), total_(limits.total_pps) {}

Asked Prober::ask(const Question& question, const Now& now) {
  ++figures_.asked;
  const ProbeKey key{question.sender, question.kind, question.src, question.dst};
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    Entry& known = *at->second;
    const bool has_ended = known.answer.has_ended();
    if (!has_ended || now.steady - known.answer.ended_at < question.max_age) {
      ++(has_ended ? figures_.from_cache : figures_.coalesced);
      if (!has_ended && question.waiter != kNobody) known.waiters.push_back(question.waiter);
      if (question.priority == Priority::kMeasurement && known.answer.sent_at == 0 &&
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
  const ProbeKey& key = entry->answer.key;
  line(entry->priority).push({key.sender, packets_of(key.kind)}, entry);
}

Prober::EntryPtr Prober::under_way(std::uint64_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

void Prober::on_result(VpIndex vp, const queue::ProbeResult& result, const Now& now) {
  const EntryPtr entry = under_way(result.task);
  if (!entry || entry->answer.key.sender != vp || entry->answer.key.dst != result.dst ||
      entry->answer.key.kind != result.kind) {
    ++(result.task != 0 && result.task < next_id_ ? figures_.duplicates : figures_.unexpected);
    return;
  }
  Answer& answer = entry->answer;
  answer.outcome = result.outcome;
  answer.sent_unix_us = result.sent_at_ns / 1000;
  if (result.outcome == queue::Outcome::kSent) return;  // its reply is somebody else's to see
  answer.reason = result.reason;
  answer.rtt_ns = result.rtt_ns;
  answer.reply = result.reply;
  answer.recorded = result.recorded;
  const Answer::State state = state_of(result.outcome);
  if (state == Answer::State::kAnswered && answer.sent_at != 0) {
    turnaround_.learn(vp, entry->receiver, answer.key.dst, now.steady - answer.sent_at);
  }
  end(*entry, state, now);
}

void Prober::on_trace(VpIndex vp, const queue::TraceResult& result, const Now& now) {
  const EntryPtr entry = under_way(result.head.task);
  if (!entry || entry->answer.key.sender != vp || entry->answer.key.dst != result.head.dst ||
      entry->answer.key.kind != probes::Kind::kTrace) {
    ++(result.head.task < next_id_ ? figures_.duplicates : figures_.unexpected);
    return;
  }
  Answer& answer = entry->answer;
  answer.packets = static_cast<std::uint32_t>(result.hops.size());
  const queue::TraceResult* whole = &result;
  queue::TraceResult joined;
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

void Prober::on_observation(VpIndex receiver, VpIndex sender, const queue::Observation& seen,
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
  answer.outcome = is_reply ? queue::Outcome::kReplied : queue::Outcome::kError;
  if (answer.sent_at != 0 && is_reply) {
    turnaround_.learn(sender, receiver, answer.key.dst, now.steady - answer.sent_at);
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

void Prober::limit_vp(VpIndex vp, double pps) { by_vp_[vp].set_rate(pps); }

void Prober::tell(Entry& entry) {
  const EntryPtr self = by_id_.at(entry.answer.id);
  for (const Waiter waiter : entry.waiters) news_.push_back({waiter, answer_of(self)});
}

void Prober::end(Entry& entry, Answer::State state, const Now& now) {
  if (entry.answer.sent_at == 0) --held_back_;
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
  answer.sent_at = now.steady;
  --held_back_;
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
  entry.overdue_at = now.steady + (is_trace ? kTracePatience : entry.patience);
  // A direct probe's end is told by its vantage point; a spoofed one's reply has nobody who would
  // say that it did not come.
  entry.silent_at =
      now.steady + (is_trace ? 4 * kTracePatience : timeout) + (answer.is_spoofed ? 0 : kGrace);
  alarms_.push({std::min(entry.overdue_at, entry.silent_at), answer.id});
}

bool Prober::release(Line& line, const Now& now, std::vector<Outgoing>& tasks) {
  using Verdict = Line::Verdict;
  const auto has = [&](Budget& budget, unsigned packets) {
    if (budget.has(packets, now.steady)) return true;
    budget_again_at_ = std::min(budget_again_at_, budget.when(packets, now.steady));
    return false;
  };
  return line.release(
      [](const EntryPtr& entry) { return entry->answer.sent_at != 0 || entry->answer.has_ended(); },
      [&](const Line::Lane& lane) {
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
    if (!entry) continue;
    if (now.steady >= entry->silent_at) {
      // That no reply came to a spoofed probe nobody tells; of another its vantage point would.
      end(*entry, entry->answer.is_spoofed ? Answer::State::kSilent : Answer::State::kFailed, now);
      continue;
    }
    if (entry->answer.state == Answer::State::kWaiting) {
      entry->answer.state = Answer::State::kOverdue;
      tell(*entry);
    }
    alarms_.push({entry->silent_at, entry->answer.id});
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

const ProberFigures& Prober::figures() const {
  figures_.held_back = held_back_;
  figures_.kept = by_age_.size();
  return figures_;
}

}  // namespace backsight::controller
