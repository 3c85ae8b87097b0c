#include "evaluation/simulated_fleet.h"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "evaluation/surroundings.h"

namespace backsight::evaluation {

namespace {

constexpr std::uint64_t kTicksPerSecond = 1'000'000'000;     // a tick is a nanosecond of SteadyNs
constexpr SteadyNs kGather = 20 * controller::kMillisecond;  // as backsight-vp's group commit
constexpr std::size_t kFrames = 4095;
constexpr probes::TagKey kFleetKey{0x7369676874656420, 0x6261636b77617264};

template <typename... Cases>
struct Visit : Cases... {
  using Cases::operator()...;
};

// What a message holds of them (docs/formats.md, Messages).
std::size_t bytes_of(const tasks::ResultBatch& results) {
  constexpr std::size_t kProbe = 56, kTrace = 64, kHop = 32, kLabel = 4, kObservation = 48;
  const auto recorded = [](const tasks::Recorded& it) { return std::size_t{4} * it.count; };
  std::size_t bytes = 0;
  for (const auto& it : results.probes) bytes += kProbe + recorded(it.recorded);
  for (const auto& it : results.observations) bytes += kObservation + recorded(it.recorded);
  for (const auto& it : results.traces) {
    bytes += kTrace;
    for (const tasks::Hop& hop : it.hops) bytes += kHop + kLabel * hop.label_count;
  }
  return bytes;
}

}  // namespace

Expected<std::unique_ptr<SimulatedFleet>> SimulatedFleet::make(sim::World& world,
                                                               const Options& options) {
  const std::size_t vps = world.vantage_points().size();
  auto frames = engine::FramePool::make(kFrames, vps);
  if (!frames) return tl::unexpected(frames.error());
  try {
    return std::unique_ptr<SimulatedFleet>(new SimulatedFleet(world, options, std::move(*frames)));
  } catch (const std::bad_alloc&) {
    return run_failed(fmt::format("not enough memory for {} vantage points", vps));
  }
}

SimulatedFleet::SimulatedFleet(sim::World& world, const Options& options,
                               std::unique_ptr<engine::FramePool> frames)
    : world_(world),
      options_(options),
      now_{controller::kSecond},
      clock_(kTicksPerSecond, now_),
      frames_(std::move(frames)) {
  clock_.set_unix_offset({0}, kEpochNs);
  for (const auto& vp : world.vantage_points()) {
    const SimulatedVp::Setup setup{.id = static_cast<std::uint16_t>(vps_.size() + 1),
                                   .address = vp.address,
                                   .rates = options.rates,
                                   .key = kFleetKey};
    vps_.push_back({.engine = std::make_unique<SimulatedVp>(setup, clock_, *frames_),
                    .address = vp.address,
                    .batch = {}});
  }
}

controller::Announcement SimulatedFleet::announcement(std::size_t vp, SteadyNs now) const {
  controller::Announcement said;
  said.name = "vp" + std::to_string(vp + 1);
  said.number = static_cast<std::uint16_t>(vp + 1);
  said.address = vps_[vp].address;
  said.pps = static_cast<double>(options_.rates.total_pps);
  said.is_ready = true;
  said.started_at_ns = 1;
  said.updated_at_ns = now;
  return said;
}

std::vector<std::uint64_t> SimulatedFleet::packets_by_vp() const {
  std::vector<std::uint64_t> packets;
  for (const Vp& vp : vps_) packets.push_back(vp.packets);
  return packets;
}

void SimulatedFleet::add(SteadyNs at, std::size_t vp, decltype(Event::what) what) {
  events_.try_emplace({at, next_event_++}, Event{vp, std::move(what)});
}

SteadyNs SimulatedFleet::next_due() const {
  return events_.empty() ? ~SteadyNs{0} : events_.begin()->first.first;
}

void SimulatedFleet::put(std::size_t vp, const tasks::Task& task, SteadyNs now) {
  ++figures_.tasks;
  add(now + options_.queue_delay, vp, task);
}

void SimulatedFleet::advance(SteadyNs now, const Report& report) {
  while (!events_.empty() && next_due() <= now) {
    const auto first = events_.extract(events_.begin());
    now_ = {first.key().first};
    happen(first.mapped(), report);
  }
}

void SimulatedFleet::happen(const Event& event, const Report& report) {
  Vp& vp = vps_[event.vp];
  std::visit(Visit{[&](Round) {
                     if (vp.round_at != now_.ticks) return;  // it became another time
                     vp.round_at = ~SteadyNs{0};
                     run(event.vp);
                   },
                   [&](Commit) { commit(event.vp); },
                   [&](const tasks::Task& task) {
                     vp.engine->give(task);
                     run(event.vp);
                   },
                   [&](const Packet& packet) {
                     vp.engine->receive(packet.bytes);
                     run(event.vp);
                   },
                   [&](const tasks::ResultBatch& batch) { report(event.vp, batch); }},
             event.what);
}

void SimulatedFleet::run(std::size_t index) {
  Vp& vp = vps_[index];
  const bool was_empty = vp.batch.size() == 0;
  vp.engine->run([&](std::span<const std::byte> packet) { inject(index, packet); }, vp.batch);
  if (was_empty && vp.batch.size() != 0) add(now_.ticks + kGather, index, Commit());
  const auto due = vp.engine->next_due();
  const SteadyNs round_at = due ? due->ticks : ~SteadyNs{0};
  if (std::exchange(vp.round_at, round_at) != round_at && due) add(round_at, index, Round());
}

void SimulatedFleet::inject(std::size_t index, std::span<const std::byte> packet) {
  Vp& vp = vps_[index];
  ++figures_.packets;
  ++vp.packets;
  deliveries_.clear();
  static_cast<void>(world_.inject(packet, vp.address, kEpochNs + now_.ticks, deliveries_));
  for (const sim::Delivery& it : deliveries_.all()) {
    const auto bytes = deliveries_.bytes(it);
    add(it.at_ns - kEpochNs, it.vantage_point, Packet{{bytes.begin(), bytes.end()}});
  }
}

void SimulatedFleet::commit(std::size_t index) {
  tasks::ResultBatch batch = std::exchange(vps_[index].batch, {});
  figures_.records += batch.size();
  figures_.record_bytes += bytes_of(batch);
  ++figures_.messages;
  add(now_.ticks + options_.queue_delay, index, std::move(batch));
}

}  // namespace backsight::evaluation
