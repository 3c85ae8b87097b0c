// A controller with its threads, over a queue that a test plays and by a clock that it sets.
#include "controller/service/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "controller/service/controller.h"
#include "fake_queue.h"
#include "service_rig.h"

namespace backsight::controller {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace std::chrono_literals;

class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    const Clock clock{[this] { return steady_ns.load(); }, [] { return ServiceRig::kNowUs; }};
    controller.emplace(config, files, *rig.book, *rig.archive, rig.probe_ids(), queue.opener(),
                       clock);
  }
  ~LoopTest() override { stop(); }

  void run() {
    thread = std::thread([this] { controller->run([this] { ++seconds; }); });
  }
  void stop() {
    if (!thread.joinable()) return;
    controller->stop();
    thread.join();
  }
  // The source that no vantage point is.
  static Request wish() { return ServiceRig::request("192.0.2.1", "198.51.100.7"); }

  FakeQueue queue;
  ServiceRig rig;
  config::ControllerConfig config;
  ControllerFiles files;
  std::atomic<SteadyNs> steady_ns{kSecond};
  std::atomic<int> seconds{0};
  std::optional<Controller> controller;
  std::thread thread;
};

TEST_F(LoopTest, EndsWhatWasRefusedAndShowsIt) {
  Request refused = wish();
  refused.refused = "it cannot be";
  const auto requests = rig.accepted({refused});
  controller->resume(requests, {});
  run();
  EXPECT_EQ(controller->wait_for_more(requests[0].batch, 0, 120s)->ended.size(), 1U);
  EXPECT_EQ(rig.fail_reason(requests[0]), "refused");
  EXPECT_TRUE(controller->progress(requests[0].batch, 0)->is_complete);
}

TEST_F(LoopTest, WaitsForASourceSaysSoAndGivesUpByItsClock) {
  const auto requests = rig.accepted({wish()});
  controller->resume(requests, {});
  run();
  const auto waits = [&] {
    steady_ns += 10 * kMillisecond;
    const auto progress = controller->progress(requests[0].batch, 0);
    const auto found = progress->waiting_for.find(requests[0].id);
    return found != progress->waiting_for.end() &&
           found->second.find("1 requests wait for it") != std::string::npos;
  };
  ASSERT_TRUE(eventually(waits));
  EXPECT_THAT(controller->troubles(), Contains(HasSubstr("1 requests wait for it")));
  EXPECT_EQ(controller->figures().waiting_for_source, 1U);
  EXPECT_EQ(rig.fail_reason(requests[0]), "");
  steady_ns += static_cast<SteadyNs>(config.limits.source_patience.count() + 1) * kSecond;
  EXPECT_EQ(controller->wait_for_more(requests[0].batch, 0, 120s)->ended.size(), 1U);
  EXPECT_EQ(rig.fail_reason(requests[0]), "no_vantage_point");
}

TEST_F(LoopTest, CancelsWhatWaits) {
  const auto requests = rig.accepted({wish(), wish()});
  controller->resume(requests, {requests[0].id});
  run();
  ASSERT_TRUE(eventually([&] { return rig.fail_reason(requests[0]) == "cancelled"; }));
  EXPECT_EQ(rig.fail_reason(requests[1]), "");
  ASSERT_TRUE(controller->cancel(requests[0].batch));
  EXPECT_TRUE(eventually([&] { return rig.fail_reason(requests[1]) == "cancelled"; }));
}

TEST_F(LoopTest, StandsStillWhileTheDiskRefusesAndGoesOnByItself) {
  run();
  ASSERT_TRUE(eventually([&] { return seconds > 0; }));
  Request refused = wish();
  refused.refused = "it cannot be";
  const auto requests = rig.accepted({refused});
  rig.disk.refuse("No space left on device");
  controller->resume(requests, {});
  ASSERT_TRUE(eventually([&] {
    steady_ns += 10 * kMillisecond;
    return controller->figures().is_held;
  }));
  EXPECT_THAT(controller->troubles(), Contains(HasSubstr("measuring stands still: ")));
  EXPECT_EQ(rig.fail_reason(requests[0]), "");
  rig.disk.obey();
  EXPECT_TRUE(eventually([&] {
    steady_ns += 10 * kMillisecond;
    return rig.fail_reason(requests[0]) == "refused" && !controller->figures().is_held;
  }));
}

TEST_F(LoopTest, LetsGoOfWhoWaitsWhenItStops) {
  const auto requests = rig.accepted({wish()});
  controller->resume(requests, {});
  run();
  ASSERT_TRUE(eventually([&] { return seconds > 0; }));
  stop();
  const auto progress = controller->wait_for_more(requests[0].batch, 0, std::chrono::hours(1));
  EXPECT_TRUE(progress->is_stopping);
  EXPECT_FALSE(progress->is_complete);
  const auto refused = controller->submit({wish()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error()[0].why, RequestFault::Why::kNotReady);
}

}  // namespace
}  // namespace backsight::controller
