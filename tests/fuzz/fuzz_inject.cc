// Any packet may be injected into the simulated Internet: it has one fate, and what arrives
// anywhere is a well-formed packet.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "sim/world.h"

using namespace backsight;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto world = [] {
    config::WorldConfig config;
    config.topology.ases = 1000;
    config.memory = {.routes_mib = 16, .paths_mib = 4};
    return std::move(*sim::World::make(config));
  }();
  if (size < 4) return 0;
  const std::size_t point = (std::size_t{data[0]} << 8U | data[1]) % world->vantage_points().size();
  const std::uint64_t now = 1'800'000'000'000'000'000U + (std::uint64_t{data[2]} << 40U);
  const bool repairs = (data[3] & 1) != 0;
  std::vector<std::byte> packet(size - 4);
  for (std::size_t i = 4; i < size; ++i) packet[i - 4] = std::byte{data[i]};
  // Else nearly everything ends at the header's checksum.
  const std::size_t header =
      packet.empty() ? 0 : (std::to_integer<std::size_t>(packet[0]) & 15) * 4;
  if (repairs && header >= 20 && header <= packet.size()) {
    std::uint32_t sum = 0;
    packet[10] = packet[11] = std::byte{0};
    for (std::size_t i = 0; i < header; i += 2) {
      sum += std::to_integer<std::uint32_t>(packet[i]) << 8U |
             std::to_integer<std::uint32_t>(packet[i + 1]);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    packet[10] = static_cast<std::byte>(~sum >> 8 & 0xff);
    packet[11] = static_cast<std::byte>(~sum & 0xff);
  }
  sim::Deliveries out;
  const sim::Fate fate = world->inject(packet, world->vantage_points()[point].address, now, out);
  const bool arrives = fate == sim::Fate::kAnswered || fate == sim::Fate::kDelivered;
  if (arrives != (out.all().size() == 1)) std::abort();
  for (const sim::Delivery& it : out.all()) {
    sim::Packet read;
    if (read.read(out.bytes(it)) != sim::Malformed::kWellFormed) std::abort();
    if (it.at_ns < now) std::abort();
  }
  return 0;
}
