#include "engine/control/pcapng.h"

#include <algorithm>

namespace backsight::engine {
namespace {

// Block types (section 4) and option codes (sections 3.5 and 4).
constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kUserProgram = 4;
constexpr std::uint16_t kName = 2;
constexpr std::uint16_t kDescription = 3;
constexpr std::uint16_t kResolution = 9;
constexpr std::uint16_t kReceived = 4;
constexpr std::uint16_t kDropped = 5;
constexpr std::uint16_t kEthernet = 1;  // of the link types
constexpr char kNanoseconds = 9;
constexpr std::size_t kMaxOptionBytes = 65535;

void put16(std::string& to, std::uint16_t number) {
  to += static_cast<char>(number & 0xff);
  to += static_cast<char>(number >> 8);
}
void put32(std::string& to, std::uint32_t number) {
  put16(to, static_cast<std::uint16_t>(number & 0xffff));
  put16(to, static_cast<std::uint16_t>(number >> 16));
}
void put64(std::string& to, std::uint64_t number) {
  put32(to, static_cast<std::uint32_t>(number & 0xffffffff));
  put32(to, static_cast<std::uint32_t>(number >> 32));
}
// Times have their high half first, whatever the byte order.
void put_time(std::string& to, std::uint64_t unix_ns) {
  put32(to, static_cast<std::uint32_t>(unix_ns >> 32));
  put32(to, static_cast<std::uint32_t>(unix_ns & 0xffffffff));
}
void pad(std::string& to) { to.resize((to.size() + 3) / 4 * 4, '\0'); }

void put_option(std::string& to, std::uint16_t code, std::string_view value) {
  value = value.substr(0, kMaxOptionBytes);
  put16(to, code);
  put16(to, static_cast<std::uint16_t>(value.size()));
  to += value;
  pad(to);
}
void put_count(std::string& to, std::uint16_t code, std::uint64_t count) {
  put16(to, code);
  put16(to, sizeof count);
  put64(to, count);
}

// The end of the options, and the block around it all.
std::string block(std::uint32_t type, std::string body) {
  put32(body, 0);
  const auto bytes = static_cast<std::uint32_t>(body.size() + 12);
  std::string whole;
  put32(whole, type);
  put32(whole, bytes);
  whole += body;
  put32(whole, bytes);
  return whole;
}

}  // namespace

std::string pcapng_section(std::string_view program) {
  std::string body;
  put32(body, kByteOrder);
  put16(body, 1);  // version 1.0
  put16(body, 0);
  put64(body, ~std::uint64_t{0});  // of unknown length
  put_option(body, kUserProgram, program);
  return block(kSection, std::move(body));
}

std::string pcapng_interface(std::string_view name, std::string_view description,
                             std::uint32_t max_bytes) {
  std::string body;
  put16(body, kEthernet);
  put16(body, 0);
  put32(body, max_bytes);
  put_option(body, kName, name);
  put_option(body, kDescription, description);
  put_option(body, kResolution, {&kNanoseconds, 1});
  return block(kInterface, std::move(body));
}

std::string pcapng_packet(const PcapngPacket& packet) {
  std::string body;
  put32(body, packet.interface);
  put_time(body, packet.unix_ns);
  put32(body, static_cast<std::uint32_t>(packet.bytes.size()));
  put32(body, packet.length);
  body.append(reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size());
  pad(body);
  put_option(body, kComment, packet.comment);
  return block(kEnhancedPacket, std::move(body));
}

std::string pcapng_statistics(std::uint32_t interface, std::uint64_t unix_ns,
                              std::uint64_t received, std::uint64_t dropped) {
  std::string body;
  put32(body, interface);
  put_time(body, unix_ns);
  put_count(body, kReceived, received);
  put_count(body, kDropped, dropped);
  return block(kStatistics, std::move(body));
}

}  // namespace backsight::engine
