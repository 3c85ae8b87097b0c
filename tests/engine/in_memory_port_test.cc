// Frames through a port without a device: each arrives as it is, and none is lost or kept unseen.
#include "engine/device/in_memory_port.h"

#include <vector>

#include <gtest/gtest.h>

#include "fake_time.h"
#include "network.h"

namespace backsight::engine {
namespace {

constexpr MacAddr kMac{{0x02, 0, 0, 1, 0, 7}};
constexpr std::size_t kFrames = 255;

class InMemoryPortTest : public ::testing::Test {
 protected:
  InMemoryPortTest() {
    auto made = FramePool::make(kFrames, 1);
    if (!made) {
      ADD_FAILURE() << made.error().sentence;
      std::abort();
    }
    frames_ = std::move(*made);
    config::PortConfig config;
    config.address = ip("192.0.2.10");
    port_.emplace(config, kMac, clock_, *frames_);
    queue_ = port_->port().queue(0);
  }
  static Packet frame(std::size_t number) {
    return Packet(20 + number % 1400, static_cast<std::byte>(number));
  }

  const Tsc now_ = at_ms(1);
  const TscClock clock_{kTicksPerSecond, now_};
  std::unique_ptr<FramePool> frames_;
  std::optional<InMemoryPort> port_;
  QueuePair queue_;
};

TEST_F(InMemoryPortTest, HasTheAddressesItWasGivenAndIsNeverHeld) {
  EXPECT_EQ(port_->port().mac(), kMac);
  EXPECT_EQ(port_->port().config().address, ip("192.0.2.10"));
  EXPECT_FALSE(port_->port().is_held());
}

TEST_F(InMemoryPortTest, DeliversFramesInOrder) {
  for (std::size_t i = 0; i < 200; ++i) ASSERT_TRUE(port_->deliver(frame(i)));
  std::size_t received = 0;
  RxBurst burst;
  while (true) {
    queue_.receive(burst);
    if (burst.size() == 0) break;
    for (std::size_t i = 0; i < burst.size(); ++i, ++received) {
      const auto bytes = burst.bytes(i);
      EXPECT_EQ(Packet(bytes.begin(), bytes.end()), frame(received));
    }
    burst.clear();
  }
  EXPECT_EQ(received, 200U);
  EXPECT_EQ(frames_->in_use(), 0U);
}

TEST_F(InMemoryPortTest, GivesOutWhatWasSent) {
  TxBurst burst;
  ASSERT_TRUE(burst.reserve(queue_.pool(), 3));
  for (std::size_t i = 0; i < 3; ++i) {
    const Packet bytes = frame(i);
    std::ranges::copy(bytes, burst.append(bytes.size()));
  }
  ASSERT_EQ(queue_.transmit(burst), 3U);
  std::vector<Packet> sent;
  port_->collect([&](std::span<const std::byte> it) { sent.emplace_back(it.begin(), it.end()); });
  EXPECT_EQ(sent, (std::vector{frame(0), frame(1), frame(2)}));
  EXPECT_EQ(frames_->in_use(), 0U);
  port_->collect([](std::span<const std::byte>) { ADD_FAILURE() << "twice"; });
}

TEST_F(InMemoryPortTest, RefusesWhatIsTooLong) {
  for (const std::size_t bytes : {3'000, 65'535, 65'536, 65'556}) {
    EXPECT_FALSE(port_->deliver(Packet(bytes))) << bytes;
  }
  EXPECT_EQ(frames_->in_use(), 0U);
}

TEST_F(InMemoryPortTest, RefusesWhatThereIsNoRoomFor) {
  std::size_t taken = 0;
  while (port_->deliver(frame(1))) ++taken;
  EXPECT_EQ(taken, kFrames);
  port_.reset();
  EXPECT_EQ(frames_->in_use(), 0U) << "freed with the port";
}

}  // namespace
}  // namespace backsight::engine
