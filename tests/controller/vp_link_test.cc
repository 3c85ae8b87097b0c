// The controller's end of a queue that fails in every way it can, and that works again by itself.
#include "controller/service/vp_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_queue.h"
#include "service_rig.h"

namespace backsight::controller {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

class VpLinkTest : public testing::Test {
 protected:
  static std::vector<tasks::Task> tasks(std::uint64_t first, std::size_t count) {
    std::vector<tasks::Task> made(count);
    for (std::size_t i = 0; i < count; ++i) made[i].id = first + i;
    return made;
  }
  [[nodiscard]] std::vector<std::uint64_t> put_ids() const {
    std::vector<std::uint64_t> ids;
    for (const tasks::Task& it : queue.put()) ids.push_back(it.id);
    return ids;
  }
  static bool works(const VpLink& link) {
    return eventually([&] { return link.state().works; });
  }
  static bool tells(const VpLink& link, const std::string& words) {
    return eventually([&] {
      const VpLink::State state = link.state();
      return !state.works && state.trouble.find(words) != std::string::npos;
    });
  }
  // All messages of results that have come, as the controller takes them.
  std::size_t take_all() {
    taken += inbox.take({}).results.size();
    return taken;
  }

  FakeQueue queue;  // outlives links
  Inbox inbox;
  std::size_t taken = 0;
};

TEST_F(VpLinkTest, CarriesTasksThereAndResultsBack) {
  VpLink link(queue.opener(), "ams01", inbox);
  ASSERT_TRUE(works(link));
  link.put(tasks(1, 3));
  EXPECT_TRUE(eventually([&] { return put_ids().size() == 3; }));
  queue.deliver(5);
  EXPECT_TRUE(eventually([&] { return take_all() == 5; }));
  EXPECT_EQ(queue.committed(), 0U);
  link.commit_up_to(5);
  EXPECT_TRUE(eventually([&] { return queue.committed() == 5; }));
}

TEST_F(VpLinkTest, TellsEachTroubleAndWorksAgainByItself) {
  using Script = FakeQueue::Script;
  for (const auto what : {&Script::no_queue, &Script::no_source, &Script::no_next,
                          &Script::no_commit, &Script::trouble}) {
    FakeQueue other;
    other.set([&](Script& it) { it.*what = "it is broken"; });
    Inbox box;
    VpLink link(other.opener(), "ams01", box);
    if (what == &Script::no_commit) {
      other.deliver(1);
      ASSERT_TRUE(eventually([&] { return !box.take({}).results.empty(); }));
      link.commit_up_to(1);
    }
    EXPECT_TRUE(tells(link, "it is broken"));
    other.set([&](Script& it) { (it.*what).clear(); });
    EXPECT_TRUE(works(link));
    EXPECT_EQ(link.state().trouble, "");
  }
}

TEST_F(VpLinkTest, DropsWhatIsPutWhileAnotherConsumerHasTheQueue) {
  queue.set([](auto& it) { it.no_source = "process 1 consumes these results"; });
  VpLink link(queue.opener(), "ams01", inbox);
  ASSERT_TRUE(tells(link, "process 1 consumes"));
  link.put(tasks(1, 1000));
  EXPECT_EQ(link.state().dropped, 1000U);
  queue.set([](auto& it) { it.no_source.clear(); });
  ASSERT_TRUE(works(link));
  link.put(tasks(2000, 2));
  EXPECT_TRUE(eventually([&] { return !put_ids().empty(); }));
  EXPECT_THAT(put_ids(), ElementsAre(2000, 2001));
}

TEST_F(VpLinkTest, OfTasksThatTheQueueRefusesOneShowsThatItTakesThemAgain) {
  VpLink link(queue.opener(), "ams01", inbox);
  ASSERT_TRUE(works(link));
  queue.set([](auto& it) { it.no_put = "maximum bytes exceeded"; });
  link.put(tasks(1, 100));
  ASSERT_TRUE(tells(link, "maximum bytes exceeded"));
  EXPECT_EQ(link.state().dropped, 99U);
  EXPECT_THAT(put_ids(), IsEmpty());
  queue.set([](auto& it) { it.no_put.clear(); });
  ASSERT_TRUE(works(link));
  EXPECT_THAT(put_ids(), ElementsAre(1));
}

TEST_F(VpLinkTest, AQueueThatStandsStillIsATrouble) {
  VpLink link(queue.opener(), "ams01", inbox);
  ASSERT_TRUE(works(link));
  queue.set([](auto& it) { it.stands_still = true; });
  link.put(tasks(1, 1));
  EXPECT_TRUE(tells(link, "the queue of ams01 does not answer"));
  link.put(tasks(2, 1));
  queue.set([](auto& it) { it.stands_still = false; });
  EXPECT_TRUE(works(link));
  EXPECT_THAT(put_ids(), SizeIs(testing::Ge(1U)));
}

// What was taken and not committed comes again, and counts again.
TEST_F(VpLinkTest, CommitsNothingThatIsNotSafeWhateverFailsBetween) {
  VpLink link(queue.opener(), "ams01", inbox);
  queue.deliver(10);
  ASSERT_TRUE(eventually([&] { return take_all() == 10; }));
  link.commit_up_to(4);
  queue.set([](auto& it) { it.no_next = "it is broken"; });
  ASSERT_TRUE(tells(link, "it is broken"));
  queue.set([](auto& it) { it.no_next.clear(); });
  ASSERT_TRUE(eventually([&] { return take_all() == 20; }));
  EXPECT_EQ(queue.committed(), 0U);
  link.commit_up_to(20);
  EXPECT_TRUE(eventually([&] { return queue.committed() == 10; }));
  queue.deliver(3);
  EXPECT_TRUE(eventually([&] { return take_all() == 23; }));
}

TEST_F(VpLinkTest, TakesNoMoreThanMayWaitToBecomeSafe) {
  VpLink link(queue.opener(), "ams01", inbox);
  queue.deliver(200);
  ASSERT_TRUE(eventually([&] { return link.is_behind(); }));
  EXPECT_LE(take_all(), 64U);
  ASSERT_TRUE(eventually([&] {
    link.commit_up_to(take_all());
    return taken == 200;
  }));
  EXPECT_TRUE(eventually([&] { return !link.is_behind(); }));
}

}  // namespace
}  // namespace backsight::controller
