// CAIDA's AS-relationship files.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "config/fault.h"
#include "config/reading/text_file.h"
#include "sim/draw.h"
#include "sim/topology/as_graph.h"
#include "sim/topology/placement.h"

namespace backsight::sim {
namespace {

constexpr std::size_t kMaxFaults = 12;
constexpr std::size_t kMaxAses = 100'000;
constexpr std::uint32_t kLargeCustomers = 40;  // direct customers of a large provider
constexpr std::uint32_t kContentPeers = 100;   // peers of a network that sells nothing
constexpr std::string_view kForm =
    "write AS|AS|-1 (the first is the second's provider) or AS|AS|0 (they peer)";

struct Line {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  bool is_peering = false;
};

// The line's parts, or a clause that says why not. A fourth field, of serial-2, names the source.
tl::expected<Line, std::string> read_line(std::string_view text) {
  std::array<std::string_view, 3> fields;
  for (std::string_view& field : fields) {
    const std::size_t bar = text.find('|');
    field = text.substr(0, bar);
    text = bar == text.npos ? std::string_view{} : text.substr(bar + 1);
  }
  Line line;
  const auto number = [](std::string_view field, std::uint32_t& value) {
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    return error == std::errc{} && end == field.data() + field.size();
  };
  if (!number(fields[0], line.a) || !number(fields[1], line.b)) {
    return tl::unexpected(
        fmt::format("{} does not begin with two AS numbers",
                    config::in_quotes(fmt::format("{}|{}", fields[0], fields[1]))));
  }
  if (line.a == line.b) return tl::unexpected(std::string("an AS is its own neighbour"));
  if (fields[2] != "-1" && fields[2] != "0") {
    return tl::unexpected(fmt::format("{} is no relationship", config::in_quotes(fields[2])));
  }
  line.is_peering = fields[2] == "0";
  return line;
}

// Sizes from the numbers of customers and peers, then cities, providers before their customers.
void place(AsGraph& graph, std::uint64_t seed) {
  const std::size_t count = graph.nodes.size();
  std::vector<std::uint32_t> customers(count);
  std::vector<std::uint32_t> peers(count);
  std::vector<std::vector<AsIndex>> providers(count);
  for (const AsEdge& edge : graph.edges) {
    if (edge.is_peering) {
      ++peers[edge.a];
      ++peers[edge.b];
    } else {
      ++customers[edge.a];
      providers[edge.b].push_back(edge.a);
    }
  }
  std::vector<AsIndex> order(count);
  for (AsIndex i = 0; i < count; ++i) {
    order[i] = i;
    graph.nodes[i].size = customers[i] == 0
                              ? (peers[i] >= kContentPeers ? Size::kContent : Size::kStub)
                          : providers[i].empty() && customers[i] >= kLargeCustomers ? Size::kTier1
                          : customers[i] >= kLargeCustomers                         ? Size::kLarge
                                                                                    : Size::kSmall;
  }
  std::sort(order.begin(), order.end(), [&](AsIndex x, AsIndex y) {
    return std::tuple(graph.nodes[x].size, customers[y], x) <
           std::tuple(graph.nodes[y].size, customers[x], y);
  });
  const Placement placement;
  for (const AsIndex i : order) {
    Random random(combine(seed, graph.nodes[i].number));
    CityId home = placement.any_city(random);
    if (!providers[i].empty()) {
      const auto& near = graph.nodes[providers[i][random.below(providers[i].size())]].cities;
      if (!near.empty()) home = near[random.below(near.size())];
    }
    graph.nodes[i].cities = placement.cities_of(graph.nodes[i].size, home, random);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view file_name) : file_name_(file_name) {}

  void read(std::string_view text) {
    int number = 0;
    while (!text.empty() && faults_.size() < kMaxFaults) {
      const std::size_t end = text.find('\n');
      const std::string_view line = config::trimmed(text.substr(0, end));
      text = end == text.npos ? std::string_view{} : text.substr(end + 1);
      ++number;
      if (line.empty() || line.front() == '#') continue;
      const auto parsed = read_line(line);
      if (parsed) {
        add(*parsed);
      } else {
        faults_.push_back({file_name_, number, "", fmt::format("{}; {}", parsed.error(), kForm)});
      }
    }
  }

  Expected<AsGraph> take(std::uint64_t seed) {
    if (faults_.empty() && graph_.edges.empty()) {
      faults_.push_back({file_name_, 0, "", fmt::format("names no relationship; {}", kForm)});
    }
    if (faults_.empty() && graph_.nodes.size() > kMaxAses) {
      faults_.push_back({file_name_, 0, "",
                         fmt::format("names {} ASes; {} are the most that can be simulated",
                                     graph_.nodes.size(), kMaxAses)});
    }
    if (!faults_.empty()) return tl::unexpected(config::as_error(faults_));
    place(graph_, seed);
    return std::move(graph_);
  }

 private:
  AsIndex index_of(std::uint32_t number) {
    const auto [found, is_new] =
        indices_.try_emplace(number, static_cast<AsIndex>(graph_.nodes.size()));
    if (is_new) graph_.nodes.push_back({number, Size::kStub, {}});
    return found->second;
  }

  // Of a pair that stands twice, the first line holds.
  void add(const Line& line) {
    const std::uint64_t pair =
        std::uint64_t{std::min(line.a, line.b)} << 32 | std::max(line.a, line.b);
    if (!pairs_.insert(pair).second) return;
    const AsIndex a = index_of(line.a);
    const AsIndex b = index_of(line.b);
    graph_.edges.push_back({a, b, line.is_peering});
  }

  std::string file_name_;
  AsGraph graph_;
  config::Faults faults_;
  std::unordered_map<std::uint32_t, AsIndex> indices_;
  std::unordered_set<std::uint64_t> pairs_;
};

}  // namespace

Expected<AsGraph> parse_as_relationships(std::string_view text, std::string_view file_name,
                                         std::uint64_t seed) {
  Reader reader(file_name);
  reader.read(text);
  return reader.take(seed);
}

Expected<AsGraph> read_as_relationships(const std::filesystem::path& file, std::uint64_t seed) {
  const auto text = config::read_text_file(file);
  if (!text) return tl::unexpected(config::as_error(std::span(&text.error(), 1)));
  return parse_as_relationships(*text, file.string(), seed);
}

}  // namespace backsight::sim
