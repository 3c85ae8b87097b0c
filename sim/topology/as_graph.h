// Autonomous systems and who provides, buys or swaps transit: what routing policy needs to know.
// Built once, from a generator or from a CAIDA file; then frozen into `Internet`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.h"
#include "sim/topology/city.h"

namespace backsight::sim {

using AsIndex = std::uint32_t;  // place in AsGraph::nodes

// How large an AS is, which decides about its routers and prefixes.
enum class Size : std::uint8_t {
  kTier1,    // buys from nobody
  kLarge,    // sells transit on several continents or throughout one
  kSmall,    // sells transit
  kStub,     // sells none
  kContent,  // sells none, peers with whoever wants
};

struct AsNode {
  std::uint32_t number = 0;
  Size size = Size::kStub;
  std::vector<CityId> cities;  // where it has routers, its home first; none twice
};

struct AsEdge {
  AsIndex a = 0;  // the provider, unless they peer
  AsIndex b = 0;
  bool is_peering = false;
};

struct AsGraph {
  std::vector<AsNode> nodes;
  std::vector<AsEdge> edges;  // no pair twice
};

// Draws a graph of `ases` ASes with the degrees, tiers and geography of the Internet's.
[[nodiscard]] AsGraph generate_as_graph(std::uint32_t ases, std::uint64_t seed);

// Reads a CAIDA AS-relationship file (serial-1 or -2, uncompressed): "a|b|-1" says that a is b's
// provider, "a|b|0" that they peer; "#" starts a comment. Reports all bad lines at once, twelve at
// most. Cities are drawn so that neighbours live near each other.
[[nodiscard]] Expected<AsGraph> read_as_relationships(const std::filesystem::path& file,
                                                      std::uint64_t seed);
[[nodiscard]] Expected<AsGraph> parse_as_relationships(std::string_view text,
                                                       std::string_view file_name,
                                                       std::uint64_t seed);

}  // namespace backsight::sim
