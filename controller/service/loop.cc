#include "controller/service/loop.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kLongestSleep = std::chrono::milliseconds(50);
// At the end, what the archive does not take by then is measured again after the next start.
constexpr std::chrono::milliseconds kArchivePatience{5000};
constexpr SteadyNs kQueuesEvery = 50 * kMillisecond;
constexpr SteadyNs kViewEvery = 200 * kMillisecond;

BrainConfig brain_config(const config::ControllerConfig& config, std::uint64_t first_probe) {
  BrainConfig brain;
  brain.measurement.most_probes = config.limits.probes_per_measurement;
  brain.measurement.most_time =
      static_cast<SteadyNs>(config.limits.measurement_time.count()) * kSecond;
  brain.probing.total_pps = static_cast<double>(config.limits.probes_per_second);
  brain.source_patience = static_cast<SteadyNs>(config.limits.source_patience.count()) * kSecond;
  brain.atlas_max_age = static_cast<SteadyNs>(config.atlas.max_age.count()) * kSecond;
  brain.first_probe_id = first_probe;
  return brain;
}

}  // namespace

Clock system_clock() {
  return {[] {
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            return static_cast<SteadyNs>(std::chrono::duration_cast<nanoseconds>(now).count());
          },
          [] { return unix_us(); }};
}

Loop::Loop(const config::ControllerConfig& config, ControllerFiles& files, ProbeIds probe_ids,
           OpenQueue open, const With& with, Clock clock)
    : with_(with),
      time_(std::move(clock)),
      probe_ids_(std::move(probe_ids)),
      brain_(brain_config(config, probe_ids_.first()),
             files.data.prefixes ? *files.data.prefixes : PrefixTable(),
             files.data.aliases ? *files.data.aliases : AliasTable()),
      fleet_(std::move(open), with.inbox),
      last_turn_(time_.steady_ns()) {
  if (files.data.imported) brain_.import_atlas(*std::exchange(files.data.imported, {}));
  deny(files.deny);
}

void Loop::deny(config::PrefixSet denied) {
  fleet_.deny(denied);
  brain_.deny(std::move(denied), {clock_.at(time_.steady_ns()), time_.unix_us()});
}

nanoseconds Loop::since_last_turn() const {
  return nanoseconds(time_.steady_ns() - last_turn_.load(std::memory_order_relaxed));
}

void Loop::run(const std::function<void()>& on_second) {
  SteadyNs second_at = 0;
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    turn(with_.inbox.take(time_to_sleep()));
    const SteadyNs real = time_.steady_ns();
    if (real < second_at) continue;
    second_at = real + kSecond;
    probe_ids_.reserve(brain_.next_probe_id());
    log_imports();
    on_second();
  }
  (void)with_.archive.wait_until_synced(archived_, kArchivePatience);
  with_.book.stop_waiting();
  fleet_.disconnect();
}

nanoseconds Loop::time_to_sleep() const {
  if (clock_.is_stopped()) return kLongestSleep;  // nothing becomes due
  const SteadyNs now = clock_.at(time_.steady_ns());
  const SteadyNs due = std::max(brain_.next_due(), now);
  return std::min(kLongestSleep, nanoseconds(std::min<SteadyNs>(due - now, INT64_MAX)));
}

void Loop::turn(Inbound inbound) {
  const SteadyNs real = time_.steady_ns();
  last_turn_.store(real, std::memory_order_relaxed);
  hold_or_go_on(real);
  const Now now{clock_.at(real), time_.unix_us()};
  take_in(std::move(inbound), now);
  if (real >= queues_at_) {
    queues_at_ = real + kQueuesEvery;
    check_queues(now);
  }
  brain_.advance(now, output_);
  give_out();
  fleet_.commit(archived_, with_.archive.synced());
  if (real >= view_at_) {
    view_at_ = real + kViewEvery;
    show(now);
  }
}

// While the archive takes nothing, results would pile up in memory, and their senders hold theirs
// back. So no more is asked then, and nobody's time runs, until all that came meanwhile is taken
// in.
void Loop::hold_or_go_on(SteadyNs real) {
  why_held_ = why_hold();
  if (!why_held_.empty()) return clock_.stop(real);
  if (!clock_.is_stopped()) return;
  if (fleet_.is_behind()) {
    why_held_ = "results that came meanwhile are being taken in";
    return;
  }
  clock_.go_on(real);
  send(std::exchange(held_tasks_, {}));
}

std::string Loop::why_hold() const {
  if (std::string fault = with_.watch.trouble(); !fault.empty()) return fault;
  if (std::string fault = with_.archive.why_not_writable(); !fault.empty()) return fault;
  if (!with_.archive.has_room()) return "the archive's disk is slower than what is measured";
  return probe_ids_.why_too_few(brain_.next_probe_id());
}

void Loop::take_in(Inbound inbound, const Now& now) {
  has_looked_ |= inbound.has_looked;
  for (DataFiles& it : inbound.files) take_files(std::move(it));
  for (const Announcement& it : inbound.announcements) take_announcement(it, now);
  for (const auto& [vp, message] : inbound.results) {
    brain_.on_results(fleet_.count_results(vp), message.results, now);
  }
  for (const Request& it : inbound.requests) brain_.submit(it, now);
  for (const std::uint64_t it : inbound.cancelled) brain_.cancel(it, now);
  for (const std::string& it : inbound.refresh) {
    if (const auto vp = brain_.vantage().by_name(it)) brain_.refresh_atlas(*vp, now);
  }
  for (const std::string& it : inbound.clear) {
    if (const auto vp = brain_.vantage().by_name(it)) brain_.clear_atlas(*vp);
  }
}

void Loop::take_files(DataFiles files) {
  if (files.prefixes) brain_.set_prefixes(*files.prefixes);
  if (files.aliases) brain_.add_aliases(*files.aliases);
  if (files.imported) brain_.import_atlas(std::move(*files.imported));
}

void Loop::take_announcement(const Announcement& announcement, const Now& now) {
  const VpIndex vp = brain_.on_announcement(announcement, now);
  if (!fleet_.connect(announcement.name, vp)) return;
  spdlog::info("vantage point {} ({}) is {}", announcement.name,
               probes::to_string(announcement.address),
               announcement.is_old ? "known and says nothing" : "there");
  brain_.set_link(vp, Fleet::kOpening, now);
}

// What keeps a queue from working is logged once, and nobody behind it is asked anything, or
// blamed.
void Loop::check_queues(const Now& now) {
  for (const auto& [vp, why_not] : fleet_.check()) brain_.set_link(vp, why_not, now);
  std::vector<std::string> troubles(fleet_.troubles().begin(), fleet_.troubles().end());
  if (std::string trouble = with_.watch.trouble(); !trouble.empty()) {
    const auto at = std::ranges::lower_bound(troubles, trouble);
    if (at == troubles.end() || *at != trouble) troubles.insert(at, std::move(trouble));
  }
  for (const std::string& it : troubles) {
    if (!std::ranges::binary_search(queue_troubles_, it)) spdlog::warn("{}; trying again", it);
  }
  if (troubles.empty() && !queue_troubles_.empty()) spdlog::info("the queue works again");
  queue_troubles_ = std::move(troubles);
}

void Loop::give_out() {
  send(std::move(output_.tasks));
  for (PingRecord& it : output_.pings) archived_ = with_.archive.append(std::move(it));
  for (TraceRecord& it : output_.traces) archived_ = with_.archive.append(std::move(it));
  for (RankedSpoofersRecord& it : output_.rankings) {
    archived_ = with_.archive.append(std::move(it));
  }
  for (const Request& it : output_.stand_ins) {
    with_.book.expect_one_more(it.batch, it.id);
    if (with_.book.is_cancelled(it.batch)) {
      with_.inbox.add([&](Inbound& in) { in.cancelled.push_back(it.id); });
    }
  }
  for (ReversePath& it : output_.ended) archived_ = with_.archive.append(std::move(it));
  output_.clear();
}

void Loop::send(std::vector<Prober::Outgoing> tasks) {
  if (clock_.is_stopped()) {
    held_tasks_.insert(held_tasks_.end(), tasks.begin(), tasks.end());
  } else {
    fleet_.send(tasks);
  }
}

void Loop::show(const Now& now) {
  View view = view_of(brain_, now, *with_.view.get());
  view.queue_troubles = queue_troubles_;
  view.has_looked = has_looked_;
  view.why_held = why_held_;
  view.figures.queue_troubles = queue_troubles_.size();
  view.figures.tasks_dropped = fleet_.tasks_dropped();
  view.figures.statuses_left_out = with_.watch.left_out();
  view.figures.is_held = clock_.is_stopped();
  with_.view.set(std::move(view));
}

// Which sources the imported traceroutes serve, whenever that is new.
void Loop::log_imports() {
  std::size_t without_source = brain_.atlases().imported();
  if (without_source == 0) return;
  std::string text = fmt::format("{} imported traceroutes", without_source);
  const char* between = ":";
  for (std::size_t i = 0; i < brain_.vantage().size(); ++i) {
    const auto index = static_cast<VpIndex>(i);
    const std::size_t its = brain_.atlases().imported_of(index);
    if (its == 0) continue;
    text += fmt::format("{} {} serve source {}", std::exchange(between, ","), its,
                        brain_.vantage().of(index).said.name);
    without_source -= std::min(its, without_source);
  }
  text += fmt::format("{} {} serve none, by their age or since no vantage point has the address",
                      between, without_source);
  if (text == imports_logged_) return;
  spdlog::info("{}", text);
  imports_logged_ = std::move(text);
}

}  // namespace backsight::controller
