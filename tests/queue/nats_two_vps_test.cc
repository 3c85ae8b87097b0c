// Two vantage points of one name, or of one id: the first works, the second says so and stands by.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <random>

#include "nats_rig.h"
#include "queue/nats/vp/vp_presence.h"

namespace backsight::queue {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class NatsTwoVps : public NatsRig {
 protected:
  void SetUp() override {
    NatsRig::SetUp();
    if (IsSkipped()) return;
    broker_ = std::make_unique<Broker>();
    user_ = std::move(*open_queue(here()));
  }

  [[nodiscard]] QueueAddress here() const { return address(*broker_); }
  [[nodiscard]] QueueAddress elsewhere() const {
    QueueAddress at = here();
    at.spool += "-elsewhere";
    return at;
  }

  static bool stands_by(const VpQueue& vp, const std::string& words) {
    return eventually([&] {
      const auto troubles = vp.health().troubles;
      return troubles.size() == 1 && troubles[0].find(words) != std::string::npos;
    });
  }
  static bool works(const VpQueue& vp) {
    return eventually([&] { return vp.health().troubles.empty(); });
  }

  // Both are asked for tasks until all are answered. Returns how many the first answered.
  std::size_t answer_all(VpQueue& first, VpQueue& second, std::size_t count) {
    std::size_t of_first = 0;
    std::size_t of_second = 0;
    EXPECT_TRUE(eventually([&] {
      of_first += answer(first);
      of_second += answer(second);
      return of_first + of_second == count;
    }));
    return of_first;
  }

  std::unique_ptr<Broker> broker_;
  std::unique_ptr<QueueClient> user_;
};

TEST_F(NatsTwoVps, TheSecondOfANameTakesNoTasksUntilTheFirstIsGone) {
  auto first = open_vp(here(), "ams01", 1);
  ASSERT_TRUE(works(*first));
  const auto second = open_vp(elsewhere(), "ams01", 1);
  ASSERT_TRUE(stands_by(*second, "there can be one of a name"));
  EXPECT_THAT(second->health().troubles,
              ElementsAre(AllOf(HasSubstr(fmt::format("process {} on ", getpid())),
                                HasSubstr("is vantage point ams01"))));
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 500)));
  EXPECT_EQ(answer_all(*first, *second, 500), 500U);
  first.reset();
  EXPECT_TRUE(works(*second));
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(501, 500)));
  std::size_t answered = 0;
  EXPECT_TRUE(eventually([&] {
    answered += answer(*second);
    return answered == 500;
  }));
  const auto source = std::move(*user_->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    consume(*source);
    return answers_.size() == 1000;
  }));
  expect_each_once(1000);
}

TEST_F(NatsTwoVps, TheSecondOfAnIdTakesNoTasks) {
  const auto first = open_vp(here(), "ams01", 7);
  ASSERT_TRUE(works(*first));
  const auto second = open_vp(elsewhere(), "fra02", 7);
  ASSERT_TRUE(stands_by(*second, "vantage point ams01, has the id 7 too"));
  ASSERT_TRUE(user_->put_tasks("fra02", tasks_of(1, 5)));
  EXPECT_EQ(answer(*second), 0U);
  const auto other = open_vp(elsewhere(), "waw03", 8);
  EXPECT_TRUE(works(*other));
}

TEST_F(NatsTwoVps, TheFirstStaysTheOneWhenTheBrokerWasAway) {
  const auto first = open_vp(here(), "ams01", 1);
  ASSERT_TRUE(works(*first));
  const auto second = open_vp(elsewhere(), "ams01", 1);
  ASSERT_TRUE(stands_by(*second, "there can be one of a name"));
  broker_->kill();
  ASSERT_TRUE(eventually([&] { return !first->health().is_connected; }));
  broker_->start();
  ASSERT_TRUE(works(*first));
  ASSERT_TRUE(stands_by(*second, "there can be one of a name"));
  user_ = std::move(*open_queue(here()));
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 500)));
  EXPECT_EQ(answer_all(*first, *second, 500), 500U);
}

// Both at once, where no one was first.
TEST_F(NatsTwoVps, OneOfTwoThatComeTogetherWorks) {
  for (int turn = 1; turn <= 5; ++turn) {
    const std::string name = fmt::format("ams{:02}", turn);
    QueueAddress other_place = elsewhere();
    std::unique_ptr<VpQueue> second;
    std::thread other([&] { second = open_vp(other_place, name, 1); });
    const auto first = open_vp(here(), name, 1);
    other.join();
    EXPECT_TRUE(eventually([&] {
      return first->health().troubles.size() + second->health().troubles.size() == 1 &&
             first->health().is_connected && second->health().is_connected;
    })) << testing::PrintToString(first->health().troubles)
        << testing::PrintToString(second->health().troubles);
  }
}

TEST_F(NatsTwoVps, OfOneSpoolTheSecondIsRefused) {
  const auto first = open_vp(here(), "ams01", 1);
  const auto second = open_vp_queue(here(), "ams01", 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kRunFailed);
  EXPECT_THAT(second.error().sentence,
              HasSubstr(fmt::format("process {} is vantage point ams01", getpid())));
}

TEST(VpPresence, OneOfTwoGivesWay) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    nats::VpTold one;
    nats::VpTold other;
    for (nats::VpTold* it : {&one, &other}) {
      it->instance = random();
      it->held_ms = random() % 2 == 0 ? 0 : 1 + random() % 5000;
    }
    ASSERT_NE(nats::gives_way(one, other), nats::gives_way(other, one)) << "seed " << seed;
  }
}

TEST(VpPresence, WhoIsThereLongerStays) {
  const nats::VpTold young{1, 5'000, "ams01", 1, ""};
  const nats::VpTold old{2, 90'000, "ams01", 1, ""};
  const nats::VpTold comes{0, 0, "ams01", 1, ""};
  EXPECT_TRUE(nats::gives_way(young, old));
  EXPECT_TRUE(nats::gives_way(comes, young));
  EXPECT_FALSE(nats::gives_way(old, comes));
}

TEST(VpPresence, WhatIsToldIsReadBackAndNothingElse) {
  const nats::VpTold told{0xabc, 17, "ams01", 3, "process 12 on host"};
  const std::string text = to_text(told);
  EXPECT_EQ(nats::parse_vp_told(text), told);
  for (std::size_t size = 0; size < text.find(" 3 ") + 2; ++size) {
    EXPECT_FALSE(nats::parse_vp_told(text.substr(0, size))) << text.substr(0, size);
  }
  for (const char* bad : {"2 1 1 ams01 1 x", "1 g 1 ams01 1 x", "1 1 -1 ams01 1 x",
                          "1 1 1 AMS/01 1 x", "1 1 1 ams01 one x", "1  1 ams01 1 x"}) {
    EXPECT_FALSE(nats::parse_vp_told(bad)) << bad;
  }
}

}  // namespace
}  // namespace backsight::queue
