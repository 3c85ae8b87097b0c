#include "sim/serve/server.h"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "daemon/wall_clock.h"
#include "engine/device/arp.h"
#include "probes/wire/byte_order.h"
#include "probes/wire/ethernet.h"

namespace backsight::sim {
namespace {

namespace ethernet = probes::ethernet;

// A locally administered prefix; the last two bytes are the vantage point's number.
constexpr std::array<std::uint8_t, 4> kGatewayPrefix = {0x02, 0xb5, 0x00, 0x00};
constexpr std::uint64_t kAskAgainNs = 1'000'000'000;
constexpr std::chrono::microseconds kNap{30};

// 0: the frame is too short to have one.
std::uint16_t type_of(std::span<const std::byte> frame) noexcept {
  if (frame.size() < ethernet::kHeaderBytes) return 0;
  return probes::load_be16(&frame[ethernet::kTypeOffset]);
}

}  // namespace

std::string_view name(Count count) noexcept {
  constexpr std::string_view kNames[] = {"received", "arp",     "other",  "injected",  "deliveries",
                                         "sent",     "no_room", "no_mac", "elsewhere", "arp_sent"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Count::kCount));
  return kNames[static_cast<std::size_t>(count)];
}

probes::MacAddr gateway_mac(std::uint32_t vantage_point) noexcept {
  probes::MacAddr mac;
  std::copy(kGatewayPrefix.begin(), kGatewayPrefix.end(), mac.bytes.begin());
  mac.bytes[4] = static_cast<std::uint8_t>(vantage_point >> 8);
  mac.bytes[5] = static_cast<std::uint8_t>(vantage_point);
  return mac;
}

std::uint32_t vantage_point_of(std::span<const std::byte> mac) noexcept {
  if (mac.size() < 6 || std::memcmp(mac.data(), kGatewayPrefix.data(), 4) != 0) return kNone;
  return probes::load_be16(mac.data() + 4);
}

Server::Server(const config::SimConfig& config, World& world, const engine::TscClock& clock)
    : world_(world),
      clock_(clock),
      naps_(config.engine.idle == config::EalConfig::Idle::kAdaptive),
      capacity_(config.engine.under_way),
      homes_(world.vantage_points().size()),
      frames_(capacity_, false),
      wheel_(capacity_, system_unix_ns()) {
  free_.reserve(capacity_);
  // Those used last are used next, so that few pages are touched.
  for (std::size_t i = capacity_; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
}

Expected<std::unique_ptr<Server>> Server::open(const config::SimConfig& config, World& world,
                                               const engine::TscClock& clock) {
  std::unique_ptr<Server> server(new Server(config, world, clock));
  if (auto opened = server->open_ports(config); !opened) return tl::unexpected(opened.error());
  return server;
}

Expected<void> Server::open_ports(const config::SimConfig& config) {
  const auto all = static_cast<std::uint32_t>(homes_.size());
  for (const config::SimPortConfig& wanted : config.ports) {
    config::PortConfig port;
    port.device = wanted.device;
    port.rx_descriptors = wanted.rx_descriptors;
    port.tx_descriptors = wanted.tx_descriptors;
    port.answers = config::PortConfig::Answers::kNo;
    auto opened = engine::Port::open(port, 1, clock_);
    if (!opened) return tl::unexpected(opened.error());
    const std::uint32_t first = std::min(wanted.first_vantage_point, all);
    const std::uint32_t count =
        wanted.vantage_points == 0 ? all - first : std::min(wanted.vantage_points, all - first);
    const auto lane = static_cast<std::uint32_t>(lanes_.size());
    for (std::uint32_t i = 0; i < count; ++i) homes_[first + i].lane = lane;
    engine::QueuePair queue = (*opened)->queue(0);
    Lane& added = lanes_.emplace_back(std::move(*opened), std::move(queue));
    added.first = first;
    added.count = count;
  }
  return {};
}

std::uint64_t Server::now_ns() const noexcept {
  return clock_.to_unix_ns(engine::Tsc{rte_get_tsc_cycles()});
}

void Server::run(const std::atomic<bool>& stop) {
  while (!stop.load(std::memory_order_relaxed)) {
    const std::size_t moved = poll_once(now_ns());
    if (moved == 0 && naps_) std::this_thread::sleep_for(kNap);
  }
}

std::size_t Server::poll_once(std::uint64_t now) {
  std::size_t moved = 0;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].queue.receive(in_);
    in_.prefetch();
    for (std::size_t n = 0; n < in_.size(); ++n) {
      const std::size_t later = n + World::kAhead;
      if (later < in_.size()) expect(lanes_[i], in_.bytes(later));
      take(i, in_.bytes(n), now);
    }
    moved += in_.size();
    in_.clear();
  }
  wheel_.advance(now, [&](std::uint32_t entry) {
    const Frame& frame = frames_[entry];
    if (!send(frame.port, {frame.bytes.data(), frame.size})) return false;
    ++count(Count::kSent);
    free_.push_back(entry);
    return true;
  });
  for (Lane& lane : lanes_) moved += flush(lane);
  return moved;
}

// The vantage point behind the lane that sent an IPv4 packet; kNone: it is something else.
std::uint32_t Server::sender_of(const Lane& lane, std::span<const std::byte> frame) noexcept {
  if (type_of(frame) != ethernet::kTypeIpv4) return kNone;
  const std::uint32_t point = vantage_point_of(frame.first(6));
  return point >= lane.first && point < lane.first + lane.count ? point : kNone;
}

void Server::expect(const Lane& lane, std::span<const std::byte> frame) {
  const std::uint32_t point = sender_of(lane, frame);
  if (point == kNone) return;
  world_.expect(frame.subspan(ethernet::kHeaderBytes), world_.vantage_points()[point].address);
}

void Server::take(std::size_t index, std::span<std::byte> frame, std::uint64_t now) {
  ++count(Count::kReceived);
  if (type_of(frame) == ethernet::kTypeArp) return take_arp(index, frame);
  const std::uint32_t point = sender_of(lanes_[index], frame);
  if (point == kNone) {
    ++count(Count::kOther);
    return;
  }
  ++count(Count::kInjected);
  Home& home = homes_[point];
  home.is_known = true;
  std::memcpy(home.mac.bytes.data(), &frame[6], 6);
  world_.inject(frame.subspan(ethernet::kHeaderBytes), world_.vantage_points()[point].address, now,
                arrived_);
  deliver(now);
}

// A request for the gateway of a vantage point behind the port is answered; a vantage point that
// tells its own address is remembered.
void Server::take_arp(std::size_t index, std::span<const std::byte> frame) {
  ++count(Count::kArp);
  const auto packet = engine::parse_arp(frame);
  if (!packet || !engine::has_possible_sender(*packet)) return;
  const Lane& lane = lanes_[index];
  for (std::uint32_t point = lane.first; point < lane.first + lane.count; ++point) {
    const VantagePoint& vp = world_.vantage_points()[point];
    if (packet->sender == vp.address) {
      homes_[point].is_known = true;
      homes_[point].mac = packet->sender_mac;
    }
    if (!packet->is_request || packet->target != vp.gateway) continue;
    if (send(index, engine::craft_arp_reply(gateway_mac(point), vp.gateway, *packet))) {
      ++count(Count::kArpSent);
    }
  }
}

// Files what arrives at vantage points for its time.
void Server::deliver(std::uint64_t now) {
  for (const Delivery& it : arrived_.all()) {
    ++count(Count::kDeliveries);
    const Home& home = homes_[it.vantage_point];
    if (home.lane == kNone) {
      ++count(Count::kElsewhere);
    } else if (!home.is_known) {
      ++count(Count::kNoMac);
      ask_for(it.vantage_point, now);
    } else if (free_.empty()) {
      ++count(Count::kNoRoom);
    } else {
      const std::uint32_t entry = free_.back();
      free_.pop_back();
      Frame& frame = frames_[entry];
      const auto bytes = arrived_.bytes(it);
      frame.port = home.lane;
      frame.size = static_cast<std::uint16_t>(
          std::max(ethernet::kMinFrameBytes, ethernet::kHeaderBytes + bytes.size()));
      engine::store_ethernet(frame.bytes.data(), home.mac, gateway_mac(it.vantage_point));
      std::memset(frame.bytes.data() + ethernet::kHeaderBytes, 0,
                  ethernet::kMinFrameBytes - ethernet::kHeaderBytes);
      std::memcpy(frame.bytes.data() + ethernet::kHeaderBytes, bytes.data(), bytes.size());
      wheel_.add(entry, it.at_ns);
    }
  }
  arrived_.clear();
}

void Server::ask_for(std::uint32_t vantage_point, std::uint64_t now) {
  Home& home = homes_[vantage_point];
  if (home.asked_ns != 0 && now - home.asked_ns < kAskAgainNs) return;
  home.asked_ns = now;
  const VantagePoint& vp = world_.vantage_points()[vantage_point];
  if (send(home.lane,
           engine::craft_arp_request(gateway_mac(vantage_point), vp.gateway, vp.address))) {
    ++count(Count::kArpSent);
  }
}

// False: the port takes no more now.
bool Server::send(std::size_t index, std::span<const std::byte> frame) {
  Lane& lane = lanes_[index];
  if (lane.out.size() == engine::kBurst && flush(lane) == 0) return false;
  if (!lane.out.reserve(lane.queue.pool(), 1)) return false;
  std::memcpy(lane.out.append(frame.size()), frame.data(), frame.size());
  return true;
}

std::size_t Server::flush(Lane& lane) {
  return lane.out.size() == 0 ? 0 : lane.queue.transmit(lane.out);
}

}  // namespace backsight::sim
