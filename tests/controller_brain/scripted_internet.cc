#include "tests/controller_brain/scripted_internet.h"

#include <algorithm>
#include <limits>

namespace backsight::controller {

namespace {

constexpr std::size_t kSlots = 9;
constexpr std::uint32_t kFirstAs = 64501;
// AS i owns 198.18.16.0/20, 198.18.32.0/20, ...: links from its third /24 on, networks of hosts
// above.
constexpr std::uint32_t kBlock = 0x1000;
constexpr std::uint32_t kFirstBlock = 0xc6121000;

}  // namespace

ScriptedInternet::ScriptedInternet(std::uint64_t seed, const Shape& shape) : random_(seed) {
  const auto below = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most - 1)(random_);
  };
  next_link_.assign(shape.ases, 0);
  next_lan_.assign(shape.ases, 0);
  for (std::size_t as = 0; as < shape.ases; ++as) {
    const std::size_t first = routers_.size();
    for (std::size_t i = 0; i < shape.routers_per_as; ++i) {
      routers_.push_back({as, {}, {}});
      const Ipv4Addr loopback{kFirstBlock + static_cast<std::uint32_t>(as) * kBlock + 1 +
                              static_cast<std::uint32_t>(i)};
      routers_.back().addresses.push_back(loopback);
      owner_[loopback] = routers_.size() - 1;
      if (i > 0) join(first + i - 1, first + i);
    }
    if (shape.routers_per_as > 3) join(first, first + shape.routers_per_as - 1);
  }
  const std::size_t per = shape.routers_per_as;
  for (std::size_t as = 1; as < shape.ases; ++as)
    join(as * per + below(per), (as - 1) * per + below(per));
  for (std::size_t i = 0; i < shape.ases; ++i) {
    const std::size_t a = below(shape.ases), b = below(shape.ases);
    if (a != b) join(a * per + below(per), b * per + below(per));
  }
  draw_costs(random_());
  for (std::size_t i = 0; i < shape.vps; ++i) vps_.push_back(make_host(below(routers_.size())));
  for (std::size_t i = 0; i < shape.hosts; ++i) hosts_.push_back(make_host(below(routers_.size())));
}

Ipv4Addr ScriptedInternet::next_address(std::size_t as) {
  return {kFirstBlock + static_cast<std::uint32_t>(as) * kBlock + 0x200 + next_link_[as]++};
}

void ScriptedInternet::join(std::size_t a, std::size_t b) {
  if (routers_[a].towards.contains(b)) return;
  const auto own = [&](std::size_t router, std::size_t other, Ipv4Addr address) {
    routers_[router].towards[other] = address;
    routers_[router].addresses.push_back(address);
    owner_[address] = router;
  };
  if (routers_[a].as == routers_[b].as) {
    std::uint32_t& next = next_link_[routers_[a].as];
    next = (next + 3) / 4 * 4 + 1;
    own(a, b, next_address(routers_[a].as));
    own(b, a, next_address(routers_[a].as));
  } else {  // each AS numbers its own end
    own(a, b, next_address(routers_[a].as));
    own(b, a, next_address(routers_[b].as));
  }
  links_.push_back({a, b, 1, 1});
}

void ScriptedInternet::draw_costs(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (Link& link : links_) {
    link.cost_ab = 8 + static_cast<unsigned>(random() % 80);
    link.cost_ba = 8 + static_cast<unsigned>(random() % 80);
  }
  find_routes();
}

void ScriptedInternet::change_routes(std::uint64_t seed) { draw_costs(seed); }

void ScriptedInternet::find_routes() {
  const std::size_t count = routers_.size();
  next_.assign(count, std::vector<std::size_t>(count, count));
  for (std::size_t to = 0; to < count; ++to) {
    std::vector<unsigned> cost(count, std::numeric_limits<unsigned>::max());
    cost[to] = 0;
    for (std::size_t round = 0; round < count; ++round) {
      for (const Link& link : links_) {
        const auto relax = [&](std::size_t from, std::size_t by, unsigned of) {
          if (cost[by] == std::numeric_limits<unsigned>::max() || cost[by] + of >= cost[from])
            return;
          cost[from] = cost[by] + of;
          next_[to][from] = by;
        };
        relax(link.a, link.b, link.cost_ab);
        relax(link.b, link.a, link.cost_ba);
      }
    }
  }
}

ScriptedInternet::Host ScriptedInternet::make_host(std::size_t router) {
  const std::size_t as = routers_[router].as;
  const std::uint32_t lan = kFirstBlock + static_cast<std::uint32_t>(as) * kBlock + 0x600 +
                            0x100 * (next_lan_[as]++ % 10);
  Host host;
  host.router = router;
  const std::uint32_t round = next_lan_[as] / 11 * 0x40;
  host.gateway = {lan + round + 1};
  host.address = {lan + round + 10};
  routers_[router].addresses.push_back(host.gateway);
  owner_[host.gateway] = router;
  return host;
}

Ipv4Addr ScriptedInternet::add_neighbour(std::size_t host, std::uint32_t offset) {
  Host neighbour = hosts_[host];
  neighbour.address.value += offset;
  hosts_.push_back(neighbour);
  return neighbour.address;
}

std::vector<std::size_t> ScriptedInternet::route(std::size_t from, std::size_t to) const {
  std::vector<std::size_t> way{from};
  while (way.back() != to) way.push_back(next_[to][way.back()]);
  return way;
}

const ScriptedInternet::Host* ScriptedInternet::host_at(Ipv4Addr address) const {
  for (const auto* const all : {&hosts_, &vps_}) {
    const auto at = std::ranges::find(*all, address, &Host::address);
    if (at != all->end()) return &*at;
  }
  return nullptr;
}

std::optional<std::size_t> ScriptedInternet::place_of(Ipv4Addr address) const {
  if (const auto at = owner_.find(address); at != owner_.end()) return at->second;
  if (const Host* const host = host_at(address)) return host->router;
  return std::nullopt;
}

int ScriptedInternet::router_of(Ipv4Addr address) const {
  const auto at = owner_.find(address);
  return at == owner_.end() ? -1 : static_cast<int>(at->second);
}

Ipv4Addr ScriptedInternet::egress(std::size_t router, const std::vector<std::size_t>& way,
                                  std::size_t at, Ipv4Addr to) const {
  if (const auto shown = shows.find(router); shown != shows.end()) return shown->second;
  if (at + 1 < way.size()) return routers_[router].towards.at(way[at + 1]);
  const Host* const host = host_at(to);
  return host != nullptr ? host->gateway : to;
}

std::size_t ScriptedInternet::length(Ipv4Addr from, Ipv4Addr to) const {
  return route(*place_of(from), *place_of(to)).size();
}

// What a Linux network stamps: each router the interface that the packet leaves by, the destination
// its own address twice.
tasks::Recorded ScriptedInternet::record(Ipv4Addr from, Ipv4Addr dst, Ipv4Addr back) const {
  std::vector<Ipv4Addr> stamps;
  const auto there = route(*place_of(from), *place_of(dst));
  const Host* const host = host_at(dst);
  for (std::size_t i = 0; i < there.size(); ++i) {
    const bool is_target = host == nullptr && i + 1 == there.size();
    if (!is_target) stamps.push_back(egress(there[i], there, i, dst));
  }
  if (host == nullptr || host->stamps) stamps.insert(stamps.end(), 2, dst);
  const auto home = route(*place_of(dst), *place_of(back));
  for (std::size_t i = host == nullptr ? 1 : 0; i < home.size(); ++i) {
    stamps.push_back(egress(home[i], home, i, back));
  }
  tasks::Recorded recorded;
  recorded.what = tasks::Recorded::What::kRoute;
  recorded.slots = kSlots;
  recorded.count = static_cast<std::uint8_t>(std::min(stamps.size(), kSlots));
  std::copy_n(stamps.begin(), recorded.count, recorded.addresses.begin());
  return recorded;
}

bool ScriptedInternet::answers(const tasks::Task& task) const {
  const auto place = place_of(task.dst);
  if (!place) return false;
  const Host* const host = host_at(task.dst);
  if (host == nullptr) return !silent_routers.contains(*place);
  return host->answers && (task.kind != probes::Kind::kRecordRoute || host->answers_record_route);
}

ScriptedInternet::Report ScriptedInternet::trace(std::size_t vp, const tasks::Task& task) {
  tasks::TraceResult result;
  result.head.task = task.id;
  result.head.kind = task.kind;
  result.head.src = vps_[vp].address;
  result.head.dst = task.dst;
  result.head.sent_at_ns = 1;
  const auto place = place_of(task.dst);
  std::vector<std::size_t> way;
  if (place) way = route(vps_[vp].router, *place);
  const bool is_host = host_at(task.dst) != nullptr;
  const bool reaches = answers(task);
  std::size_t silent = 0;
  const auto add = [&](std::size_t ttl, Ipv4Addr from, bool has_reply) {
    tasks::Hop hop;
    hop.ttl = static_cast<std::uint8_t>(ttl);
    hop.attempt = 1;
    hop.has_reply = has_reply;
    hop.reply.from = from;
    hop.rtt_ns = ttl * kMillisecond;
    result.hops.push_back(hop);
    ++probes_sent;
    silent = has_reply ? 0 : silent + 1;
  };
  result.head.outcome = tasks::Outcome::kMaxTtl;
  const std::size_t routers = is_host || way.empty() ? way.size() : way.size() - 1;
  for (std::size_t ttl = task.first_ttl; ttl <= task.max_ttl; ++ttl) {
    if (silent == task.gap_limit) {
      result.head.outcome = tasks::Outcome::kGapLimit;
      break;
    }
    if (ttl <= routers) {
      // Of the interface that faces the source.
      const std::size_t router = way[ttl - 1];
      const auto home = route(router, vps_[vp].router);
      add(ttl, egress(router, home, 0, vps_[vp].address), !silent_routers.contains(router));
    } else if (reaches) {
      add(ttl, task.dst, true);
      result.head.outcome = tasks::Outcome::kReached;
      break;
    } else {
      add(ttl, {}, false);
    }
  }
  Report report;
  report.vp = vp;
  report.after = queue_delay + result.hops.size() * hop_delay * 2;
  if (silent > 0) report.after += 2 * kSecond;
  report.results.traces.push_back(std::move(result));
  return report;
}

std::vector<ScriptedInternet::Report> ScriptedInternet::run(std::size_t vp,
                                                            const tasks::Task& task) {
  ++probes_to[task.dst];
  if (!task.src.is_unspecified() && task.src != vps_[vp].address) ++spoofed_as[task.src];
  if (mute.contains(vp)) return {};
  if (task.kind == probes::Kind::kTrace) return {trace(vp, task)};
  ++probes_sent;
  const bool is_spoofed = !task.src.is_unspecified() && task.src != vps_[vp].address;
  const Ipv4Addr back = is_spoofed ? task.src : vps_[vp].address;
  tasks::ProbeResult result;
  result.task = task.id;
  result.kind = task.kind;
  result.src = back;
  result.dst = task.dst;
  result.sent_at_ns = 1;
  const bool is_answered = answers(task) && !is_lost();
  const SteadyNs rtt =
      place_of(task.dst) ? (length(vps_[vp].address, task.dst) + length(task.dst, back)) * hop_delay
                         : SteadyNs{0};
  tasks::Recorded recorded;
  if (is_answered && task.kind == probes::Kind::kRecordRoute) {
    recorded = record(vps_[vp].address, task.dst, back);
  }
  std::vector<Report> reports;
  if (!is_spoofed) {
    result.outcome = is_answered ? tasks::Outcome::kReplied : tasks::Outcome::kTimedOut;
    result.rtt_ns = is_answered ? rtt : 0;
    result.has_reply = is_answered;
    result.reply.from = task.dst;
    result.recorded = recorded;
    reports.push_back({vp, queue_delay + (is_answered ? rtt : task.timeout_ms * kMillisecond), {}});
    reports.back().results.probes.push_back(result);
    return reports;
  }
  result.outcome = tasks::Outcome::kSent;
  reports.push_back({vp, queue_delay, {}});
  reports.back().results.probes.push_back(result);
  const auto receiver = std::ranges::find(vps_, back, &Host::address) - vps_.begin();
  const auto at = static_cast<std::size_t>(receiver);
  if (!is_answered || cannot_spoof.contains(vp) || deaf.contains(at) || mute.contains(at) ||
      at >= vps_.size()) {
    return reports;
  }
  tasks::Observation seen;
  seen.task = task.id;
  seen.src = back;
  seen.dst = task.dst;
  seen.probe_vp = static_cast<std::uint16_t>(vp + 1);
  seen.kind = task.kind;
  seen.reply.from = task.dst;
  seen.recorded = recorded;
  reports.push_back({at, queue_delay + rtt, {}});
  reports.back().results.observations.push_back(seen);
  return reports;
}

Announcement ScriptedInternet::announcement(std::size_t vp, std::uint64_t updated_at_ns) const {
  Announcement said;
  said.name = "vp" + std::to_string(vp + 1);
  said.number = static_cast<std::uint16_t>(vp + 1);
  said.address = vps_[vp].address;
  said.gateway = vps_[vp].gateway;
  said.is_ready = true;
  said.started_at_ns = 1;
  said.updated_at_ns = updated_at_ns;
  return said;
}

std::vector<int> ScriptedInternet::true_path(Ipv4Addr from, Ipv4Addr to) const {
  std::vector<int> path;
  for (const std::size_t router : route(*place_of(from), *place_of(to))) {
    path.push_back(static_cast<int>(router));
  }
  return path;
}

PrefixTable ScriptedInternet::prefixes() const {
  std::vector<Origin> origins;
  for (std::uint32_t as = 0; as < next_link_.size(); ++as) {
    origins.push_back({{{kFirstBlock + as * kBlock}, 20}, kFirstAs + as});
  }
  return PrefixTable::of(std::move(origins));
}

AliasTable ScriptedInternet::aliases() const {
  AliasTable table;
  for (const Router& router : routers_) {
    for (const Ipv4Addr address : router.addresses) table.unite(router.addresses[0], address);
  }
  return table;
}

}  // namespace backsight::controller
