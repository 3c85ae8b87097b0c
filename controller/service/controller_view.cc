// What other threads see of the controller: made anew by the thread that runs.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/service/controller.h"

namespace backsight::controller {

namespace {

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

void Controller::refresh_view(const Now& at) {
  View view;
  const VantageTable& vantage = brain_.vantage();
  const auto probes_under_way = brain_.probes_under_way();
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
    const auto under_way = probes_under_way.find(index);
    if (under_way != probes_under_way.end()) info.probes_under_way = under_way->second;
    view.vps.push_back(std::move(info));
  }
  for (const std::uint64_t id : brain_.begun()) view.begun.insert(id);
  view.figures = {brain_.figures(),
                  brain_.probing(),
                  brain_.under_way(),
                  brain_.waiting(),
                  brain_.open_circuits(at.steady),
                  brain_.atlases().contradicted(),
                  queue_troubles_.size(),
                  tasks_dropped_,
                  watch_->left_out(),
                  brain_.source_waits().size(),
                  clock_.is_stopped()};
  view.queue_troubles.assign(queue_troubles_.begin(), queue_troubles_.end());
  view.has_looked = has_looked_;
  view.why_held = why_held_;
  show_waiting(view, at);
  const std::lock_guard lock(view_mutex_);
  view_ = std::move(view);
}

// A source that is waited for is shown though it was never heard.
void Controller::show_waiting(View& view, const Now& at) {
  const SourceWaits& waits = brain_.source_waits();
  for (const SourceWaits::Line& line : waits.lines()) {
    auto source = std::ranges::find(view.sources, line.source, &SourceInfo::address);
    if (source == view.sources.end()) {
      view.sources.push_back({.name = probes::to_string(line.source),
                              .address = line.source,
                              .why_not = "it has not announced itself since the controller began"});
      source = view.sources.end() - 1;
    }
    source->why_not += fmt::format("{}{} requests wait for it", source->why_not.empty() ? "" : "; ",
                                   line.requests);
    const SteadyNs left = line.until - std::min(line.until, at.steady);
    view.waited_for[line.source] =
        fmt::format("source {}: {}; those that have waited longest end in {} s", source->name,
                    source->why_not, left / kSecond);
  }
  const bool is_known = waits.version() == std::exchange(waiting_version_, waits.version());
  view.waiting =
      is_known ? view_.waiting : std::make_shared<const View::Waiting>(waits.source_of());
}

}  // namespace backsight::controller
