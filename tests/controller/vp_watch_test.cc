// Who is there, on a queue that fails and among whom one is odd.
#include "controller/service/vp_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "daemon/wall_clock.h"
#include "fake_queue.h"
#include "service_rig.h"

namespace backsight::controller {
namespace {

using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

std::string status(const std::string& name, int id) {
  return fmt::format(R"({{"vp":"{}","id":{},"state":"ready","ports":[{{"address":"192.0.2.{}"}}],)"
                     R"("rates":{{"asked_pps":0}},"started_at_ns":1,"updated_at_ns":{}}})",
                     name, id, id, unix_us() * 1000);
}

TEST(VpWatch, AStatusThatCannotBeReadCostsTheOthersNothing) {
  FakeQueue queue;
  queue.set([](auto& it) {
    it.statuses = {{"ams01", status("ams01", 1)}, {"odd00", "{\"vp\":7}"}, {"new00", ""}};
    it.unreadable = {{"bad00", "bad00/status.json: Permission denied"}};
  });
  Inbox inbox;
  const VpWatch watch(queue.opener(), inbox);
  std::set<std::string> heard;
  ASSERT_TRUE(eventually([&] {
    for (const Announcement& it : inbox.take({}).announcements) heard.insert(it.name);
    return !heard.empty();
  }));
  EXPECT_THAT(heard, UnorderedElementsAre("ams01"));
  EXPECT_EQ(watch.left_out(), 2U);
  EXPECT_EQ(watch.trouble(), "");
}

TEST(VpWatch, AQueueThatFailsIsToldAsLongAsItDoes) {
  using Script = FakeQueue::Script;
  for (const auto what : {&Script::no_queue, &Script::no_list}) {
    FakeQueue queue;
    queue.set([&](auto& it) {
      it.statuses = {{"ams01", status("ams01", 1)}};
      it.*what = "it is broken";
    });
    Inbox inbox;
    const VpWatch watch(queue.opener(), inbox);
    EXPECT_TRUE(eventually([&] { return watch.trouble() == "it is broken"; }));
    queue.set([&](auto& it) { (it.*what).clear(); });
    EXPECT_TRUE(eventually([&] { return watch.trouble().empty(); }));
    EXPECT_TRUE(eventually([&] { return !inbox.take({}).announcements.empty(); }));
  }
}

}  // namespace
}  // namespace backsight::controller
