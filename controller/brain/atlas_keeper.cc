#include "controller/brain/atlas_keeper.h"

#include <algorithm>
#include <utility>

#include "controller/measurement/responders.h"
#include "controller/measurement/route_split.h"

namespace backsight::controller {

namespace {

using probes::Ipv4Addr;
using probes::Kind;

constexpr SteadyNs kLook = kSecond;
constexpr SteadyNs kFirstPause = 5 * kSecond;
constexpr std::uint8_t kMostDoublings = 10;
// For a route whose probe was not sent.
constexpr SteadyNs kAskAgain = kMinute;
// Vantage points that ask a hop for its way to the source, beside the source itself.
constexpr std::size_t kSpoofers = 2;
constexpr std::uint8_t kFarTtl = 7;

// The routers up to the destination.
std::vector<Ipv4Addr> hops_of(const std::vector<tasks::Hop>& attempts, Ipv4Addr destination) {
  std::vector<Ipv4Addr> hops = responders(attempts);
  const auto end = std::ranges::find(hops, destination);
  hops.erase(end, hops.end());
  return hops;
}

}  // namespace

void AtlasKeeper::import(std::vector<TraceRecord> traces) {
  imported_.clear();
  import_size_ = 0;
  ++import_number_;
  look_at_ = next_at_ = 0;
  for (const TraceRecord& it : traces) {
    if (it.outcome != tasks::Outcome::kReached) continue;
    ++import_size_;
    imported_[it.dst].push_back(
        {{it.id, kNoVp, it.src, 0, hops_of(it.hops, it.dst), 0}, it.started_unix_us});
  }
  // Of several from one place the newest stays.
  for (auto& [dst, its] : imported_) {
    std::ranges::stable_sort(its, {}, &Imported::started_unix_us);
  }
}

std::size_t AtlasKeeper::imported_of(VpIndex vp) const {
  const auto at = sources_.find(vp);
  return at == sources_.end() ? 0 : at->second.imported;
}

void AtlasKeeper::take_imported(Source& source, const Now& now) {
  if (std::exchange(source.import_taken, import_number_) == import_number_) return;
  source.imported = 0;
  const auto found = imported_.find(source.atlas->source());
  if (found == imported_.end()) return;
  for (const Imported& it : found->second) {
    const std::uint64_t age_us =
        now.unix_us > it.started_unix_us ? now.unix_us - it.started_unix_us : 0;
    if (age_us >= max_age_ / 1000) continue;
    // Where the steady clock is younger than the trace, the trace is as old as that.
    AtlasTrace trace = it.trace;
    trace.at = std::max(now.steady, age_us * 1000 + 1) - age_us * 1000;
    source.atlas->add(std::move(trace));
    ++source.imported;
  }
  source.routes_due = 0;
}

AtlasKeeper::Source& AtlasKeeper::source(VpIndex vp) {
  Source& source = sources_[vp];
  const Ipv4Addr address = vantage_.of(vp).said.address;
  if (!source.atlas || source.atlas->source() != address) {
    const bool is_wanted = source.is_wanted;
    source = {};
    source.is_wanted = is_wanted;
    source.atlas = std::make_unique<SourceAtlas>(address, aliases_);
  }
  return source;
}

const SourceAtlas* AtlasKeeper::of(VpIndex vp) const {
  const auto at = sources_.find(vp);
  return at == sources_.end() ? nullptr : at->second.atlas.get();
}

SourceAtlas* AtlasKeeper::of(VpIndex vp) {
  const auto at = sources_.find(vp);
  return at == sources_.end() ? nullptr : at->second.atlas.get();
}

void AtlasKeeper::want(VpIndex vp, const Now& now) {
  Source& it = source(vp);
  if (std::exchange(it.is_wanted, true)) return;
  note_news(it, now);
}

void AtlasKeeper::look_again(const Now& now) {
  for (auto& [vp, it] : sources_) note_news(it, now);
}

void AtlasKeeper::note_news(Source& it, const Now& now) {
  it.has_news = true;
  it.routes_due = 0;
  next_at_ = std::min(next_at_, now.steady);
}

void AtlasKeeper::trace(VpIndex from, VpIndex to, Task& task, const Now& now) {
  task.is_under_way = true;
  (void)prober_.ask({.sender = from,
                     .receiver = from,
                     .kind = Kind::kTrace,
                     .src = vantage_.of(from).said.address,
                     .dst = vantage_.of(to).said.address,
                     .priority = Priority::kBackground},
                    now);
}

void AtlasKeeper::advance(const Now& now) {
  if (now.steady < next_at_) return;
  const bool looks_at_all = now.steady >= look_at_;
  if (looks_at_all) look_at_ = now.steady + kLook;
  next_at_ = look_at_;
  for (std::size_t i = 0; i < vantage_.size(); ++i) {
    const auto vp = static_cast<VpIndex>(i);
    if (!vantage_.is_usable(vp)) continue;
    Source& it = source(vp);
    if (!it.is_wanted || (!std::exchange(it.has_news, false) && !looks_at_all)) continue;
    take_imported(it, now);
    const bool is_denied = prober_.denied().contains(it.atlas->source());
    for (std::size_t j = 0; j < vantage_.size() && !is_denied; ++j) {
      const auto other = static_cast<VpIndex>(j);
      if (other == vp || !vantage_.is_usable(other) ||
          !vantage_.of(other).can(Capability::kTrace)) {
        continue;
      }
      Task& task = it.tasks[other];
      if (!task.is_under_way && task.due <= now.steady) trace(other, vp, task, now);
    }
    ask_routes(vp, it, now);
  }
}

// Record Route to each hop, as the source: from the source, and from those who pass the hop early.
void AtlasKeeper::ask_routes(VpIndex vp, Source& it, const Now& now) {
  if (now.steady < it.routes_due) return;
  const SteadyNs oldest = now.steady > max_age_ ? now.steady - max_age_ : 0;
  const SteadyNs pause = max_age_ / 4;
  const auto routeless = it.atlas->hops_without_route(oldest);
  it.routes_due = now.steady + pause;
  if (routeless.oldest_answer) {
    it.routes_due = std::min(it.routes_due, *routeless.oldest_answer + max_age_ + 1);
  }
  const config::PrefixSet& denied = prober_.denied();
  std::vector<VpIndex> spoofers;
  if (!denied.contains(it.atlas->source())) spoofers = vantage_.spoofers_for(vp);
  for (const Ipv4Addr hop : routeless.hops) {
    if (denied.contains(hop)) continue;
    SteadyNs& ask_at = it.ask_at[hop];
    if (now.steady < ask_at) {
      it.routes_due = std::min(it.routes_due, ask_at);
      continue;
    }
    ask_at = now.steady + pause;
    std::vector<std::pair<std::uint8_t, VpIndex>> near;
    for (const VpIndex spoofer : spoofers) {
      const std::uint8_t ttl = it.atlas->ttl_of(spoofer, hop);
      if (ttl != 0 && ttl <= kFarTtl) near.emplace_back(ttl, spoofer);
    }
    for (const Candidate& candidate : ranking_.rank(hop, spoofers, now.steady)) {
      if (candidate.distance != 0) near.emplace_back(candidate.distance, candidate.vp);
    }
    std::ranges::sort(near);
    std::vector<VpIndex> senders;
    if (ranking_.look_up(vp, hop, now.steady).distance <= kMostSlotsUsed) senders.push_back(vp);
    const std::size_t most = senders.size() + kSpoofers;
    for (const auto& [distance, spoofer] : near) {
      if (senders.size() < most && std::ranges::count(senders, spoofer) == 0) {
        senders.push_back(spoofer);
      }
    }
    for (const VpIndex sender : senders) {
      (void)prober_.ask({.sender = sender,
                         .receiver = vp,
                         .kind = Kind::kRecordRoute,
                         .src = it.atlas->source(),
                         .dst = hop,
                         .max_age = max_age_,
                         .priority = Priority::kBackground},
                        now);
    }
  }
}

void AtlasKeeper::on_trace(const Answer& answer, const Now& now) {
  const auto to = vantage_.by_address(answer.key.dst);
  if (!to) return;
  const auto at = sources_.find(*to);
  if (at == sources_.end()) return;
  const VpIndex from = answer.key.sender;
  Task& task = at->second.tasks[from];
  task.is_under_way = false;
  if (prober_.denied().contains(answer.key.dst)) {
    task.due = now.steady;  // as soon as it may be
    return;
  }
  if (answer.state == Answer::State::kFailed) {
    task.due = now.steady + kFirstPause;  // that tells nothing of the way
    return;
  }
  if (answer.outcome != tasks::Outcome::kReached) {
    task.due = now.steady + (kFirstPause << task.failures);
    task.failures =
        std::min<std::uint8_t>(static_cast<std::uint8_t>(task.failures + 1), kMostDoublings);
    return;
  }
  task.failures = 0;
  // Renewed before it is too old, and not all at once.
  task.due = now.steady + max_age_ / 4 * 3 + max_age_ / 64 * (from % 16U);
  at->second.atlas->add(
      {answer.id, from, answer.key.src, now.steady, hops_of(answer.hops, answer.key.dst), 0});
  note_news(at->second, now);
}

void AtlasKeeper::on_route(const Answer& answer, const Now& now) {
  const auto vp = vantage_.by_address(answer.key.src);
  SourceAtlas* const atlas = vp ? of(*vp) : nullptr;
  if (atlas == nullptr || !atlas->has_hop(answer.key.dst)) return;
  const RouteSplit split = split_route(answer.recorded, answer.key.dst, answer.key.src, aliases_);
  if (split.by != RouteSplit::By::kTarget && split.by != RouteSplit::By::kLastMile) return;
  atlas->add_route(answer.key.dst, split.reverse(), split.is_complete, now.steady);
}

void AtlasKeeper::on_failed(const Answer& answer, const Now& now) {
  const auto vp = vantage_.by_address(answer.key.src);
  const auto at = vp ? sources_.find(*vp) : sources_.end();
  if (at == sources_.end()) return;
  const auto hop = at->second.ask_at.find(answer.key.dst);
  if (hop == at->second.ask_at.end()) return;
  hop->second = std::min(hop->second, now.steady + kAskAgain);
  at->second.routes_due = std::min(at->second.routes_due, hop->second);
}

void AtlasKeeper::on_seen_in_a_row(VpIndex vp, Ipv4Addr from, Ipv4Addr to, const Now& now) {
  const auto at = sources_.find(vp);
  if (at == sources_.end()) return;
  for (const AtlasTrace* const refuted : at->second.atlas->contradict(from, to)) {
    ++contradicted_;
    for (const Ipv4Addr hop : refuted->hops) at->second.ask_at.erase(hop);
    at->second.routes_due = 0;
    if (refuted->vp == kNoVp) continue;
    at->second.tasks[refuted->vp].due = now.steady;
    note_news(at->second, now);
  }
}

void AtlasKeeper::refresh(VpIndex vp, const Now& now) {
  Source& it = source(vp);
  for (auto& [other, task] : it.tasks) task.due = now.steady;
  it.ask_at.clear();
  note_news(it, now);
}

void AtlasKeeper::clear(VpIndex vp) {
  const auto at = sources_.find(vp);
  if (at == sources_.end()) return;
  at->second.atlas->clear();
  at->second.routes_due = 0;
  at->second.import_taken = 0;
}

}  // namespace backsight::controller
