#include "sim/world.h"

#include <algorithm>

#include "probes/wire/icmp.h"
#include "probes/wire/ipv4.h"
#include "sim/draw.h"

namespace backsight::sim {
namespace {

namespace icmp = probes::icmp;
namespace ipv4 = probes::ipv4;

constexpr std::uint32_t kPrivateAlias = 0xc0a80000;  // 192.168/16: what hosts behind a NAT stamp
constexpr std::uint8_t kPortUnreachable = 3;
constexpr std::uint16_t kWebPorts[] = {80, 443};
constexpr std::uint64_t kAnswerNs = 40'000;  // from receiving to answering

// The router's interface in the /24 of a host.
constexpr std::uint32_t gateway_of(Ipv4Addr host) { return (host.value & 0xffffff00U) | 1U; }

constexpr bool is_host(Endpoint::Kind kind) { return kind != Endpoint::Kind::kRouter; }

}  // namespace

std::string_view name(Fate fate) noexcept {
  constexpr std::string_view kNames[] = {
      "answered",         "delivered",    "malformed",   "no_sender",       "spoof_filtered",
      "unrouted",         "lost",         "answer_lost", "options_dropped", "options_limited",
      "expired_silently", "icmp_limited", "nobody",      "no_answer",       "answer_elsewhere"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Fate::kCount));
  return kNames[static_cast<std::size_t>(fate)];
}

void Deliveries::add(std::uint32_t vantage_point, std::uint64_t at_ns,
                     std::span<const std::byte> packet) {
  deliveries_.push_back({vantage_point, static_cast<std::uint32_t>(bytes_.size()), at_ns,
                         static_cast<std::uint16_t>(packet.size())});
  bytes_.insert(bytes_.end(), packet.begin(), packet.end());
}

void Deliveries::clear() noexcept {
  deliveries_.clear();
  bytes_.clear();
}

Expected<std::unique_ptr<World>> World::make(const config::WorldConfig& config) {
  AsGraph graph;
  if (config.topology.as_relationships.empty()) {
    graph = generate_as_graph(config.topology.ases, config.seed);
  } else {
    auto read = read_as_relationships(config.topology.as_relationships, config.seed);
    if (!read) return tl::unexpected(std::move(read.error()));
    graph = std::move(*read);
  }
  auto internet = build_internet(graph, config);
  if (!internet) return tl::unexpected(std::move(internet.error()));
  return std::unique_ptr<World>(new World(config, std::move(*internet)));
}

World::World(const config::WorldConfig& config, Internet internet)
    : config_(config),
      internet_(std::move(internet)),
      behaviour_(internet_, config_),
      paths_(internet_, behaviour_, config_),
      forwarder_(internet_, behaviour_, config_),
      icmp_(internet_.group_of_router.size(), config_.behaviour.icmp_limit_pps) {}

Endpoint World::endpoint(Ipv4Addr address) const noexcept {
  const Slash24 use = internet_.use_of(address);
  Endpoint end;
  if (use.use == Use::kNothing) return end;
  if (use.use == Use::kVantagePoint && address == internet_.vantage_points[use.owner].address) {
    const VantagePoint& vp = internet_.vantage_points[use.owner];
    return {Endpoint::Kind::kVantagePoint, vp.as, vp.group, 0, kNone, use.owner, vp.as, kNone};
  }
  if (use.use == Use::kHosts) {
    end.as = end.owner = use.owner;
    end.group = use.access;
    end.kind = behaviour_.host_exists(address) ? Endpoint::Kind::kHost : Endpoint::Kind::kNobody;
    if (address.value == gateway_of(address)) {
      end.kind = Endpoint::Kind::kRouter;
      end.router = internet_.groups[end.group].first_router;
    }
    return end;
  }
  if (const auto router = router_of(internet_, address)) {
    end.kind = Endpoint::Kind::kRouter;
    end.router = *router;
    end.group = internet_.group_of_router[*router];
    end.as = internet_.groups[end.group].as;
    end.member = static_cast<std::uint8_t>(*router - internet_.groups[end.group].first_router);
    end.owner = end.as;
    if (use.use == Use::kRouters && use.owner != end.as) {
      end.owner = use.owner;
      end.through = hosting_link(internet_, use.owner, address);
    }
    return end;
  }
  // An address of a block that no interface has: where the block is routed to, it ends.
  if (use.use == Use::kExchange) return end;
  end.kind = Endpoint::Kind::kNobody;
  end.as = use.use == Use::kVantagePoint ? internet_.vantage_points[use.owner].as : use.owner;
  end.owner = end.as;
  end.group = use.access;
  return end;
}

// In two steps, a packet apart: the second reads what the first has asked for.
void World::expect(std::span<const std::byte> packet, Ipv4Addr from) noexcept {
  const Slash24 use = internet_.use_of(expected_.to);
  const Slash24 sender = internet_.use_of(expected_.from);
  if (use.use == Use::kHosts && sender.use == Use::kVantagePoint) {
    paths_.prepare(internet_.vantage_points[sender.owner].as, use.access, use.owner);
  }
  if (packet.size() < ipv4::kMinHeaderBytes) return;
  expected_ = {from, ipv4::HeaderView(packet.data()).destination()};
  internet_.prepare_use_of(expected_.to);
}

Fate World::inject(std::span<const std::byte> packet, Ipv4Addr from, std::uint64_t now_ns,
                   Deliveries& out) {
  const Fate fate = take(packet, from, now_ns, out);
  ++fates_[static_cast<std::size_t>(fate)];
  return fate;
}

bool World::is_lost(std::uint64_t draw) const noexcept {
  return unit(mix(draw + 1)) < config_.dynamics.loss;
}

// A long tail: the mean of 4 u^3 is 1.
std::uint64_t World::jitter_ns(std::uint64_t draw) const noexcept {
  const double u = unit(mix(draw + 2));
  return static_cast<std::uint64_t>(4 * u * u * u * config_.dynamics.jitter_us * 1000.0);
}

std::uint16_t World::draw_ip_id() const noexcept {
  return static_cast<std::uint16_t>(mix(draw_ + 3));
}

Fate World::take(std::span<const std::byte> bytes, Ipv4Addr from, std::uint64_t now_ns,
                 Deliveries& out) {
  if (packet_.read(bytes) != Malformed::kWellFormed || packet_.ttl() == 0) return Fate::kMalformed;
  const Endpoint sender = endpoint(from);
  if (sender.kind != Endpoint::Kind::kVantagePoint) return Fate::kNoSender;
  if (packet_.source() != from && behaviour_.filters_spoofed(sender.as)) {
    return Fate::kSpoofFiltered;
  }
  const Endpoint receiver = endpoint(packet_.destination());
  if (receiver.kind == Endpoint::Kind::kUnrouted) return Fate::kUnrouted;
  Trip trip;
  trip.flow = packet_.flow();
  // The same packet at another time has other luck, and so has another packet at the same time.
  draw_ = combine(
      combine(trip.flow.ports ^ config_.seed, now_ns),
      std::uint64_t{probes::load_be16(packet_.bytes().data() + ipv4::kId)} << 8 | packet_.ttl());
  trip.draw = draw_;
  trip.path = paths_.find(sender.group, receiver.target(), now_ns);
  if (trip.path.stages.empty()) return Fate::kUnrouted;
  if (is_lost(draw_)) return Fate::kLost;
  trip.host_in = gateway_of(from);
  trip.host_out = gateway_of(packet_.destination());
  trip.ends_at_router = receiver.kind == Endpoint::Kind::kRouter;
  trip.last_member = receiver.member;
  Passed passed = forwarder_.forward(trip, packet_, now_ns + jitter_ns(draw_));
  switch (passed.how) {
    case Passage::kArrived:
      return arrive(receiver, passed.at_ns, out);
    case Passage::kExpired:
      return expire(passed, out);
    case Passage::kOptionsDropped:
      return Fate::kOptionsDropped;
    case Passage::kOptionsLimited:
      break;
  }
  return Fate::kOptionsLimited;
}

Fate World::expire(const Passed& passed, Deliveries& out) {
  const Place& place = passed.place;
  const RouterTraits& traits = behaviour_.router(place.router);
  const std::uint32_t address = shown_address(internet_, place, traits.expires_as);
  if (address == 0) return Fate::kExpiredSilently;
  if (traits.limits_icmp && !icmp_.admits(place.router, passed.at_ns)) return Fate::kIcmpLimited;
  const AnswerTraits answers = behaviour_.answers(place.router);
  if (!packet_.turn_into_error({address}, icmp::kTimeExceeded, 0, answers.quotes_all,
                               answers.initial_ttl, draw_ip_id())) {
    return Fate::kNoAnswer;
  }
  const Endpoint router{Endpoint::Kind::kRouter,
                        internet_.groups[place.group].as,
                        place.group,
                        place.member,
                        place.router,
                        kNone};
  return send_back(router, passed.at_ns + kAnswerNs, out);
}

Fate World::arrive(const Endpoint& at, std::uint64_t at_ns, Deliveries& out) {
  switch (at.kind) {
    case Endpoint::Kind::kHost:
      return answer_for_host(at, at_ns, out);
    case Endpoint::Kind::kRouter:
      return answer_for_router(at, at_ns, out);
    case Endpoint::Kind::kVantagePoint:
      break;
    case Endpoint::Kind::kUnrouted:
    case Endpoint::Kind::kNobody:
      return Fate::kNobody;
  }
  const Ipv4Addr own = internet_.vantage_points[at.vantage_point].address;
  if (config_.topology.vantage_points_answer && packet_.protocol() == ipv4::kProtocolIcmp &&
      answer_echo(own, Stamping::kOnce, own.value, at_ns)) {
    return send_back(at, at_ns + kAnswerNs, out);
  }
  packet_.settle();
  out.add(at.vantage_point, at_ns, packet_.bytes());
  return Fate::kDelivered;
}

// Turns the packet into an echo reply, its options stamped as the owner of the address does.
bool World::answer_echo(Ipv4Addr owner, Stamping stamping, std::uint32_t alias,
                        std::uint64_t at_ns) {
  const std::uint32_t address = stamping == Stamping::kAlias ? alias : owner.value;
  const int stamps = stamping == Stamping::kNothing ? 0 : stamping == Stamping::kTwice ? 2 : 1;
  const AnswerTraits answers = behaviour_.answers(owner.value);
  if (!packet_.turn_into_echo_reply(answers.initial_ttl, draw_ip_id())) return false;
  for (int i = 0; i < stamps; ++i) {
    packet_.stamp_route(address);
    packet_.stamp_time(address, milliseconds_of_day(at_ns), [&](std::uint32_t asked) {
      return asked == owner.value || asked == address;
    });
  }
  return true;
}

bool World::answer_udp(Ipv4Addr owner) {
  const AnswerTraits answers = behaviour_.answers(owner.value);
  return packet_.turn_into_error(owner, icmp::kUnreachable, kPortUnreachable, answers.quotes_all,
                                 answers.initial_ttl, draw_ip_id());
}

Fate World::answer_for_host(const Endpoint& at, std::uint64_t at_ns, Deliveries& out) {
  const Ipv4Addr own = packet_.destination();
  const HostTraits traits = behaviour_.host(own);
  at_ns += traits.delay_ns;
  if (packet_.has_options() && !traits.answers_options) return Fate::kNoAnswer;
  bool answers = false;
  if (packet_.protocol() == ipv4::kProtocolIcmp) {
    const std::uint32_t alias = kPrivateAlias | (own.value & 0xffff);
    answers = traits.answers_ping && answer_echo(own, traits.stamping, alias, at_ns);
  } else if (packet_.protocol() == ipv4::kProtocolUdp) {
    answers = traits.refuses_udp && answer_udp(own);
  } else if (packet_.protocol() == ipv4::kProtocolTcp && packet_.payload().size() >= 4) {
    const std::uint16_t port = probes::load_be16(packet_.payload().data() + 2);
    const bool is_open = traits.serves_web && (port == kWebPorts[0] || port == kWebPorts[1]);
    answers = (is_open || traits.refuses_tcp) &&
              packet_.turn_into_tcp_answer(is_open, behaviour_.answers(own.value).initial_ttl,
                                           draw_ip_id());
  }
  if (!answers) return Fate::kNoAnswer;
  return send_back(at, at_ns + kAnswerNs + traits.delay_ns, out);
}

Fate World::answer_for_router(const Endpoint& at, std::uint64_t at_ns, Deliveries& out) {
  const Ipv4Addr own = packet_.destination();
  const RouterTraits& traits = behaviour_.router(at.router);
  if (!traits.answers_ping) return Fate::kNoAnswer;
  if (packet_.has_options() && !traits.answers_options) return Fate::kNoAnswer;
  bool answers = false;
  if (packet_.protocol() == ipv4::kProtocolIcmp) {
    const As& as = internet_.ases[at.as];
    answers = answer_echo(own, behaviour_.router_stamping(at.router),
                          as.loopback_base + (at.router - as.first_router), at_ns);
  } else if (packet_.protocol() == ipv4::kProtocolUdp) {
    if (traits.limits_icmp && !icmp_.admits(at.router, at_ns)) return Fate::kIcmpLimited;
    answers = answer_udp(own);
  } else if (packet_.protocol() == ipv4::kProtocolTcp) {
    answers = packet_.turn_into_tcp_answer(false, behaviour_.answers(own.value).initial_ttl,
                                           draw_ip_id());
  }
  if (!answers) return Fate::kNoAnswer;
  return send_back(at, at_ns + kAnswerNs, out);
}

// Sends what packet_ has become from `from` to the vantage point it is for.
Fate World::send_back(const Endpoint& from, std::uint64_t at_ns, Deliveries& out) {
  const Endpoint to = endpoint(packet_.destination());
  if (to.kind != Endpoint::Kind::kVantagePoint) return Fate::kAnswerElsewhere;
  Trip trip;
  trip.path = paths_.find(from.group, to.target(), at_ns);
  if (trip.path.stages.empty()) return Fate::kAnswerLost;
  trip.flow = packet_.flow();
  trip.draw = mix(draw_ + 4);
  if (is_lost(trip.draw)) return Fate::kAnswerLost;
  trip.starts_at_router = !is_host(from.kind);
  trip.first_member = from.member;
  trip.host_in = gateway_of(packet_.source());
  trip.host_out = gateway_of(packet_.destination());
  const Passed passed = forwarder_.forward(trip, packet_, at_ns + jitter_ns(trip.draw));
  if (passed.how == Passage::kOptionsDropped) return Fate::kOptionsDropped;
  if (passed.how == Passage::kOptionsLimited) return Fate::kOptionsLimited;
  if (passed.how == Passage::kExpired) return Fate::kAnswerLost;
  packet_.settle();
  out.add(to.vantage_point, passed.at_ns, packet_.bytes());
  return Fate::kAnswered;
}

}  // namespace backsight::sim
