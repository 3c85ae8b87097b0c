#include "mmdb_writer.h"

#include <array>
#include <cstring>

namespace backsight::controller::mmdb {

namespace {

enum Type : unsigned {
  kText = 2,
  kDouble = 3,
  kUint16 = 5,
  kUint32 = 6,
  kMap = 7,
  kUint64 = 9,
  kArray = 11
};

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
  return out;
}

// The control byte, its extended type, and a size above 28.
std::string control(Type type, std::size_t size) {
  const unsigned high = type <= 7 ? type << 5 : 0;
  std::string out(1, static_cast<char>(high | (size < 29 ? size : 29)));
  if (type > 7) out += static_cast<char>(type - 7);
  if (size >= 29) out += static_cast<char>(size - 29);
  return out;
}

std::string number(Type type, std::uint64_t value) {
  const std::size_t bytes = type == kUint16 ? 2 : type == kUint32 ? 4 : 8;
  return control(type, bytes) + big_endian(value, bytes);
}

std::string metadata(std::size_t nodes) {
  return map({{"node_count", number(kUint32, nodes)},
              {"record_size", number(kUint16, 32)},
              {"ip_version", number(kUint16, 4)},
              {"database_type", text("Test-City")},
              {"languages", control(kArray, 1) + text("en")},
              {"binary_format_major_version", number(kUint16, 2)},
              {"binary_format_minor_version", number(kUint16, 0)},
              {"build_epoch", number(kUint64, 1'767'225'600)},
              {"description", map({{"en", text("of a test")}})}});
}

// A record is a node, nothing (0), or data: -1 - its offset.
using Node = std::array<std::int64_t, 2>;

void insert(std::vector<Node>& nodes, const probes::Ipv4Prefix& prefix, std::size_t offset) {
  std::size_t node = 0;
  for (unsigned bit = 0; bit < prefix.length; ++bit) {
    const std::size_t side = (prefix.base.value >> (31 - bit)) & 1;
    if (bit + 1 == prefix.length) {
      nodes[node][side] = -1 - static_cast<std::int64_t>(offset);
      return;
    }
    if (nodes[node][side] == 0) {
      nodes[node][side] = static_cast<std::int64_t>(nodes.size());
      nodes.push_back({});
    }
    node = static_cast<std::size_t>(nodes[node][side]);
  }
}

}  // namespace

std::string text(const std::string& value) { return control(kText, value.size()) + value; }

std::string real(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return control(kDouble, 8) + big_endian(bits, 8);
}

std::string map(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out = control(kMap, members.size());
  for (const auto& [key, value] : members) out += text(key) + value;
  return out;
}

std::string database(const std::vector<Entry>& entries) {
  std::vector<Node> nodes(1);
  std::string data;
  for (const Entry& entry : entries) {
    insert(nodes, entry.prefix, data.size());
    data += entry.value;
  }
  std::string out;
  for (const Node& node : nodes) {
    for (const std::int64_t record : node) {
      std::uint64_t value = nodes.size();  // nothing
      if (record > 0) value = static_cast<std::uint64_t>(record);
      if (record < 0) value = nodes.size() + 16 + static_cast<std::uint64_t>(-1 - record);
      out += big_endian(value, 4);
    }
  }
  return out + std::string(16, '\0') + data + "\xab\xcd\xef" + "MaxMind.com" +
         metadata(nodes.size());
}

std::string city(const std::string& name, const std::string& country, double latitude,
                 double longitude) {
  return map({{"city", map({{"names", map({{"de", text("?")}, {"en", text(name)}})}})},
              {"country", map({{"iso_code", text(country)}})},
              {"location", map({{"latitude", real(latitude)}, {"longitude", real(longitude)}})}});
}

}  // namespace backsight::controller::mmdb
