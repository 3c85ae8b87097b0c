// The queue over a real broker: what goes well, and what breaks in between.
#include <gmock/gmock.h>
#include <signal.h>

#include <fmt/format.h>
#include <unistd.h>

#include "nats_rig.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/streams.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue {
namespace {

using testing::HasSubstr;

class NatsQueueTest : public NatsRig {
 protected:
  std::unique_ptr<QueueClient> access(const QueueAddress& at) {
    auto opened = open_queue(at);
    EXPECT_TRUE(opened) << opened.error().sentence;
    return opened ? std::move(*opened) : nullptr;
  }

  bool has_trouble(const VpQueue& queue, const std::string& words) {
    const auto health = queue.health();
    return std::any_of(health.troubles.begin(), health.troubles.end(), [&](const auto& trouble) {
      return trouble.find(words) != std::string::npos;
    });
  }
};

TEST_F(NatsQueueTest, CarriesTasksThereAndResultsBackEachOnce) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 5000)));
  const auto vp = open_vp(at);
  auto source = user->open_source("ams01");
  ASSERT_TRUE(source) << source.error().sentence;
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    consume(**source);
    return answers_.size() == 5000;
  }));
  EXPECT_EQ(answered, 5000U);
  expect_each_once(5000);
  EXPECT_TRUE(complaints_.empty()) << complaints_[0];
  // The vantage point frees what is committed, and the broker what is acknowledged.
  EXPECT_TRUE(eventually([&] { return vp->spool().results == 0; }));
  EXPECT_TRUE(vp->health().troubles.empty());
}

TEST_F(NatsQueueTest, ListsWhoAnnouncesItself) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  EXPECT_EQ(user->list_vps().value(), std::vector<std::string>{});
  const auto vp = open_vp(at);
  ASSERT_TRUE(vp->announce("{\"vp\":\"ams01\"}"));
  ASSERT_TRUE(eventually([&] { return user->list_vps().value().size() == 1; }));
  EXPECT_EQ(user->list_vps().value(), std::vector<std::string>{"ams01"});
  EXPECT_EQ(user->read_status("ams01").value(), "{\"vp\":\"ams01\"}");
  EXPECT_EQ(user->read_status("fra02").value(), "");
}

TEST_F(NatsQueueTest, ShowsLookersOnWhatComes) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  const auto tail = user->open_tail("ams01");
  ASSERT_TRUE(tail);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(7, 1)));
  std::optional<StoredResults> seen;
  ASSERT_TRUE(eventually([&] {
    answer(*vp);
    auto next = (*tail)->next(complaints_);
    if (next && *next) seen = std::move(*next);
    return seen.has_value();
  }));
  EXPECT_EQ(seen->message.results.probes[0].task, 7U);
}

TEST_F(NatsQueueTest, HandsOutAgainWhatHasNoResultAndNothingElse) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 100)));
  {
    const auto vp = open_vp(at);
    std::vector<tasks::QueuedTask> tasks;
    std::vector<std::string> complaints;
    ASSERT_TRUE(eventually([&] {
      EXPECT_TRUE(vp->take(100, tasks, complaints));
      return tasks.size() == 100;
    }));
    tasks::ResultBatch batch;
    for (std::size_t i = 0; i < 40; ++i) batch.probes.push_back(answer_to(tasks[i]));
    ASSERT_TRUE(vp->put(batch));
  }
  const auto vp = open_vp(at);
  auto source = std::move(*user->open_source("ams01"));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    consume(*source);
    return answers_.size() == 100;
  }));
  EXPECT_EQ(answered, 60U);
  expect_each_once(100);
}

TEST_F(NatsQueueTest, KeepsResultsWhileTheBrokerIsDeadAndSendsThemThen) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 3000)));
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(vp->take(3000, tasks, complaints));
    return tasks.size() == 3000;
  }));
  broker.kill();
  EXPECT_TRUE(eventually([&] { return !vp->health().is_connected; }));
  EXPECT_TRUE(eventually([&] { return has_trouble(*vp, "nobody answers there"); }));
  tasks::ResultBatch batch;
  for (const tasks::QueuedTask& task : tasks) batch.probes.push_back(answer_to(task));
  ASSERT_TRUE(vp->put(batch));
  EXPECT_EQ(vp->spool().results, 3000U);
  broker.start();
  auto source = std::move(*user->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    consume(*source);
    return answers_.size() == 3000;
  }));
  expect_each_once(3000);
  EXPECT_TRUE(eventually([&] { return vp->health().troubles.empty(); }));
}

TEST_F(NatsQueueTest, SendsAgainWhatABrokerLostWithItsDisk) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 2000)));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 2000 && vp->health().batches_sent > 0;
  }));
  broker.kill();
  broker.empty_its_store();
  broker.start();
  auto again = access(at);
  auto source = std::move(*again->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(vp->announce("{}"));
    answer(*vp);
    consume(*source);
    return answers_.size() == 2000;
  }));
  expect_each_once(2000);
  // The consumer may have it before the vantage point hears so.
  EXPECT_TRUE(eventually([&] { return vp->health().batches_again > 0; }));
}

TEST_F(NatsQueueTest, GivesAConsumerThatDiedWhatItHasNotCommittedAndNoMore) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 10'000)));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 10'000;
  }));
  for (int life = 0; answers_.size() < 10'000; ++life) {
    ASSERT_LT(life, 100);
    auto source = user->open_source("ams01");
    ASSERT_TRUE(source) << source.error().sentence;
    std::optional<StoredResults> first;
    ASSERT_TRUE(eventually([&] {
      auto stored = (*source)->next(complaints_);
      EXPECT_TRUE(stored);
      first = std::move(*stored);
      return first.has_value();
    }));
    for (const auto& result : first->message.results.probes) ++answers_[result.task];
    ASSERT_TRUE((*source)->commit());
    auto lost = (*source)->next(complaints_);  // taken, and forgotten
    EXPECT_TRUE(lost);
  }
  expect_each_once(10'000);
}

TEST_F(NatsQueueTest, RefusesASecondConsumerAndNamesTheFirst) {
  Broker broker;
  auto at = address(broker);
  const auto first = access(at)->open_source("ams01");
  ASSERT_TRUE(first) << first.error().sentence;
  const auto same_machine = access(at)->open_source("ams01");
  ASSERT_FALSE(same_machine);
  EXPECT_THAT(same_machine.error().sentence, HasSubstr("there can be one only"));
  at.state += "-of-another-machine";
  const auto other_machine = access(at)->open_source("ams01");
  ASSERT_FALSE(other_machine);
  EXPECT_THAT(other_machine.error().sentence, HasSubstr(fmt::format("process {}", getpid())));
  EXPECT_TRUE(access(at)->open_source("fra02"));
}

TEST_F(NatsQueueTest, GoesOnWhereTheBrokerSaysWhenItsOwnBookIsLost) {
  Broker broker;
  auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  std::size_t answered = 0;
  for (int half = 0; half < 2; ++half) {
    ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1 + half * 1000ULL, 1000)));
    const auto source = std::move(*access(at)->open_source("ams01"));
    ASSERT_TRUE(eventually([&] {
      answered += answer(*vp);
      consume(*source);
      return answers_.size() == (half + 1) * 1000U;
    }));
    at.state += "-lost";
  }
  expect_each_once(2000);
}

TEST_F(NatsQueueTest, StopsTakingTasksWhenTheSpoolIsFullAndGoesOnByItself) {
  Broker broker;
  auto at = address(broker);
  at.spool_limit_bytes = 1 << 20;
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 60'000)));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    return has_trouble(*vp, "has reached its limit of 1 MiB");
  }));
  ASSERT_LT(answered, 60'000U);
  EXPECT_EQ(answer(*vp), 0U);
  const auto source = std::move(*user->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    consume(*source);
    return answers_.size() == 60'000;
  }));
  expect_each_once(60'000);
  // The last commit may still be on its way back.
  EXPECT_TRUE(eventually([&] {
    answer(*vp);
    return !has_trouble(*vp, "has reached its limit");
  }));
}

TEST_F(NatsQueueTest, WaitsForRoomInAFullStream) {
  Broker broker;
  const auto at = address(broker);
  ASSERT_TRUE(
      nats::set_up(at, {.replicas = 1, .task_bytes = 8 << 20, .result_bytes = 256 << 10}, {}));
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 20'000)));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 20'000 && has_trouble(*vp, "maximum bytes exceeded");
  }));
  EXPECT_GT(vp->health().send_failures, 0U);
  const auto source = std::move(*user->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    consume(*source);
    return answers_.size() == 20'000;
  }));
  expect_each_once(20'000);
  EXPECT_TRUE(eventually([&] { return vp->health().troubles.empty(); }));
}

TEST_F(NatsQueueTest, BearsABrokerThatStandsStill) {
  Broker broker;
  const auto at = address(broker);
  const auto user = access(at);
  const auto vp = open_vp(at);
  ASSERT_TRUE(user->put_tasks("ams01", tasks_of(1, 500)));
  std::vector<tasks::QueuedTask> tasks;
  std::vector<std::string> complaints;
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(vp->take(500, tasks, complaints));
    return tasks.size() == 500;
  }));
  broker.send(SIGSTOP);
  tasks::ResultBatch batch;
  for (const tasks::QueuedTask& task : tasks) batch.probes.push_back(answer_to(task));
  ASSERT_TRUE(vp->put(batch));
  EXPECT_TRUE(eventually([&] { return !vp->health().is_connected; }));
  broker.send(SIGCONT);
  const auto source = std::move(*access(at)->open_source("ams01"));
  ASSERT_TRUE(eventually([&] {
    consume(*source);
    return answers_.size() == 500;
  }));
  expect_each_once(500);
}

}  // namespace
}  // namespace backsight::queue
