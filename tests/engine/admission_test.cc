// Admission: what is let through with its source and port, and each reason to refuse.
#include "engine/control/admission.h"

#include <gtest/gtest.h>

#include "probes/identity/identity.h"

namespace backsight::engine {
namespace {

using probes::Ipv4Addr;
using tasks::Reason;

constexpr std::int64_t kNow = 1'800'000'000;

Ipv4Addr ip(const char* text) { return *probes::parse_ipv4(text); }
probes::Ipv4Prefix prefix(const char* text) { return *probes::parse_prefix(text); }

// Two ports: one with a gateway, one whose link is all it reaches. Public addresses throughout, as
// the documentation's are bogons.
config::VpConfig two_ports() {
  config::VpConfig config;
  config::PortConfig first;
  first.device = "net_null0";
  first.address = ip("20.1.1.10");
  first.prefix_length = 24;
  first.gateway = ip("20.1.1.1");
  config::PortConfig second = first;
  second.device = "net_null1";
  second.address = ip("20.2.2.10");
  second.gateway.reset();
  config.ports = {first, second};
  return config;
}

class AdmissionTest : public ::testing::Test {
 protected:
  Reason reason_for(const tasks::Task& task, std::int64_t now = kNow) {
    const auto admitted = admission.admit({task, 5}, now);
    return admitted ? Reason::kNone : admitted.error();
  }
  Assignment admitted(const tasks::Task& task) {
    const auto it = admission.admit({task, 5}, kNow);
    EXPECT_TRUE(it) << name(it.error());
    return it.value_or(Assignment{});
  }
  static tasks::Task to(const char* dst, const char* src = "0.0.0.0") {
    tasks::Task task;
    task.id = 1;
    task.dst = ip(dst);
    task.src = ip(src);
    return task;
  }

  const std::vector<probes::Ipv4Prefix> denied = {prefix("30.0.0.0/8"), prefix("40.0.0.66/32")};
  const std::vector<config::Enrolled> enrolled = {{prefix("40.0.0.0/24"), config::kNoExpiry},
                                                  {prefix("50.0.0.1/32"), kNow + 1}};
  Admission admission{two_ports(), config::PrefixSet(denied), config::Enrolment(enrolled)};
};

TEST_F(AdmissionTest, FillsInTheSourceAndThePort) {
  const Assignment it = admitted(to("60.0.0.1"));
  EXPECT_EQ(it.queued.task.src, ip("20.1.1.10"));
  EXPECT_EQ(it.queued.position, 5U);
  EXPECT_EQ(it.port, 0);
  EXPECT_FALSE(it.is_spoofed);
}

TEST_F(AdmissionTest, TakesThePortOnWhoseLinkTheDestinationIs) {
  const Assignment it = admitted(to("20.2.2.77"));
  EXPECT_EQ(it.port, 1);
  EXPECT_EQ(it.queued.task.src, ip("20.2.2.10"));
}

TEST_F(AdmissionTest, TakesThePortWhoseAddressIsAskedFor) {
  const Assignment it = admitted(to("20.2.2.77", "20.1.1.10"));
  EXPECT_EQ(it.port, 0);
  EXPECT_FALSE(it.is_spoofed);
  EXPECT_EQ(it.queued.task.src, ip("20.1.1.10"));
}

TEST_F(AdmissionTest, LetsAnEnrolledSourceBeSpoofed) {
  const Assignment it = admitted(to("60.0.0.1", "40.0.0.7"));
  EXPECT_TRUE(it.is_spoofed);
  EXPECT_EQ(it.port, 0);
  EXPECT_EQ(it.queued.task.src, ip("40.0.0.7"));
}

TEST_F(AdmissionTest, RefusesADeniedDestination) {
  EXPECT_EQ(reason_for(to("30.1.2.3")), Reason::kDenied);
  EXPECT_EQ(reason_for(to("40.0.0.66")), Reason::kDenied);
}

TEST_F(AdmissionTest, RefusesABogon) {
  for (const char* const bogon : {"10.0.0.1", "127.0.0.1", "192.168.1.1", "224.0.0.1", "0.0.0.0",
                                  "255.255.255.255", "198.51.100.7"}) {
    EXPECT_EQ(reason_for(to(bogon)), Reason::kBogon) << bogon;
  }
}

TEST_F(AdmissionTest, RefusesASourceThatIsNotEnrolled) {
  EXPECT_EQ(reason_for(to("60.0.0.1", "60.0.0.2")), Reason::kNotEnrolled);
}

TEST_F(AdmissionTest, RefusesASourceWhoseConsentHasRunOut) {
  EXPECT_EQ(reason_for(to("60.0.0.1", "50.0.0.1"), kNow), Reason::kNone);
  EXPECT_EQ(reason_for(to("60.0.0.1", "50.0.0.1"), kNow + 1), Reason::kNotEnrolled);
}

TEST_F(AdmissionTest, RefusesAnEnrolledSourceThatIsDenied) {
  EXPECT_EQ(reason_for(to("60.0.0.1", "40.0.0.66")), Reason::kSourceDenied);
}

TEST_F(AdmissionTest, RefusesToSpoofATrace) {
  tasks::Task task = to("60.0.0.1", "40.0.0.7");
  task.kind = probes::Kind::kTrace;
  EXPECT_EQ(reason_for(task), Reason::kSpoofedKind);
  task.src = {};
  EXPECT_EQ(reason_for(task), Reason::kNone);
}

TEST_F(AdmissionTest, RefusesToSpoofWithANumberTheProbeCannotCarry) {
  tasks::Task task = to("60.0.0.1", "40.0.0.7");
  task.id = probes::kMaxProbeNumber;
  EXPECT_EQ(reason_for(task), Reason::kNone);
  ++task.id;
  EXPECT_EQ(reason_for(task), Reason::kBadTask);
  task.src = {};
  EXPECT_EQ(reason_for(task), Reason::kNone) << "the in-flight ring knows the task";
}

TEST_F(AdmissionTest, RefusesAPortsOwnAddress) {
  EXPECT_EQ(reason_for(to("20.1.1.10")), Reason::kNoRoute);
  EXPECT_EQ(reason_for(to("20.2.2.10")), Reason::kNoRoute);
}

TEST_F(AdmissionTest, RefusesWhatNoPortReaches) {
  config::VpConfig config = two_ports();
  config.ports.erase(config.ports.begin());
  const Admission lonely(config, {}, {});
  EXPECT_EQ(lonely.admit({to("60.0.0.1"), 0}, kNow).error(), Reason::kNoRoute);
  EXPECT_TRUE(lonely.admit({to("20.2.2.77"), 0}, kNow));
}

TEST_F(AdmissionTest, GoesByNewListsFromThenOn) {
  const std::vector<probes::Ipv4Prefix> deny = {prefix("60.0.0.0/8")};
  admission.replace(config::PrefixSet(deny), {});
  EXPECT_EQ(reason_for(to("60.0.0.1")), Reason::kDenied);
  EXPECT_EQ(reason_for(to("30.0.0.1")), Reason::kNone);
  EXPECT_EQ(reason_for(to("61.0.0.1", "40.0.0.7")), Reason::kNotEnrolled);
}

// Hosts of a prefix that is not on the link are reached as all others are.
TEST_F(AdmissionTest, LeadsToAPrefixOffTheLinkThroughItsOwnPortsGateway) {
  config::VpConfig config = two_ports();
  config.ports[1].on_link = false;
  config.ports[1].gateway = ip("20.9.9.9");
  EXPECT_EQ(Admission(config, {}, {}).admit({to("20.2.2.77"), 5}, kNow)->port, 1U);
  config.ports[1].gateway.reset();
  EXPECT_EQ(Admission(config, {}, {}).admit({to("20.2.2.77"), 5}, kNow)->port, 0U);
  config.ports[0].gateway.reset();
  const auto refused = Admission(config, {}, {}).admit({to("20.2.2.77"), 5}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Reason::kNoRoute);
}

TEST_F(AdmissionTest, LeadsEverywhereThroughTheGatewayOfASingleAddress) {
  config::VpConfig config = two_ports();
  config.ports.resize(1);
  config.ports[0].prefix_length = 32;
  config.ports[0].gateway = ip("30.1.1.1");
  const Admission single(config, {}, {});
  for (const char* const address : {"20.1.1.77", "60.0.0.1", "30.1.1.1"}) {
    EXPECT_TRUE(single.admit({to(address), 5}, kNow)) << address;
  }
}

}  // namespace
}  // namespace backsight::engine
