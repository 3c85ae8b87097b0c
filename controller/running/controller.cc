#include "controller/running/controller.h"

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
// How often the archive is asked for what waits to be shown.
constexpr nanoseconds kArchivePoll = std::chrono::milliseconds(1);
// At the end, what the archive does not take by then is shown without.
constexpr std::chrono::milliseconds kArchivePatience{5000};
constexpr SteadyNs kQueuesEvery = 50 * kMillisecond;
constexpr SteadyNs kViewEvery = 200 * kMillisecond;
constexpr std::uint64_t kReservedIds = 1 << 22;

std::int64_t steady_ns() {
  return duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Now now() { return {static_cast<SteadyNs>(steady_ns()), unix_us()}; }

BrainConfig brain_config(const config::ControllerConfig& config, std::uint64_t first_probe) {
  BrainConfig brain;
  brain.measurement.most_probes = config.limits.probes_per_measurement;
  brain.measurement.most_time =
      static_cast<SteadyNs>(config.limits.measurement_time.count()) * kSecond;
  brain.probing.total_pps = static_cast<double>(config.limits.probes_per_second);
  brain.atlas_max_age = static_cast<SteadyNs>(config.atlas.max_age.count()) * kSecond;
  brain.first_probe_id = first_probe;
  return brain;
}

// The first number that no earlier life can have used.
std::uint64_t first_of(IdSource& ids) {
  const auto first = ids.take();
  return first ? *first : 1;
}

std::string_view name(VantagePoint::State state) {
  switch (state) {
    case VantagePoint::State::kTesting:
      return "testing";
    case VantagePoint::State::kReady:
      return "ready";
    case VantagePoint::State::kSilent:
      return "silent";
    case VantagePoint::State::kQuarantined:
      return "quarantined";
  }
  return "unknown";
}

}  // namespace

Controller::Controller(const config::ControllerConfig& config, ControllerFiles& files,
                       RequestBook& book, Archive& archive, IdSource probe_ids)
    : config_(config),
      deny_(files.deny),
      book_(book),
      archive_(archive),
      probe_ids_(std::move(probe_ids)),
      brain_(brain_config(config, first_of(probe_ids_)),
             files.data.prefixes ? *files.data.prefixes : PrefixTable(),
             files.data.aliases ? *files.data.aliases : AliasTable()) {
  probe_ids_end_ = brain_.next_probe_id();
  reserve_probe_ids();
  if (files.data.imported) brain_.import_atlas(*std::exchange(files.data.imported, {}));
  last_turn_ns_ = steady_ns();
}

Controller::~Controller() = default;

// Numbers are ours before they are used, so that no later life gives them out again.
void Controller::reserve_probe_ids() {
  if (brain_.next_probe_id() + kReservedIds / 2 < probe_ids_end_) return;
  if (const auto first = probe_ids_.take(kReservedIds)) {
    probe_ids_end_ = *first + kReservedIds;
  } else {
    spdlog::error("{}", first.error().sentence);
  }
}

void Controller::replace(DataFiles files) {
  inbox_.add([&](Inbound& in) { in.files.push_back(std::move(files)); });
}

void Controller::resume(const std::vector<Request>& requests) {
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
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
    const nanoseconds longest = unshown_.empty() ? kLongestSleep : kArchivePoll;
    const nanoseconds patience(std::clamp<std::int64_t>(due - steady_ns(), 0, longest.count()));
    Inbound inbound = inbox_.take(patience);
    const Now at = now();
    last_turn_ns_.store(static_cast<std::int64_t>(at.steady), std::memory_order_relaxed);
    take_in(std::move(inbound), at);
    if (at.steady >= queues_at) {
      queues_at = at.steady + kQueuesEvery;
      mind_queues(at);
    }
    brain_.advance(at, output);
    give_out(output);
    output.clear();
    show_archived();
    mark_safe();
    if (at.steady >= view_at) {
      view_at = at.steady + kViewEvery;
      refresh_view(at);
    }
    if (at.steady >= second_at) {
      second_at = at.steady + kSecond;
      reserve_probe_ids();
      tell_imports();
      if (on_second) on_second();
    }
  }
  (void)archive_.wait_until_synced(archived_, kArchivePatience);
  for (auto& [record, path] : unshown_) book_.end(std::move(path));
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
  spdlog::info("vantage point {} ({}) is there", said.name, probes::to_string(said.address));
  link.vp = vp;
  link.link = std::make_unique<VpLink>(queue_opener(), said.name, inbox_);
  set_link(link, "its queue is being opened", at);
  if (by_vp_.size() <= vp) by_vp_.resize(vp + 1U);
  by_vp_[vp] = &link;
}

void Controller::take_over(DataFiles files) {
  if (files.prefixes) brain_.set_prefixes(*files.prefixes);
  if (files.aliases) brain_.add_aliases(*files.aliases);
  if (files.imported) brain_.import_atlas(std::move(*files.imported));
}

void Controller::take_in(Inbound inbound, const Now& at) {
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
  std::unordered_map<VpIndex, std::vector<queue::Task>> tasks;
  for (const auto& [vp, task] : output.tasks) tasks[vp].push_back(task);
  for (auto& [vp, its] : tasks) by_vp_[vp]->link->put(std::move(its));
  for (PingRecord& it : output.pings) archived_ = archive_.append(std::move(it));
  for (TraceRecord& it : output.traces) archived_ = archive_.append(std::move(it));
  for (RankedSpoofersRecord& it : output.rankings) archived_ = archive_.append(std::move(it));
  for (const Request& it : output.stand_ins) book_.expect_one_more(it.batch, it.id);
  for (ReversePath& it : output.ended) {
    archived_ = archive_.append(it);
    unshown_.emplace_back(archived_, std::move(it));
  }
}

// While the archive's disk refuses, users need not wait for it.
void Controller::show_archived() {
  if (unshown_.empty()) return;
  const std::uint64_t shown = archive_.is_failing() ? archived_ : archive_.synced();
  while (!unshown_.empty() && unshown_.front().first <= shown) {
    book_.end(std::move(unshown_.front().second));
    unshown_.pop_front();
  }
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

void Controller::refresh_view(const Now& at) {
  View view;
  const VantageTable& vantage = brain_.vantage();
  for (std::size_t i = 0; i < vantage.size(); ++i) {
    const auto index = static_cast<VpIndex>(i);
    const VantagePoint& vp = vantage.of(index);
    const std::uint64_t age_us = (at.steady - std::min(vp.heard_at, at.steady)) / 1000;
    SourceInfo source{.name = vp.said.name, .address = vp.said.address, .why_not = {}};
    const auto why_not = vantage.why_no_source(index);
    source.is_ready = !why_not;
    source.why_not = why_not.value_or("");
    source.atlas_imported = brain_.atlases().imported_of(index);
    if (const SourceAtlas* const atlas = brain_.atlases().of(index)) {
      source.atlas_traceroutes = atlas->traces().size();
      source.atlas_hops = atlas->hop_count();
      for (const AtlasTrace& trace : atlas->traces()) {
        const std::uint64_t unix_us =
            at.unix_us - (at.steady - std::min(trace.at, at.steady)) / 1000;
        if (source.atlas_oldest_unix_us == 0 || unix_us < source.atlas_oldest_unix_us) {
          source.atlas_oldest_unix_us = unix_us;
        }
      }
    }
    view.sources.push_back(std::move(source));
    VantagePointInfo info{.name = vp.said.name,
                          .address = vp.said.address,
                          .asn = brain_.prefixes().asn(vp.said.address),
                          .state = std::string(name(vp.state)),
                          .why = vp.said.is_ready ? "" : vp.said.why_not};
    const auto works = [&](Capability what) { return vp.of(what).works; };
    info.can_ping = works(Capability::kPing);
    info.can_record_route = works(Capability::kRecordRoute);
    info.can_timestamp = works(Capability::kTimestamp);
    info.can_trace = works(Capability::kTrace);
    info.can_spoof = works(Capability::kSpoof);
    info.receives_spoofed = works(Capability::kReceiveSpoofed);
    info.last_heard_unix_us = at.unix_us - age_us;
    view.vps.push_back(std::move(info));
  }
  view.figures = {brain_.figures(),
                  brain_.probing(),
                  brain_.under_way(),
                  brain_.open_circuits(at.steady),
                  brain_.atlases().contradicted(),
                  queue_troubles_.size(),
                  tasks_dropped_,
                  watch_->left_out()};
  view.queue_troubles.assign(queue_troubles_.begin(), queue_troubles_.end());
  const std::lock_guard lock(view_mutex_);
  view_ = std::move(view);
}

// --- what users ask ------------------------------------------------------------------------------

std::optional<RequestFault> Controller::fault_of(const Request& request,
                                                 const config::BogonPolicy& bogons) const {
  using Why = RequestFault::Why;
  const auto said = [](Why why, std::string sentence) {
    return RequestFault{0, why, std::move(sentence)};
  };
  const auto source = std::ranges::find(view_.sources, request.src, &SourceInfo::address);
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
  if (deny_.contains(request.dst)) {
    return said(Why::kBadDestination,
                fmt::format("{} is on the deny list of this controller and is never probed",
                            probes::to_string(request.dst)));
  }
  if (request.dst == request.src) {
    return said(Why::kBadDestination, "source and destination are the same address");
  }
  return std::nullopt;
}

tl::expected<std::uint64_t, std::vector<RequestFault>> Controller::submit(
    std::vector<Request> requests) {
  std::vector<RequestFault> faults;
  {
    const std::lock_guard lock(view_mutex_);
    std::vector<probes::Ipv4Addr> own;
    for (const SourceInfo& it : view_.sources) own.push_back(it.address);
    const config::BogonPolicy bogons(config_.allow_bogons, own);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (auto fault = fault_of(requests[i], bogons)) {
        fault->item = i;
        faults.push_back(std::move(*fault));
      }
    }
  }
  if (faults.empty() && watch_ && !watch_->trouble().empty()) {
    faults.push_back({0, RequestFault::Why::kNotReady, watch_->trouble()});
  }
  if (faults.empty() && book_.under_way() + requests.size() > config_.limits.max_under_way) {
    faults.push_back({0, RequestFault::Why::kBusy,
                      fmt::format("{} reverse traceroutes are under way, and no more than {} may "
                                  "be; try again later",
                                  book_.under_way(), config_.limits.max_under_way)});
  }
  if (!faults.empty() || requests.empty()) return tl::unexpected(std::move(faults));
  const auto batch = book_.accept(requests);
  if (!batch) {
    return tl::unexpected(
        std::vector<RequestFault>{{0, RequestFault::Why::kStorage, batch.error().sentence}});
  }
  inbox_.add([&](Inbound& in) {
    in.requests.insert(in.requests.end(), requests.begin(), requests.end());
  });
  return *batch;
}

std::optional<BatchProgress> Controller::progress(std::uint64_t batch, std::size_t first) const {
  return book_.progress(batch, first);
}

std::optional<BatchProgress> Controller::wait_for_more(std::uint64_t batch, std::size_t first,
                                                       std::chrono::milliseconds patience) const {
  return book_.wait_for_more(batch, first, patience);
}

void Controller::cancel(std::uint64_t batch) {
  const auto open = book_.open_of(batch);
  if (!book_.cancel(batch)) return;
  inbox_.add(
      [&](Inbound& in) { in.cancelled.insert(in.cancelled.end(), open.begin(), open.end()); });
}

std::vector<ReversePath> Controller::with_label(const std::string& user, const std::string& label,
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
  return view_.queue_troubles;
}

nanoseconds Controller::since_last_turn() const {
  return nanoseconds(steady_ns() - last_turn_ns_.load(std::memory_order_relaxed));
}

}  // namespace backsight::controller
