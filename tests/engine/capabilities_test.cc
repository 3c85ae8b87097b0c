// What each driver needs of the kernel, by its name.
#include "engine/device/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

namespace backsight::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Allowed allowed(std::initializer_list<unsigned> capabilities, std::uint64_t lockable_bytes = 0) {
  Allowed it{.lockable_bytes = lockable_bytes};
  for (const unsigned capability : capabilities) {
    it.capabilities |= std::uint64_t{1} << capability;
  }
  return it;
}

TEST(Capabilities, ThatADriverLacksAreNamed) {
  EXPECT_THAT(missing_capabilities("net_af_packet0,iface=eth1", allowed({})),
              ElementsAre("CAP_NET_RAW", "CAP_NET_ADMIN"));
  EXPECT_THAT(missing_capabilities("net_af_packet0,iface=eth1", allowed({CAP_NET_RAW})),
              ElementsAre("CAP_NET_ADMIN"));
  EXPECT_THAT(missing_capabilities("net_tap0", allowed({CAP_NET_RAW})),
              ElementsAre("CAP_NET_ADMIN"));
  EXPECT_THAT(missing_capabilities("net_af_xdp3,iface=eth1",
                                   allowed({CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF})),
              ElementsAre("CAP_SYS_ADMIN", "CAP_IPC_LOCK"));
}

TEST(Capabilities, ThatAreThereAreNotAskedFor) {
  EXPECT_THAT(missing_capabilities("net_af_packet0", allowed({CAP_NET_RAW, CAP_NET_ADMIN})),
              IsEmpty());
  EXPECT_THAT(missing_capabilities("net_af_xdp0",
                                   allowed({CAP_NET_RAW, CAP_NET_ADMIN, CAP_SYS_ADMIN}, 1U << 30)),
              IsEmpty())
      << "so much may be locked without one";
  EXPECT_THAT(missing_capabilities("net_null0", allowed({})), IsEmpty());
  EXPECT_THAT(missing_capabilities("0000:3b:00.0", allowed({})), IsEmpty());
}

}  // namespace
}  // namespace backsight::engine
