// When results are committed, and what is said of queues that do not work.
#include "controller/service/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_queue.h"
#include "service_rig.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr VpIndex kVp = 3;

class FleetTest : public testing::Test {
 protected:
  void take(std::size_t messages) {
    std::size_t taken = 0;
    ASSERT_TRUE(eventually([&] {
      for (const auto& it : inbox.take({}).results) {
        EXPECT_EQ(fleet.count_results(it.vp), kVp);
        ++taken;
      }
      return taken >= messages;
    }));
    ASSERT_EQ(taken, messages);
  }
  // The next change of the one queue.
  std::string changed() {
    std::vector<Fleet::Change> changes;
    EXPECT_TRUE(eventually([&] { return !(changes = fleet.check()).empty(); }));
    if (changes.size() != 1) return "several";
    EXPECT_EQ(changes[0].vp, kVp);
    return changes[0].why_not;
  }

  FakeQueue queue;
  Inbox inbox;
  Fleet fleet{queue.opener(), inbox};
};

TEST_F(FleetTest, CommitsResultsOnceAllThatCameOfThemIsDurable) {
  ASSERT_TRUE(fleet.connect("ams01", kVp));
  EXPECT_FALSE(fleet.connect("ams01", kVp));
  queue.deliver(2);
  take(2);
  fleet.commit(7, 6);  // the last record is the 7th, the 6th is durable
  queue.deliver(1);
  take(1);
  fleet.commit(9, 7);  // two of three messages
  EXPECT_EQ(queue.committed(), 0U);
  fleet.commit(9, 8);
  EXPECT_EQ(queue.committed(), 0U);
  fleet.commit(9, 9);
  EXPECT_TRUE(eventually([&] { return queue.committed() == 3; }));
}

TEST_F(FleetTest, CommitsAtOnceWhatLeftNothingToWrite) {
  ASSERT_TRUE(fleet.connect("ams01", kVp));
  queue.deliver(1);
  take(1);
  fleet.commit(4, 4);
  EXPECT_TRUE(eventually([&] { return queue.committed() == 1; }));
}

TEST_F(FleetTest, SaysOfAQueueWhenItStopsAndWhenItWorksAgain) {
  ASSERT_TRUE(fleet.connect("ams01", kVp));
  EXPECT_EQ(changed(), "") << "it was opened";
  EXPECT_THAT(fleet.check(), IsEmpty());
  queue.set([](auto& it) { it.trouble = "it is broken"; });
  EXPECT_EQ(changed(), "it is broken");
  EXPECT_THAT(fleet.troubles(), ElementsAre("it is broken"));
  EXPECT_THAT(fleet.check(), IsEmpty());
  queue.set([](auto& it) { it.trouble.clear(); });
  EXPECT_EQ(changed(), "");
  EXPECT_THAT(fleet.troubles(), IsEmpty());
}

TEST_F(FleetTest, SendsToWhoIsMeantAndCountsWhatNoQueueTook) {
  ASSERT_TRUE(fleet.connect("ams01", kVp));
  EXPECT_EQ(changed(), "");
  tasks::Task task;
  task.id = 5;
  fleet.send({{kVp, task}});
  EXPECT_TRUE(eventually([&] { return queue.put().size() == 1; }));
  queue.set([](auto& it) { it.trouble = "it is broken"; });
  EXPECT_EQ(changed(), "it is broken");
  fleet.send({{kVp, task}, {kVp, task}});
  static_cast<void>(fleet.check());
  EXPECT_EQ(fleet.tasks_dropped(), 2U);
}

}  // namespace
}  // namespace backsight::controller
