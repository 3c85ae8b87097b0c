// Capture files that say more than pcap: where a packet came in, and a comment with it
// (draft-ietf-opsawg-pcapng; little-endian, nanoseconds).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace backsight::engine {

struct PcapngPacket {
  std::uint32_t interface = 0;  // in the order of pcapng_interface()
  std::uint64_t unix_ns = 0;
  std::uint32_t length = 0;  // on the wire; `bytes` may be fewer
  std::span<const std::byte> bytes;
  std::string_view comment;
};

// Each returns one block. A file is a section, its interfaces, then packets, then at the end of
// each interface its statistics.
[[nodiscard]] std::string pcapng_section(std::string_view program);
[[nodiscard]] std::string pcapng_interface(std::string_view name, std::string_view description,
                                           std::uint32_t max_bytes);
[[nodiscard]] std::string pcapng_packet(const PcapngPacket& packet);
[[nodiscard]] std::string pcapng_statistics(std::uint32_t interface, std::uint64_t unix_ns,
                                            std::uint64_t received, std::uint64_t dropped);

}  // namespace backsight::engine
