// What this machine tells of its interfaces, and that one process has one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/device/eal.h"
#include "engine/device/interface.h"
#include "engine/device/interface_lock.h"

namespace backsight::engine {
namespace {

using ::testing::HasSubstr;

TEST(Interface, TellsTheLoopbackFromEthernet) {
  const auto view = look_at_interface("lo");
  ASSERT_TRUE(view) << view.error().sentence;
  EXPECT_TRUE(view->exists);
  EXPECT_FALSE(view->is_ethernet);
  EXPECT_NE(view->index, 0U);
  EXPECT_NE(view->mtu, 0U);
  EXPECT_EQ(view->xdp_program, 0U);
}

TEST(Interface, TellsThatThereIsNone) {
  const auto view = look_at_interface("nosuch0");
  ASSERT_TRUE(view) << view.error().sentence;
  EXPECT_FALSE(view->exists);
  EXPECT_FALSE(view->has_link());
}

TEST(Interface, TellsNothingOfANameThatIsTooLong) {
  const auto view = look_at_interface(std::string(300, 'x'));
  EXPECT_TRUE(!view || !view->exists);
}

TEST(Interface, ComesFromTheDevicesArguments) {
  EXPECT_EQ(interface_of("net_af_packet0,iface=eth1"), "eth1");
  EXPECT_EQ(interface_of("net_af_xdp0,start_queue=1,iface=eth1"), "eth1");
  EXPECT_EQ(interface_of("net_tap0,iface=tap7"), "tap7");
  EXPECT_EQ(interface_of("net_tap3"), "dtap3") << "as the driver would name it";
  EXPECT_EQ(interface_of("net_pcap0,tx_pcap=out.pcap"), "");
  EXPECT_EQ(interface_of("net_null0,no-rx=1"), "");
  EXPECT_EQ(interface_of("0000:3b:00.0"), "");
}

TEST(Interface, IsGivenAQueueForEachWorkerUnlessTheConfigSaysOtherwise) {
  EXPECT_EQ(device_arguments("net_af_packet0,iface=eth1", 1), "iface=eth1");
  EXPECT_EQ(device_arguments("net_af_packet0,iface=eth1", 3), "iface=eth1,qpairs=3");
  EXPECT_EQ(device_arguments("net_af_packet0,iface=eth1,qpairs=2", 3), "iface=eth1,qpairs=2");
  EXPECT_EQ(device_arguments("net_tap0", 1), "iface=dtap0");
  EXPECT_EQ(device_arguments("net_tap0,mac=fixed", 1), "mac=fixed,iface=dtap0");
}

std::string own_name(const char* what) { return fmt::format("test-{}-{}", what, getpid()); }

TEST(InterfaceLock, IsHeldByOneAtATime) {
  const std::string name = own_name("one");
  {
    const auto first = InterfaceLock::take("port0", name);
    ASSERT_TRUE(first) << first.error().sentence;
    const auto second = InterfaceLock::take("port0", name);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().sentence,
              fmt::format("port port0: process {} of Backsight has {} already; an interface can "
                          "have one",
                          getpid(), name));
    EXPECT_EQ(second.error().exit_code(), 1);
  }
  EXPECT_TRUE(InterfaceLock::take("port0", name)) << "it goes with its holder";
}

TEST(InterfaceLock, OfOthersIsNotInTheWay) {
  const auto first = InterfaceLock::take("port0", own_name("eth1"));
  const auto second = InterfaceLock::take("port0", own_name("eth10"));
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

TEST(InterfaceLock, RefusesHoweverOftenItWasAskedBefore) {
  const std::string name = own_name("often");
  const auto first = InterfaceLock::take("port0", name);
  ASSERT_TRUE(first);
  for (int i = 0; i < 100; ++i) {
    const auto another = InterfaceLock::take("port0", name);
    ASSERT_FALSE(another);
    EXPECT_THAT(another.error().sentence, HasSubstr("already"));
  }
}

}  // namespace
}  // namespace backsight::engine
