#include "controller/service/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

SourceInfo source_of(const Brain& brain, VpIndex index, const Now& now) {
  const VantageTable& vantage = brain.vantage();
  const VantagePoint& vp = vantage.of(index);
  SourceInfo source{.name = vp.said.name, .address = vp.said.address, .why_not = {}};
  const auto why_not = vantage.why_no_source(index);
  source.is_ready = !why_not;
  source.why_not = why_not.value_or("");
  source.atlas_imported = brain.atlases().imported_of(index);
  const SourceAtlas* const atlas = brain.atlases().of(index);
  if (atlas == nullptr) return source;
  source.atlas_traceroutes = atlas->traces().size();
  source.atlas_hops = atlas->hop_count();
  for (const AtlasTrace& trace : atlas->traces()) {
    const std::uint64_t unix_us =
        now.unix_us - (now.steady - std::min(trace.at, now.steady)) / 1000;
    if (source.atlas_oldest_unix_us == 0 || unix_us < source.atlas_oldest_unix_us) {
      source.atlas_oldest_unix_us = unix_us;
    }
  }
  return source;
}

VantagePointInfo info_of(const Brain& brain, const VantagePoint& vp, const Now& now) {
  VantagePointInfo info{.name = vp.said.name,
                        .address = vp.said.address,
                        .asn = brain.prefixes().asn(vp.said.address),
                        .state = std::string(name(vp.state)),
                        .why = vp.said.is_ready ? "" : vp.said.why_not};
  const auto works = [&](Capability what) { return vp.of(what).works; };
  info.can_ping = works(Capability::kPing);
  info.can_record_route = works(Capability::kRecordRoute);
  info.can_timestamp = works(Capability::kTimestamp);
  info.can_trace = works(Capability::kTrace);
  info.can_spoof = works(Capability::kSpoof);
  info.receives_spoofed = works(Capability::kReceiveSpoofed);
  info.last_heard_unix_us = now.unix_us - (now.steady - std::min(vp.heard_at, now.steady)) / 1000;
  return info;
}

// A source that is waited for is shown though it was never heard.
void show_waiting(View& view, const SourceWaits& waits, const Now& now, const View& before) {
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
    const SteadyNs left = line.until - std::min(line.until, now.steady);
    view.waited_for[line.source] =
        fmt::format("source {}: {}; those that have waited longest end in {} s", source->name,
                    source->why_not, left / kSecond);
  }
  view.waiting_version = waits.version();
  view.waiting = view.waiting_version == before.waiting_version
                     ? before.waiting
                     : std::make_shared<const View::Waiting>(waits.source_of());
}

}  // namespace

View view_of(const Brain& brain, const Now& now, const View& before) {
  View view;
  view.queue_troubles = before.queue_troubles;
  view.has_looked = before.has_looked;
  view.why_held = before.why_held;
  const auto probes_under_way = brain.probes_under_way();
  for (std::size_t i = 0; i < brain.vantage().size(); ++i) {
    const auto index = static_cast<VpIndex>(i);
    view.sources.push_back(source_of(brain, index, now));
    view.vps.push_back(info_of(brain, brain.vantage().of(index), now));
    const auto under_way = probes_under_way.find(index);
    if (under_way != probes_under_way.end()) view.vps.back().probes_under_way = under_way->second;
  }
  for (const std::uint64_t id : brain.begun()) view.begun.insert(id);
  view.figures = before.figures;
  view.figures.brain = brain.figures();
  view.figures.probing = brain.probing();
  view.figures.under_way = brain.under_way();
  view.figures.waiting = brain.waiting();
  view.figures.open_circuits = brain.open_circuits(now.steady);
  view.figures.contradicted = brain.atlases().contradicted();
  view.figures.waiting_for_source = brain.source_waits().size();
  show_waiting(view, brain.source_waits(), now, before);
  return view;
}

void add_waiting(BatchProgress& progress, const View& view) {
  for (const std::uint64_t id : progress.open) {
    if (!view.begun.contains(id)) progress.waiting.push_back(id);
    const auto waits = view.waiting->find(id);
    if (waits != view.waiting->end()) {
      progress.waiting_for.emplace(id, view.waited_for.at(waits->second));
    } else if (!view.why_held.empty()) {
      progress.waiting_for.emplace(id, view.why_held);
    }
  }
}

std::vector<std::string> troubles_of(const View& view) {
  std::vector<std::string> found = view.queue_troubles;
  if (!view.why_held.empty()) found.push_back("measuring stands still: " + view.why_held);
  for (const auto& [source, sentence] : view.waited_for) found.push_back(sentence);
  return found;
}

}  // namespace backsight::controller
