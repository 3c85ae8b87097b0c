#include "sim/truth/files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>

namespace backsight::sim {
namespace {

using Fill = std::function<void(std::ofstream&)>;

Expected<void> write(const std::filesystem::path& file, const Fill& fill) {
  std::ofstream out(file);
  if (out) fill(out);
  out.close();
  if (out) return {};
  return run_failed(fmt::format("{}: cannot be written ({})", file.string(), std::strerror(errno)));
}

void fill_prefixes(const World& world, std::ofstream& out) {
  for (const Prefix& it : world.prefixes()) {
    out << fmt::format("{}\t{}\t{}\n", to_string(it.prefix.base), it.prefix.length,
                       world.internet().ases[it.as].number);
  }
}

void fill_exchanges(const World& world, std::ofstream& out) {
  out << R"({"data":[)";
  const char* before = "\n";
  world.for_each_exchange_member([&](Ipv4Addr address, std::uint32_t as_number) {
    out << before << fmt::format(R"({{"asn":{},"ipaddr4":"{}"}})", as_number, to_string(address));
    before = ",\n";
  });
  out << "\n]}\n";
}

void fill_aliases(const World& world, std::ofstream& out) {
  RouterId last = kNone;
  world.for_each_interface([&](RouterId router, Ipv4Addr address) {
    if (last != kNone) out << (router == last ? ' ' : '\n');
    out << to_string(address);
    last = router;
  });
  out << '\n';
}

void fill_hosts(const World& world, std::ofstream& out) {
  world.for_each_host([&](Ipv4Addr address, const HostTraits& traits) {
    if (traits.answers_ping) {
      out << to_string(address) << (traits.answers_options ? " rr\n" : " -\n");
    }
    return true;
  });
}

void fill_vantage_points(const World& world, std::ofstream& out) {
  std::size_t number = 0;
  for (const VantagePoint& vp : world.vantage_points()) {
    out << fmt::format("{}\t{}/{}\t{}\t{}\t{}\t{}\n", number++, to_string(vp.address),
                       vp.prefix_length, to_string(vp.gateway), world.internet().ases[vp.as].number,
                       cities()[vp.city].name, world.can_spoof(vp) ? "spoofs" : "-");
  }
}

std::string text_of(Ipv4Addr address) {
  return address.is_unspecified() ? "-" : to_string(address);
}

std::string quoted(Ipv4Addr address) {
  return address.is_unspecified() ? "null" : fmt::format("\"{}\"", to_string(address));
}

}  // namespace

Expected<void> write_lists(const World& world, const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return run_failed(fmt::format("{}: cannot be made ({})", folder.string(), failed.message()));
  }
  const std::pair<const char*, void (*)(const World&, std::ofstream&)> files[] = {
      {"pfx2as.txt", fill_prefixes},
      {"exchanges.json", fill_exchanges},
      {"aliases.txt", fill_aliases},
      {"hosts.txt", fill_hosts},
      {"vantage-points.txt", fill_vantage_points}};
  for (const auto& [name, fill] : files) {
    const auto written =
        write(folder / name, [&, fill = fill](std::ofstream& out) { fill(world, out); });
    if (!written) return written;
  }
  return {};
}

std::string path_table(const Path& path) {
  std::string table =
      fmt::format("{:>3}  {:<15}  {:>7}  {:<15}  {:<15}  {:<15}  {:<15}  {:>8}  {}\n", "HOP",
                  "LOOPBACK", "AS", "IN", "OUT", "STAMPS", "SHOWS", "MS", "");
  std::size_t number = 0;
  for (const Hop& hop : path.hops) {
    std::string notes;
    if (hop.is_hidden) notes += "hidden ";
    if (hop.drops_options) notes += "drops options ";
    if (hop.alternatives > 1) notes += fmt::format("one of {}", hop.alternatives);
    table += fmt::format("{:>3}  {:<15}  {:>7}  {:<15}  {:<15}  {:<15}  {:<15}  {:>8.3f}  {}\n",
                         ++number, to_string(hop.loopback), hop.as_number, text_of(hop.in),
                         text_of(hop.out), text_of(hop.stamps), text_of(hop.shows),
                         static_cast<double>(hop.delay_ns) / 1e6, notes);
  }
  return table + fmt::format("{:.3f} ms one way\n", static_cast<double>(path.delay_ns) / 1e6);
}

std::string path_json(Ipv4Addr from, Ipv4Addr to, const Path& path) {
  std::string json = fmt::format(R"({{"from":"{}","to":"{}","delay_ns":{},"hops":[)",
                                 to_string(from), to_string(to), path.delay_ns);
  for (const Hop& hop : path.hops) {
    if (&hop != path.hops.data()) json += ',';
    json += fmt::format(
        R"({{"loopback":"{}","asn":{},"in":{},"out":{},"stamps":{},"shows":{},"hidden":{},)"
        R"("drops_options":{},"alternatives":{},"delay_ns":{}}})",
        to_string(hop.loopback), hop.as_number, quoted(hop.in), quoted(hop.out), quoted(hop.stamps),
        quoted(hop.shows), hop.is_hidden, hop.drops_options, hop.alternatives, hop.delay_ns);
  }
  return json + "]}\n";
}

}  // namespace backsight::sim
