#include "network.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace backsight::engine {
namespace {

constexpr std::size_t kEthernet = 14;

rte_mempool* pool() {
  static rte_mempool* const made =
      rte_pktmbuf_pool_create("internet", 16383, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
  if (made == nullptr) std::abort();
  return made;
}

std::uint16_t be16(const Packet& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}
std::uint32_t be32(const Packet& bytes, std::size_t at) {
  return std::uint32_t{be16(bytes, at)} << 16 | be16(bytes, at + 2);
}
MacAddr mac_at(const Packet& bytes, std::size_t at) {
  MacAddr mac;
  std::memcpy(mac.bytes.data(), &bytes[at], 6);
  return mac;
}

void drain(rte_ring* ring) {
  void* packet = nullptr;
  while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
}

}  // namespace

Ipv4Addr ip(const char* text) {
  const auto parsed = probes::parse_ipv4(text);
  if (!parsed) std::abort();
  return *parsed;
}

Ipv4Addr source_of(const Packet& packet) { return {be32(packet, 12)}; }
Ipv4Addr destination_of(const Packet& packet) { return {be32(packet, 16)}; }

Wire::Wire(std::size_t queues, unsigned slots) {
  static unsigned wires = 0;
  const std::string name = "w" + std::to_string(wires++);
  const auto make = [&](const char* direction, std::size_t queue) {
    rte_ring* ring = rte_ring_create((name + direction + std::to_string(queue)).c_str(), slots, 0,
                                     RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    if (ring == nullptr) std::abort();
    return ring;
  };
  for (std::size_t i = 0; i < queues; ++i) {
    to_port_.push_back(make("to", i));
    from_port_.push_back(make("from", i));
  }
  const auto count = static_cast<unsigned>(queues);
  if (rte_eth_from_rings(name.c_str(), to_port_.data(), count, from_port_.data(), count, 0) < 0) {
    std::abort();
  }
  device_ = "net_ring_" + name;
}

Wire::~Wire() {
  rte_vdev_uninit(device_.c_str());
  for (rte_ring* ring : to_port_) {
    drain(ring);
    rte_ring_free(ring);
  }
  for (rte_ring* ring : from_port_) rte_ring_free(ring);
}

std::vector<Packet> Wire::take() {
  std::vector<Packet> frames;
  for (rte_ring* ring : from_port_) {
    void* object = nullptr;
    while (rte_ring_dequeue(ring, &object) == 0) {
      auto* packet = static_cast<rte_mbuf*>(object);
      const auto* bytes = rte_pktmbuf_mtod(packet, const std::byte*);
      frames.emplace_back(bytes, bytes + rte_pktmbuf_data_len(packet));
      rte_pktmbuf_free(packet);
    }
  }
  return frames;
}

bool Wire::deliver(const Packet& frame, std::size_t queue) {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool());
  if (packet == nullptr) return false;
  std::memcpy(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())), frame.data(),
              frame.size());
  if (rte_ring_enqueue(to_port_[queue], packet) == 0) return true;
  rte_pktmbuf_free(packet);
  return false;
}

std::size_t Wire::frames_inside() const {
  std::size_t count = 0;
  for (const rte_ring* ring : to_port_) count += rte_ring_count(ring);
  for (const rte_ring* ring : from_port_) count += rte_ring_count(ring);
  return count;
}

std::size_t Wire::buffers_in_use() { return rte_mempool_in_use_count(pool()); }

const Path& FakeInternet::path_to(Ipv4Addr destination) const {
  const auto found = paths.find(destination);
  return found == paths.end() ? path : found->second;
}

std::vector<Packet> FakeInternet::travel(const Packet& probe) const {
  const Ipv4Addr destination = destination_of(probe);
  const Path& path_there = path_to(destination);
  Packet packet = probe;
  for (const Ipv4Addr router : path_there.there) {
    if (packet[8] == std::byte{1}) {
      if (path_there.silent.contains(router)) return {};
      return {testing::make_time_exceeded(packet, router, path_there.quote)};
    }
    packet[8] = static_cast<std::byte>(std::to_integer<unsigned>(packet[8]) - 1);
    testing::stamp_route(packet, router);
    testing::stamp_time(packet, {router, 1000});
  }
  if (!path_there.has_host) return {};
  switch (std::to_integer<int>(packet[9])) {
    case 1: {
      std::vector<Ipv4Addr> stamps = {destination};
      stamps.insert(stamps.end(), path_there.back.begin(), path_there.back.end());
      testing::stamp_time(packet, {destination, 2000});
      return {testing::make_echo_reply(packet, stamps)};
    }
    case 6:
      return {path_there.accepts_tcp ? testing::make_tcp_syn_ack(packet)
                                     : testing::make_tcp_reset(packet)};
    default:
      return {testing::make_unreachable(packet, destination, 3, path_there.quote)};
  }
}

void FakeInternet::send(const Packet& packet, std::size_t steps_later) {
  const Ipv4Addr to = destination_of(packet);
  const auto site = std::ranges::find(sites_, to, &Site::address);
  if (site == sites_.end()) return;
  send_frame(*site, testing::in_ethernet(packet, site->mac, gateway_mac), steps_later);
}

void FakeInternet::send_frame(const Site& site, const Packet& frame, std::size_t steps_later) {
  pending_.push_back({now_ + steps_later, site.wire, frame});
}

bool FakeInternet::has_station(MacAddr mac) const {
  return mac == gateway_mac ||
         std::ranges::any_of(hosts_on_link, [mac](const auto& it) { return it.second == mac; });
}

void FakeInternet::step() {
  for (const Site& site : sites_) {
    if (takes_nothing) break;
    for (const Packet& frame : site.wire->take()) {
      if (be16(frame, 12) == 0x0806) {
        take_arp(site, frame);
        continue;
      }
      probe_frames.push_back(frame);
      probes.emplace_back(frame.begin() + kEthernet, frame.end());
      // Packets between sites, such as answered pings, are not probes.
      const Packet probe = probes.back();
      if (!has_station(mac_at(frame, 0))) continue;
      for (const Packet& reply : respond(probe)) send(reply);
    }
  }
  std::deque<Pending> later;
  for (Pending& it : pending_) {
    if (it.due > now_ || !it.wire->deliver(it.frame, queue_of(it.frame))) {
      later.push_back(std::move(it));
    }
  }
  pending_ = std::move(later);
  ++now_;
}

void FakeInternet::take_arp(const Site& site, const Packet& frame) {
  arp.push_back(frame);
  const Ipv4Addr target{be32(frame, 38)};
  if (!answers_arp || be16(frame, 20) != 1) return;
  MacAddr mac = gateway_mac;
  if (target != kGateway) {
    const auto host = hosts_on_link.find(target);
    if (host == hosts_on_link.end()) return;
    mac = host->second;
  }
  const MacAddr to = mac_at(frame, 0);
  if (to != probes::kBroadcastMac && to != mac) return;
  send_frame(site, make_arp(2, site.mac, mac, target, mac_at(frame, 22), {be32(frame, 28)}));
}

Packet make_arp(std::uint16_t operation, MacAddr to, MacAddr from, Ipv4Addr sender,
                MacAddr target_mac, Ipv4Addr target) {
  Packet frame;
  const auto number = [&](std::uint32_t value, int bytes) {
    while (bytes-- > 0) frame.push_back(static_cast<std::byte>(value >> 8 * bytes & 0xff));
  };
  const auto mac = [&](const MacAddr& it) {
    for (const std::uint8_t byte : it.bytes) frame.push_back(std::byte{byte});
  };
  mac(to);
  mac(from);
  number(0x0806, 2);
  number(1, 2);
  number(0x0800, 2);
  number(6, 1);
  number(4, 1);
  number(operation, 2);
  mac(from);
  number(sender.value, 4);
  mac(target_mac);
  number(target.value, 4);
  frame.resize(60);
  return frame;
}

}  // namespace backsight::engine
