#include "sim/behaviour/traits.h"

#include "sim/draw.h"

namespace backsight::sim {
namespace {

constexpr double kHostsServeWeb = 0.15;
constexpr std::uint32_t kQuickestAccessNs = 200'000;
constexpr double kSlowestAccessNs = 18'000'000;

// What a draw is for: the same owner's draws are independent.
enum class Of : std::uint64_t {
  kRouter = 101,
  kAsOptions,
  kAsStamps,
  kAsTunnel,
  kAnswers,
  kHost,
  kHostExists,
  kRouterStamping,
  kBalancing,
  kSpoofing,
};

[[nodiscard]] std::uint64_t draw_of(std::uint64_t seed, Of of, std::uint64_t owner) noexcept {
  return combine(seed + static_cast<std::uint64_t>(of), owner);
}

Stamping stamping_of(double draw, const config::BehaviourConfig& shares) noexcept {
  if ((draw -= shares.hosts_stamp_nothing) < 0) return Stamping::kNothing;
  if ((draw -= shares.hosts_stamp_twice) < 0) return Stamping::kTwice;
  if ((draw -= shares.hosts_stamp_alias) < 0) return Stamping::kAlias;
  return Stamping::kOnce;
}

bool is_transit(Size size) noexcept { return size <= Size::kSmall; }

}  // namespace

Behaviour::Behaviour(const Internet& internet, const config::WorldConfig& config)
    : shares_(config.behaviour),
      seed_(config.seed),
      hosts_per_prefix24_(config.topology.hosts_per_prefix24) {
  routers_.reserve(internet.group_of_router.size());
  for (AsIndex i = 0; i < internet.ases.size(); ++i) draw_routers(internet, i);
}

void Behaviour::draw_routers(const Internet& internet, AsIndex index) {
  const As& as = internet.ases[index];
  const auto has = [&](Of of, double share) { return unit(draw_of(seed_, of, as.number)) < share; };
  const bool drops_options = !is_transit(as.size) && has(Of::kAsOptions, shares_.ases_drop_options);
  const bool stamps_nothing = has(Of::kAsStamps, shares_.ases_stamp_nothing);
  const bool tunnels = is_transit(as.size) && has(Of::kAsTunnel, shares_.ases_tunnel);
  const std::size_t end = index + 1 < internet.ases.size() ? internet.ases[index + 1].first_router
                                                           : internet.group_of_router.size();
  for (RouterId id = as.first_router; id < end; ++id) {
    Random random(draw_of(seed_, Of::kRouter, id));
    const GroupId group = internet.group_of_router[id];
    const Pop& pop = internet.pop_of(internet.groups[group]);
    RouterTraits traits{};
    double draw = random.unit();
    traits.stamps = (draw -= shares_.routers_stamp_nothing) < 0    ? Shown::kNothing
                    : (draw -= shares_.routers_stamp_ingress) < 0  ? Shown::kIngress
                    : (draw -= shares_.routers_stamp_loopback) < 0 ? Shown::kLoopback
                                                                   : Shown::kEgress;
    draw = random.unit();
    traits.expires_as = (draw -= shares_.routers_silent) < 0          ? Shown::kNothing
                        : (draw -= shares_.routers_show_loopback) < 0 ? Shown::kLoopback
                        : (draw -= shares_.routers_show_egress) < 0   ? Shown::kEgress
                                                                      : Shown::kIngress;
    traits.answers_ping = random.chance(shares_.routers_answer_ping);
    traits.answers_options = random.chance(shares_.routers_answer_options);
    traits.limits_icmp = random.chance(shares_.routers_limit_icmp);
    traits.limits_options = random.chance(shares_.routers_limit_options);
    traits.drops_options = drops_options;
    // A tunnel runs between border routers: it hides what lies between them.
    traits.is_hidden = tunnels && group == pop.core && pop.borders != 0 && pop.accesses != 0;
    if (stamps_nothing || traits.is_hidden) traits.stamps = Shown::kNothing;
    routers_.push_back(traits);
  }
}

AnswerTraits Behaviour::answers(std::uint32_t address) const noexcept {
  const std::uint64_t draw = draw_of(seed_, Of::kAnswers, address);
  const std::uint32_t kind = below(mix(draw), 8);
  return {unit(draw) < shares_.routers_quote_more, static_cast<std::uint8_t>(kind < 4   ? 64
                                                                             : kind < 7 ? 255
                                                                                        : 128)};
}

bool Behaviour::host_exists(Ipv4Addr address) const noexcept {
  const std::uint32_t last = address.value & 0xff;
  return last >= 2 && last != 255 &&
         below(draw_of(seed_, Of::kHostExists, address.value), 253) < hosts_per_prefix24_;
}

HostTraits Behaviour::host(Ipv4Addr address) const noexcept {
  HostTraits traits{};
  if (!host_exists(address)) return traits;
  // Sixteen bits a draw: every packet to a host asks.
  const std::uint64_t first = draw_of(seed_, Of::kHost, address.value);
  const std::uint64_t second = mix(first + 1);
  const auto part = [](std::uint64_t draw, int i) {
    return static_cast<double>(draw >> 16 * i & 0xffff) * 0x1p-16;
  };
  traits.exists = true;
  traits.answers_ping = part(first, 0) < shares_.hosts_answer_ping;
  traits.answers_options = part(first, 1) < shares_.hosts_answer_options;
  traits.refuses_tcp = part(first, 2) < shares_.hosts_refuse_tcp;
  traits.serves_web = part(first, 3) < kHostsServeWeb;
  traits.refuses_udp = part(second, 0) < shares_.hosts_refuse_udp;
  traits.stamping = stamping_of(part(second, 1), shares_);
  const double slowness = part(second, 2);
  traits.delay_ns = kQuickestAccessNs +
                    static_cast<std::uint32_t>(slowness * slowness * slowness * kSlowestAccessNs);
  return traits;
}

Stamping Behaviour::router_stamping(RouterId id) const noexcept {
  const Stamping stamping = stamping_of(unit(draw_of(seed_, Of::kRouterStamping, id)), shares_);
  return routers_[id].stamps == Shown::kNothing ? Stamping::kNothing : stamping;
}

Balancing Behaviour::balancing(GroupId group) const noexcept {
  double draw = unit(draw_of(seed_, Of::kBalancing, group));
  if ((draw -= shares_.balancers_by_packet) < 0) return Balancing::kByPacket;
  if ((draw -= shares_.balancers_by_address) < 0) return Balancing::kByAddress;
  return Balancing::kByFlow;
}

bool Behaviour::filters_spoofed(AsIndex as) const noexcept {
  return unit(draw_of(seed_, Of::kSpoofing, as)) < shares_.ases_filter_spoofed;
}

}  // namespace backsight::sim
