#include "controller/service/controller.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/wall_clock.h"

namespace backsight::controller {

namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr nanoseconds kLongestSleep = std::chrono::milliseconds(50);
// At the end, what the archive does not take by then is measured again after the next start.
constexpr std::chrono::milliseconds kArchivePatience{5000};
constexpr SteadyNs kQueuesEvery = 50 * kMillisecond;
constexpr SteadyNs kViewEvery = 200 * kMillisecond;
constexpr std::uint64_t kReservedIds = 1 << 22;

std::int64_t steady_ns() {
  return duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

Controller::Controller(const config::ControllerConfig& config, ControllerFiles& files,
                       RequestBook& book, Archive& archive, IdSource probe_ids)
    : config_(config),
      book_(book),
      archive_(archive),
      probe_ids_(std::move(probe_ids)),
      brain_(brain_config(config, probe_ids_.next()),
             files.data.prefixes ? *files.data.prefixes : PrefixTable(),
             files.data.aliases ? *files.data.aliases : AliasTable()) {
  probe_ids_end_ = brain_.next_probe_id();
  reserve_probe_ids();
  if (files.data.imported) brain_.import_atlas(*std::exchange(files.data.imported, {}));
  deny(files.deny);
  last_turn_ns_ = steady_ns();
}

Controller::~Controller() = default;

// Numbers are ours before they are used, so that no later life gives them out again.
void Controller::reserve_probe_ids() {
  if (brain_.next_probe_id() + kReservedIds / 2 < probe_ids_end_) return;
  const auto first = probe_ids_.take(kReservedIds);
  if (first) probe_ids_end_ = *first + kReservedIds;
  const std::string fault = first ? "" : first.error().sentence;
  if (fault != probe_ids_fault_ && !first) spdlog::error("{}; trying again", fault);
  probe_ids_fault_ = fault;
}

void Controller::replace(DataFiles files) {
  inbox_.add([&](Inbound& in) { in.files.push_back(std::move(files)); });
}

void Controller::deny(config::PrefixSet denied) {
  for (auto& [name, link] : links_) link.link->deny(denied);
  {
    const std::lock_guard lock(view_mutex_);
    denied_ = denied;
  }
  brain_.deny(std::move(denied), {clock_.at(static_cast<SteadyNs>(steady_ns())), unix_us()});
}

void Controller::resume(const std::vector<Request>& requests,
                        const std::vector<std::uint64_t>& cancelled) {
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
    in.cancelled.insert(in.cancelled.end(), cancelled.begin(), cancelled.end());
  });
}

// --- the thread that runs ------------------------------------------------------------------------

void Controller::run() {
  auto watch = std::make_unique<VpWatch>(queue_opener(), inbox_);
  {
    const std::lock_guard lock(view_mutex_);
    watch_ = std::move(watch);
  }
  SteadyNs view_at = 0;
  SteadyNs queues_at = 0;
  SteadyNs second_at = 0;
  BrainOutput output;
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    const auto due = static_cast<std::int64_t>(std::min<SteadyNs>(brain_.next_due(), INT64_MAX));
    const auto brain_ns = static_cast<std::int64_t>(clock_.at(static_cast<SteadyNs>(steady_ns())));
    nanoseconds patience(std::clamp<std::int64_t>(due - brain_ns, 0, kLongestSleep.count()));
    if (clock_.is_stopped()) patience = kLongestSleep;  // nothing becomes due
    Inbound inbound = inbox_.take(patience);
    const auto real = static_cast<SteadyNs>(steady_ns());
    last_turn_ns_.store(static_cast<std::int64_t>(real), std::memory_order_relaxed);
    hold_or_go_on(real);
    const Now at{clock_.at(real), unix_us()};
    take_in(std::move(inbound), at);
    if (real >= queues_at) {
      queues_at = real + kQueuesEvery;
      mind_queues(at);
    }
    brain_.advance(at, output);
    give_out(output);
    output.clear();
    mark_safe();
    if (real >= view_at) {
      view_at = real + kViewEvery;
      refresh_view(at);
    }
    if (real >= second_at) {
      second_at = real + kSecond;
      reserve_probe_ids();
      tell_imports();
      if (on_second) on_second();
    }
  }
  (void)archive_.wait_until_synced(archived_, kArchivePatience);
  book_.stop_waiting();
  {
    const std::lock_guard lock(view_mutex_);
    std::swap(watch, watch_);
  }
  watch.reset();
  links_.clear();
}

void Controller::hear(const Announcement& said, const Now& at) {
  const VpIndex vp = brain_.hear(said, at);
  Link& link = links_[said.name];
  if (link.link) return;
  spdlog::info("vantage point {} ({}) is {}", said.name, probes::to_string(said.address),
               said.is_old ? "known and says nothing" : "there");
  link.vp = vp;
  link.link = std::make_unique<VpLink>(queue_opener(), said.name, inbox_);
  link.link->deny(denied_);
  set_link(link, "its queue is being opened", at);
  if (by_vp_.size() <= vp) by_vp_.resize(vp + 1U);
  by_vp_[vp] = &link;
}

void Controller::take_over(DataFiles files) {
  if (files.prefixes) brain_.set_prefixes(*files.prefixes);
  if (files.aliases) brain_.add_aliases(*files.aliases);
  if (files.imported) brain_.import_atlas(std::move(*files.imported));
}

// While the archive takes nothing, results would pile up in memory, and their senders hold theirs
// back. So no more is asked then, and nobody's time runs, until all that came meanwhile is taken
// in.
void Controller::hold_or_go_on(SteadyNs real) {
  why_held_ = why_hold();
  if (!why_held_.empty()) return clock_.stop(real);
  if (!clock_.is_stopped()) return;
  const bool is_behind =
      std::ranges::any_of(links_, [](const auto& it) { return it.second.link->is_behind(); });
  if (is_behind) {
    why_held_ = "results that came meanwhile are being taken in";
    return;
  }
  clock_.go_on(real);
  put(std::exchange(held_tasks_, {}));
}

std::string Controller::why_hold() const {
  if (std::string fault = watch_->trouble(); !fault.empty()) return fault;
  if (std::string fault = archive_.why_not_writable(); !fault.empty()) return fault;
  if (!archive_.has_room()) return "the archive's disk is slower than what is measured";
  if (brain_.next_probe_id() + kReservedIds / 4 >= probe_ids_end_) {
    return "numbers for probes cannot be reserved: " + probe_ids_fault_;
  }
  return {};
}

void Controller::take_in(Inbound inbound, const Now& at) {
  has_looked_ |= inbound.has_looked;
  for (DataFiles& it : inbound.files) take_over(std::move(it));
  for (const Announcement& it : inbound.announcements) hear(it, at);
  for (const auto& [vp, message] : inbound.results) {
    Link& link = links_.at(vp);
    ++link.taken;
    brain_.on_results(link.vp, message.results, at);
  }
  for (const Request& it : inbound.requests) brain_.submit(it, at);
  for (const std::uint64_t it : inbound.cancelled) brain_.cancel(it, at);
  for (const std::string& it : inbound.refresh) {
    if (const auto vp = brain_.vantage().by_name(it)) brain_.refresh_atlas(*vp, at);
  }
  for (const std::string& it : inbound.clear) {
    if (const auto vp = brain_.vantage().by_name(it)) brain_.clear_atlas(*vp);
  }
}

void Controller::give_out(BrainOutput& output) {
  if (clock_.is_stopped()) {
    held_tasks_.insert(held_tasks_.end(), output.tasks.begin(), output.tasks.end());
  } else {
    put(std::move(output.tasks));
  }
  for (PingRecord& it : output.pings) archived_ = archive_.append(std::move(it));
  for (TraceRecord& it : output.traces) archived_ = archive_.append(std::move(it));
  for (RankedSpoofersRecord& it : output.rankings) archived_ = archive_.append(std::move(it));
  for (const Request& it : output.stand_ins) {
    book_.expect_one_more(it.batch, it.id);
    if (book_.is_cancelled(it.batch)) {
      inbox_.add([&](Inbound& in) { in.cancelled.push_back(it.id); });
    }
  }
  for (ReversePath& it : output.ended) archived_ = archive_.append(std::move(it));
}

void Controller::put(std::vector<Prober::Outgoing> tasks) {
  std::unordered_map<VpIndex, std::vector<tasks::Task>> by_vp;
  for (const auto& [vp, task] : tasks) by_vp[vp].push_back(task);
  for (auto& [vp, its] : by_vp) by_vp_[vp]->link->put(std::move(its));
}

// What vantage points handed over is committed once all that came of it is on the disk.
void Controller::mark_safe() {
  const std::uint64_t synced = archive_.synced();
  for (auto& [name, link] : links_) {
    const bool has_new =
        link.unsafe.empty() ? link.taken > link.safe : link.unsafe.back().second < link.taken;
    if (has_new) link.unsafe.emplace_back(archived_, link.taken);
    while (!link.unsafe.empty() && link.unsafe.front().first <= synced) {
      link.safe = link.unsafe.front().second;
      link.unsafe.pop_front();
      link.link->mark_safe(link.safe);
    }
  }
}

// Which sources the imported traceroutes serve, whenever that is new.
void Controller::tell_imports() {
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
  if (text == imports_told_) return;
  spdlog::info("{}", text);
  imports_told_ = std::move(text);
}

// --- what users ask ------------------------------------------------------------------------------

std::optional<RequestFault> Controller::fault_of(const Request& request,
                                                 const config::BogonPolicy& bogons) const {
  using Why = RequestFault::Why;
  const auto said = [](Why why, std::string sentence) {
    return RequestFault{0, why, std::move(sentence)};
  };
  const auto source = std::ranges::find(view_.sources, request.src, &SourceInfo::address);
  if (source == view_.sources.end() && !view_.has_looked) {
    return said(Why::kNotReady, "the controller has just started and knows no vantage point yet");
  }
  if (source == view_.sources.end()) {
    std::vector<std::string> names;
    for (const SourceInfo& it : view_.sources) names.push_back(it.name);
    return said(Why::kUnknownSource,
                fmt::format("no source {}; known: {}", probes::to_string(request.src),
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
  }
  if (!source->is_ready) {
    return said(Why::kNotReady,
                fmt::format("source {} cannot be measured for: {}", source->name, source->why_not));
  }
  if (bogons.refuses(request.dst)) {
    return said(Why::kBadDestination,
                fmt::format("{} is private or reserved: it cannot be reached over the Internet; "
                            "name a public IPv4 address",
                            probes::to_string(request.dst)));
  }
  if (denied_.contains(request.dst)) {
    return said(Why::kBadDestination,
                fmt::format("{} is on the deny list of this controller and is never probed",
                            probes::to_string(request.dst)));
  }
  if (request.dst == request.src) {
    return said(Why::kBadDestination, "source and destination are the same address");
  }
  return std::nullopt;
}

tl::expected<Accepted, RequestFaults> Controller::submit(std::vector<Request> requests) {
  RequestFaults faults;
  std::size_t measured = 0;
  std::string trouble;
  {
    const std::lock_guard lock(view_mutex_);
    if (watch_) trouble = watch_->trouble();
    std::vector<probes::Ipv4Addr> own;
    for (const SourceInfo& it : view_.sources) own.push_back(it.address);
    const config::BogonPolicy bogons(config_.allow_bogons, own);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!requests[i].refused.empty()) continue;
      if (auto fault = fault_of(requests[i], bogons)) {
        fault->item = i;
        requests[i].refused = fault->sentence;
        faults.push_back(std::move(*fault));
      } else {
        ++measured;
      }
    }
  }
  if (measured == 0) return tl::unexpected(std::move(faults));
  const auto refuse_all = [](RequestFault::Why why, std::string sentence) {
    return tl::unexpected(RequestFaults{{0, why, std::move(sentence)}});
  };
  if (!trouble.empty()) return refuse_all(RequestFault::Why::kNotReady, std::move(trouble));
  if (book_.under_way() + measured > config_.limits.max_under_way) {
    return refuse_all(RequestFault::Why::kBusy,
                      fmt::format("{} reverse traceroutes are under way, and no more than {} may "
                                  "be; try again later",
                                  book_.under_way(), config_.limits.max_under_way));
  }
  if (auto why = why_not_storable(); !why.empty()) {
    return refuse_all(RequestFault::Why::kStorage, std::move(why));
  }
  if (is_stopping_.load(std::memory_order_relaxed)) {
    return refuse_all(RequestFault::Why::kNotReady,
                      "the controller is stopping; ask again when it has started anew");
  }
  const auto batch = book_.accept(requests);
  if (!batch) return refuse_all(RequestFault::Why::kStorage, batch.error().sentence);
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
    // Who knew the number before we told it has cancelled nothing but the book's entry.
    if (!book_.is_cancelled(*batch)) return;
    for (const Request& it : requests) in.cancelled.push_back(it.id);
  });
  return Accepted{*batch, std::move(faults)};
}

// What could not be archived could not be shown.
std::string Controller::why_not_storable() const {
  std::string fault = archive_.why_not_writable();
  if (fault.empty() && !archive_.has_room()) fault = "its disk is slower than what is measured";
  return fault.empty() ? "" : "nothing can be archived now: " + fault;
}

std::optional<BatchProgress> Controller::progress(std::uint64_t batch, std::size_t first) const {
  return with_waiting(book_.progress(batch, first));
}

std::optional<BatchProgress> Controller::wait_for_more(std::uint64_t batch, std::size_t first,
                                                       std::chrono::milliseconds patience) const {
  return with_waiting(book_.wait_for_more(batch, first, patience));
}

std::optional<BatchProgress> Controller::with_waiting(std::optional<BatchProgress> progress) const {
  if (!progress) return progress;
  const std::lock_guard lock(view_mutex_);
  for (const std::uint64_t id : progress->open) {
    if (!view_.begun.contains(id)) progress->waiting.push_back(id);
    const auto waits = view_.waiting->find(id);
    if (waits != view_.waiting->end()) {
      progress->waiting_for.emplace(id, view_.waited_for.at(waits->second));
    } else if (!view_.why_held.empty()) {
      progress->waiting_for.emplace(id, view_.why_held);
    }
  }
  return progress;
}

tl::expected<void, std::string> Controller::cancel(std::uint64_t batch) {
  const auto cancelled = book_.cancel(batch);
  if (cancelled && !*cancelled) return {};
  const auto open = book_.open_of(batch);
  inbox_.add(
      [&](Inbound& in) { in.cancelled.insert(in.cancelled.end(), open.begin(), open.end()); });
  if (cancelled) return {};
  return tl::unexpected(
      fmt::format("it ends as cancelled, and would be measured again if the controller died now: "
                  "{}; ask again",
                  cancelled.error().sentence));
}

std::vector<EndedPath> Controller::with_label(const std::string& user, const std::string& label,
                                              std::size_t most) const {
  return book_.with_label(user, label, most);
}

std::vector<SourceInfo> Controller::sources() const {
  const std::lock_guard lock(view_mutex_);
  return view_.sources;
}

std::vector<VantagePointInfo> Controller::vantage_points() const {
  const std::lock_guard lock(view_mutex_);
  return view_.vps;
}

bool Controller::refresh_atlas(const std::string& source) {
  const auto known = sources();
  if (std::ranges::find(known, source, &SourceInfo::name) == known.end()) return false;
  inbox_.add([&](Inbound& in) { in.refresh.push_back(source); });
  return true;
}

bool Controller::clear_atlas(const std::string& source) {
  const auto known = sources();
  if (std::ranges::find(known, source, &SourceInfo::name) == known.end()) return false;
  inbox_.add([&](Inbound& in) { in.clear.push_back(source); });
  return true;
}

Service::Usage Controller::usage(const std::string& user) const { return book_.usage(user); }

Controller::Figures Controller::figures() const {
  const std::lock_guard lock(view_mutex_);
  return view_.figures;
}

std::vector<std::string> Controller::troubles() const {
  const std::lock_guard lock(view_mutex_);
  std::vector<std::string> found = view_.queue_troubles;
  if (!view_.why_held.empty()) found.push_back("measuring stands still: " + view_.why_held);
  for (const auto& [source, sentence] : view_.waited_for) found.push_back(sentence);
  return found;
}

nanoseconds Controller::since_last_turn() const {
  return nanoseconds(steady_ns() - last_turn_ns_.load(std::memory_order_relaxed));
}

}  // namespace backsight::controller
