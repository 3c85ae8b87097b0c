#include "controller/brain/capability_tester.h"

#include <algorithm>

#include "probes/ip/special_purpose.h"

namespace backsight::controller {

namespace {

constexpr SteadyNs kEvery = kMinute;
// While something has not been found out yet.
constexpr SteadyNs kEveryAtFirst = 2 * kSecond;
// Others that a vantage point is tried with in one go.
constexpr std::size_t kPartners = 3;

}  // namespace

void CapabilityTester::expect(VpIndex vp, const Now& now) {
  due_[vp] = now.steady;
  next_at_ = now.steady;
}

void CapabilityTester::advance(const Now& now) {
  if (now.steady < next_at_) return;
  next_at_ = now.steady + kEvery;
  for (auto& [vp, due] : due_) {
    if (due <= now.steady) {
      test(vp, now);
      const VantagePoint& it = vantage_.of(vp);
      const bool is_known = it.of(Capability::kPing).is_known &&
                            it.of(Capability::kRecordRoute).is_known &&
                            it.of(Capability::kSpoof).is_known;
      due = now.steady + (is_known ? kEvery : kEveryAtFirst);
    }
    next_at_ = std::min(next_at_, due);
  }
}

std::vector<VpIndex> CapabilityTester::partners_of(VpIndex vp) const {
  std::vector<VpIndex> partners;
  for (std::size_t i = 0; i < vantage_.size(); ++i) {
    const auto other = static_cast<VpIndex>(i);
    if (other != vp && vantage_.is_usable(other)) partners.push_back(other);
  }
  return partners;
}

void CapabilityTester::ask(VpIndex sender, VpIndex receiver, probes::Kind kind,
                           probes::Ipv4Addr dst, const Now& now) {
  const probes::Ipv4Addr src = vantage_.of(receiver).said.address;
  if (dst.is_unspecified() || dst == src) return;
  const auto asked = prober_.ask({.sender = sender,
                                  .receiver = receiver,
                                  .kind = kind,
                                  .src = src,
                                  .dst = dst,
                                  .priority = Priority::kBackground,
                                  .waiter = kClass << 60},
                                 now);
  const bool is_on_its_way = !asked.answer->has_ended();
  if (sender != receiver && is_on_its_way) spoofed_[asked.answer->id] = {sender, receiver};
}

probes::Ipv4Addr CapabilityTester::target_of(VpIndex vp, std::size_t turn,
                                             const std::vector<VpIndex>& partners) const {
  const probes::Ipv4Addr own = vantage_.of(vp).said.address;
  const auto may_be_asked = [&](probes::Ipv4Addr address) {
    // A private gateway is there for its own network alone, unless all are of one private network.
    return !address.is_unspecified() && address != own && !prober_.denied().contains(address) &&
           (!probes::names_nobody(address) || probes::names_nobody(own));
  };
  const probes::Ipv4Addr gateway = vantage_.of(partners[turn % partners.size()]).said.gateway;
  if (may_be_asked(gateway)) return gateway;
  for (std::size_t i = 1; i <= partners.size(); ++i) {
    const probes::Ipv4Addr other = vantage_.of(partners[(turn + i) % partners.size()]).said.address;
    if (may_be_asked(other)) return other;
  }
  return {};
}

void CapabilityTester::test(VpIndex vp, const Now& now) {
  if (!vantage_.is_usable(vp)) return;
  const auto partners = partners_of(vp);
  const probes::Ipv4Addr own = vantage_.of(vp).said.gateway;
  if (partners.empty()) {
    ask(vp, vp, probes::Kind::kPing, own, now);
    ask(vp, vp, probes::Kind::kRecordRoute, own, now);
    return;
  }
  for (std::size_t i = 0; i < std::min(kPartners, partners.size()); ++i) {
    const std::size_t turn = turn_[vp]++;
    const VpIndex other = partners[turn % partners.size()];
    const probes::Ipv4Addr target = target_of(vp, turn, partners);
    ask(vp, vp, probes::Kind::kPing, target, now);
    ask(vp, vp, probes::Kind::kRecordRoute, target, now);
    if (i == 0) ask(vp, vp, probes::Kind::kTimestamp, target, now);
    ask(vp, other, probes::Kind::kPing, target, now);  // its reply goes to the other
  }
}

void CapabilityTester::on_news(const News& news, const Now& now) {
  const Answer& answer = *news.answer;
  if (!answer.has_ended()) return;
  const bool works = answer.state == Answer::State::kAnswered;
  const bool was_sent = answer.state != Answer::State::kFailed;
  if (answer.is_spoofed) {
    const auto at = spoofed_.find(answer.id);
    if (at == spoofed_.end()) return;
    const auto [sender, receiver] = at->second;
    spoofed_.erase(at);
    if (answer.reason == tasks::Reason::kNotEnrolled ||
        answer.reason == tasks::Reason::kSourceDenied) {
      vantage_.learn_refusal(sender, receiver);
      return;
    }
    if (!was_sent) return;
    // Who is to blame when one of the two is known to work?
    const bool sender_works = vantage_.of(sender).of(Capability::kSpoof).works;
    const bool receiver_works = vantage_.of(receiver).of(Capability::kReceiveSpoofed).works;
    if (works || receiver_works || !sender_works) {
      vantage_.learn(sender, Capability::kSpoof, works, now.steady);
    }
    if (works || sender_works || !receiver_works) {
      vantage_.learn(receiver, Capability::kReceiveSpoofed, works, now.steady);
    }
    return;
  }
  if (!was_sent) return;
  switch (answer.key.kind) {
    case probes::Kind::kPing:
      vantage_.learn(answer.key.sender, Capability::kPing, works, now.steady);
      break;
    case probes::Kind::kRecordRoute:
      vantage_.learn(answer.key.sender, Capability::kRecordRoute, answer.has_route(), now.steady);
      break;
    case probes::Kind::kTimestamp:
      vantage_.learn(answer.key.sender, Capability::kTimestamp, works, now.steady);
      break;
    default:
      break;
  }
}

}  // namespace backsight::controller
