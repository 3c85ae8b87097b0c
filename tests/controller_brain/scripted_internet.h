// An Internet of routers drawn from a seed, with routes that differ by direction, that answers
// tasks instead of packets: what a fleet of vantage points would report of it, and when.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/annotation/alias_table.h"
#include "controller/annotation/prefix_table.h"
#include "controller/now.h"
#include "controller/vantage/vantage_table.h"
#include "probes/ip/address.h"
#include "tasks/result.h"
#include "tasks/task.h"

namespace backsight::controller {

using probes::Ipv4Addr;

class ScriptedInternet {
 public:
  struct Shape {
    std::size_t ases = 6;
    std::size_t routers_per_as = 4;
    std::size_t vps = 5;
    std::size_t hosts = 12;
  };
  ScriptedInternet(std::uint64_t seed, const Shape& shape);

  struct Host {
    Ipv4Addr address;
    Ipv4Addr gateway;
    std::size_t router = 0;
    bool answers = true;
    bool answers_record_route = true;
    bool stamps = true;
  };

  // What vantage point `vp` (0..vps-1) reports of a task, and what others see of it.
  struct Report {
    std::size_t vp = 0;
    SteadyNs after = 0;
    tasks::ResultBatch results;
  };
  [[nodiscard]] std::vector<Report> run(std::size_t vp, const tasks::Task& task);

  [[nodiscard]] Announcement announcement(std::size_t vp, std::uint64_t updated_at_ns) const;
  [[nodiscard]] Ipv4Addr vp_address(std::size_t vp) const { return vps_[vp].address; }
  [[nodiscard]] std::size_t vp_count() const { return vps_.size(); }
  [[nodiscard]] std::vector<Host>& hosts() { return hosts_; }
  // A host that was not drawn, in the network of another one.
  Ipv4Addr add_neighbour(std::size_t host, std::uint32_t offset);

  // Routers from the destination's to the source's, in order. -1: no router of ours.
  [[nodiscard]] std::vector<int> true_path(Ipv4Addr from, Ipv4Addr to) const;
  [[nodiscard]] int router_of(Ipv4Addr address) const;
  [[nodiscard]] PrefixTable prefixes() const;
  [[nodiscard]] AliasTable aliases() const;
  [[nodiscard]] const std::vector<Ipv4Addr>& addresses_of(std::size_t router) const {
    return routers_[router].addresses;
  }

  // Changes the costs of links, and so the routes.
  void change_routes(std::uint64_t seed);

  // Behaviour of the fleet.
  std::set<std::size_t> cannot_spoof;
  std::set<std::size_t> deaf;  // get no spoofed reply
  std::set<std::size_t> mute;  // report nothing
  std::set<std::size_t> silent_routers;
  std::map<std::size_t, Ipv4Addr> shows;  // routers that stamp and answer with no other address
  double loss = 0;                        // of each probe's answer
  SteadyNs queue_delay = 12 * kMillisecond;
  SteadyNs hop_delay = kMillisecond / 2;
  std::uint64_t probes_sent = 0;  // packets: a trace is one for each attempt
  std::map<Ipv4Addr, std::uint64_t> probes_to;
  std::map<Ipv4Addr, std::uint64_t> spoofed_as;  // tasks, by the source that they claim

 private:
  struct Router {
    std::size_t as = 0;
    std::vector<Ipv4Addr> addresses;
    std::map<std::size_t, Ipv4Addr> towards;  // interface to a neighbour
  };
  struct Link {
    std::size_t a, b;
    unsigned cost_ab, cost_ba;
  };

  void join(std::size_t a, std::size_t b);
  void draw_costs(std::uint64_t seed);
  void find_routes();
  Host make_host(std::size_t router);
  Ipv4Addr next_address(std::size_t as);
  [[nodiscard]] std::vector<std::size_t> route(std::size_t from, std::size_t to) const;
  [[nodiscard]] const Host* host_at(Ipv4Addr address) const;
  [[nodiscard]] std::optional<std::size_t> place_of(Ipv4Addr address) const;
  [[nodiscard]] Ipv4Addr egress(std::size_t router, const std::vector<std::size_t>& way,
                                std::size_t at, Ipv4Addr to) const;
  [[nodiscard]] tasks::Recorded record(Ipv4Addr from, Ipv4Addr dst, Ipv4Addr back) const;
  [[nodiscard]] std::size_t length(Ipv4Addr from, Ipv4Addr to) const;
  [[nodiscard]] bool answers(const tasks::Task& task) const;
  Report trace(std::size_t vp, const tasks::Task& task);
  bool is_lost() { return loss > 0 && std::uniform_real_distribution<>(0, 1)(random_) < loss; }

  std::vector<Router> routers_;
  std::vector<Link> links_;
  std::vector<std::vector<std::size_t>> next_;  // [to][from]
  std::vector<Host> hosts_;
  std::vector<Host> vps_;
  std::vector<std::uint32_t> next_link_, next_lan_;
  std::map<Ipv4Addr, std::size_t> owner_;
  std::mt19937_64 random_;
};

}  // namespace backsight::controller
