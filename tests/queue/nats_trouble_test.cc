// What is wrong between us and a broker is told in one sentence on both sides, as long as it is so.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "nats_rig.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/nkey.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class NatsTrouble : public NatsRig {
 protected:
  static std::string troubles_of(const VpQueue& vp) {
    return fmt::format("{}", fmt::join(vp.health().troubles, "; "));
  }
  static bool tells(const VpQueue& vp, const std::string& words) {
    return eventually([&] { return troubles_of(vp).find(words) != std::string::npos; });
  }
  static bool is_well(const VpQueue& vp) {
    return eventually([&] { return vp.health().troubles.empty(); });
  }
  bool tells(ResultSource& source, const std::string& words) {
    return eventually([&] {
      consume(source);
      return source.trouble().find(words) != std::string::npos;
    });
  }
  bool is_well(ResultSource& source) {
    return eventually([&] {
      consume(source);
      return source.trouble().empty();
    });
  }
  // Tasks first..first+count-1 go there and come back.
  bool carries(QueueClient& user, VpQueue& vp, ResultSource& source, std::uint64_t first,
               std::size_t count) {
    if (!eventually([&] { return user.put_tasks("ams01", tasks_of(first, count)).has_value(); })) {
      return false;
    }
    const std::size_t all = answers_.size() + count;
    return eventually([&] {
      answer(vp);
      consume(source);
      return answers_.size() == all;
    });
  }
};

TEST_F(NatsTrouble, ABrokerThatDiesIsToldOnBothSidesAndComesBack) {
  Broker broker;
  const auto at = address(broker);
  const auto user = std::move(*open_queue(at));
  const auto vp = open_vp(at);
  const auto source = std::move(*user->open_source("ams01"));
  ASSERT_TRUE(is_well(*vp) && is_well(*source));
  broker.kill();
  EXPECT_TRUE(tells(*vp, "nobody answers there"));
  EXPECT_TRUE(tells(*source, "nobody answers there"));
  EXPECT_THAT(user->list_vps().error().sentence, HasSubstr("nobody answers there"));
  EXPECT_THAT(user->put_tasks("ams01", tasks_of(1, 1)).error().sentence,
              HasSubstr("nobody answers there; is the NATS server running"));
  broker.start();
  EXPECT_TRUE(is_well(*vp) && is_well(*source));
  EXPECT_TRUE(carries(*user, *vp, *source, 100, 50));
  EXPECT_EQ(std::ranges::count(complaints_, source->trouble()), 0);
}

// What was told once is not told again as long as it lasts.
TEST_F(NatsTrouble, OneTroubleOfASourceIsOneComplaint) {
  Broker broker;
  const auto at = address(broker);
  const auto user = std::move(*open_queue(at));
  const auto source = std::move(*user->open_source("ams01"));
  broker.kill();
  ASSERT_TRUE(tells(*source, "nobody answers there"));
  const std::size_t told = complaints_.size();
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(1200)) {
    consume(*source);
  }
  EXPECT_EQ(complaints_.size(), told) << testing::PrintToString(complaints_);
}

TEST_F(NatsTrouble, AStreamThatIsDeletedIsMadeAnewByWhoMay) {
  Broker broker;
  const auto at = address(broker);
  const auto user = std::move(*open_queue(at));
  const auto vp = open_vp(at);
  const auto source = std::move(*user->open_source("ams01"));
  std::uint64_t first = 1;
  for (const char* stream : {nats::kTaskStream, nats::kResultStream, nats::kStateStream}) {
    SCOPED_TRACE(stream);
    const auto admin = std::move(*nats::Connection::open(at, "admin", "test"));
    ASSERT_EQ(js_DeleteStream(admin->jet_stream(), stream, nullptr, nullptr), NATS_OK);
    EXPECT_TRUE(carries(*user, *vp, *source, first, 20)) << troubles_of(*vp) << source->trouble();
    first += 20;
  }
}

TEST_F(NatsTrouble, AConsumerThatIsDeletedIsMadeAnew) {
  Broker broker;
  const auto at = address(broker);
  const auto user = std::move(*open_queue(at));
  const auto vp = open_vp(at);
  const auto source = std::move(*user->open_source("ams01"));
  std::uint64_t first = 1;
  for (const char* stream : {nats::kTaskStream, nats::kResultStream}) {
    SCOPED_TRACE(stream);
    ASSERT_TRUE(carries(*user, *vp, *source, first, 20));
    const auto admin = std::move(*nats::Connection::open(at, "admin", "test"));
    ASSERT_EQ(js_DeleteConsumer(admin->jet_stream(), stream, "ams01", nullptr, nullptr), NATS_OK);
    EXPECT_TRUE(carries(*user, *vp, *source, first + 20, 20)) << source->trouble();
    first += 40;
  }
}

// The one who was refused does not take what the first one had before the broker was away.
TEST_F(NatsTrouble, TheFirstConsumerStaysTheOneWhenTheBrokerWasAway) {
  Broker broker;
  const auto at = address(broker);
  QueueAddress elsewhere = at;
  elsewhere.state += "-elsewhere";
  const auto first_user = std::move(*open_queue(at));
  const auto second_user = std::move(*open_queue(elsewhere));
  auto first = std::move(*first_user->open_source("ams01"));
  const auto refused = second_user->open_source("ams01");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().sentence, HasSubstr("consumes the results of ams01"));
  broker.kill();
  ASSERT_TRUE(tells(*first, "nobody answers there"));
  ASSERT_FALSE(second_user->open_source("ams01"));
  broker.start();
  // The second is quicker.
  EXPECT_THAT(second_user->open_source("ams01").error().sentence,
              HasSubstr("consumes the results of ams01"));
  EXPECT_TRUE(is_well(*first));
  EXPECT_FALSE(second_user->open_source("ams01"));
  first.reset();
  EXPECT_TRUE(eventually([&] { return second_user->open_source("ams01").has_value(); }));
}

// --- what the server does not permit -------------------------------------------------------------

class NatsPermission : public NatsTrouble {
 protected:
  void SetUp() override {
    NatsTrouble::SetUp();
    if (IsSkipped()) return;
    broker_ = std::make_unique<Broker>("-");
    std::ifstream in(BACKSIGHT_CONFIG "/nats/users.conf", std::ios::binary);
    users_.assign(std::istreambuf_iterator<char>(in), {});
    std::size_t at = 0;
    for (const char* who : {"admin", "controller", "ams01"}) {
      const std::string seed = nats::make_user_seed();
      at = users_.find("{nkey: ", at) + 7;
      users_.replace(at, 56, nats::public_key_of(seed).value());
      broker_->write(fmt::format("{}.nk", who), seed + "\n");
      ::chmod((broker_->folder() / fmt::format("{}.nk", who)).c_str(), 0600);
    }
    broker_->configure(users_);
    broker_->start();
    ASSERT_TRUE(nats::set_up(as("admin"), {}, {"ams01"}));
  }

  [[nodiscard]] QueueAddress as(const std::string& who) const {
    QueueAddress at = address(*broker_);
    at.credentials = (broker_->folder() / (who + ".nk")).string();
    return at;
  }

  // The server's users lack a subject from now on; "": no more.
  void forbid(const std::string& subject) {
    std::string users = users_;
    if (!subject.empty()) {
      const std::size_t at = users.find('"' + subject + '"');
      ASSERT_NE(at, std::string::npos) << subject;
      users.replace(at + 1, 9, "forbidden");
    }
    broker_->configure(users);
    broker_->kill();
    broker_->start();
  }

  std::unique_ptr<Broker> broker_;
  std::string users_;
};

TEST_F(NatsPermission, OfAVantagePointIsTold) {
  const auto user = std::move(*open_queue(as("controller")));
  auto vp = open_vp(as("ams01"), "ams01", 1);
  std::uint64_t first = 1;
  for (const char* subject :
       {"backsight.v1.results.ams01", "backsight.v1.commit.ams01.*", "_INBOX_ams01.>",
        "$JS.API.CONSUMER.MSG.NEXT.BACKSIGHT_TASKS.ams01", "backsight.v1.status.ams01"}) {
    SCOPED_TRACE(subject);
    forbid(subject);
    ASSERT_TRUE(
        eventually([&] { return user->put_tasks("ams01", tasks_of(first, 1)).has_value(); }));
    EXPECT_TRUE(eventually([&] {
      answer(*vp);
      EXPECT_TRUE(vp->announce("{}"));
      return troubles_of(*vp).find("Permissions Violation") != std::string::npos;
    })) << troubles_of(*vp);
    EXPECT_LE(vp->health().troubles.size(), 2U) << troubles_of(*vp);
    forbid("");
    EXPECT_TRUE(eventually([&] {
      answer(*vp);
      return vp->health().troubles.empty();
    })) << troubles_of(*vp);
    ++first;
  }
}

TEST_F(NatsPermission, OfAControllerIsTold) {
  const auto user = std::move(*open_queue(as("controller")));
  const auto vp = open_vp(as("ams01"), "ams01", 1);
  auto source = std::move(*user->open_source("ams01"));
  std::uint64_t first = 1;
  for (const char* subject :
       {"$JS.API.CONSUMER.MSG.NEXT.BACKSIGHT_RESULTS.*", "_INBOX_backsight.>",
        "backsight.v1.status.*", "$JS.API.CONSUMER.CREATE.BACKSIGHT_RESULTS.>",
        "backsight.v1.commit.>"}) {
    SCOPED_TRACE(subject);
    ASSERT_TRUE(
        eventually([&] { return user->put_tasks("ams01", tasks_of(first, 1)).has_value(); }));
    ++first;
    forbid(subject);
    EXPECT_TRUE(eventually([&] {
      answer(*vp);
      consume(*source);
      return source->trouble().find("Permissions Violation") != std::string::npos;
    })) << source->trouble();
    forbid("");
    EXPECT_TRUE(eventually([&] {
      answer(*vp);
      consume(*source);
      return source->trouble().empty();
    })) << source->trouble();
  }
  forbid("backsight.v1.tasks.*");
  EXPECT_THAT(user->put_tasks("ams01", tasks_of(first, 1)).error().sentence,
              HasSubstr("Permissions Violation for Publish to \"backsight.v1.tasks.ams01\""));
  forbid("");
  EXPECT_TRUE(eventually([&] { return user->put_tasks("ams01", tasks_of(first, 1)).has_value(); }));
}

// --- a broker that comes and goes ----------------------------------------------------------------

// Whatever moment it is in: nothing crashes, nothing is lost, nothing comes twice. Worth running
// with the address sanitizer.
TEST_F(NatsTrouble, ABrokerMayBeStoppedKilledAndRestartedAtAnyTime) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  Broker broker;
  const auto at = address(broker);
  const auto user = std::move(*open_queue(at));
  const auto vp = open_vp(at);
  auto source = std::move(*user->open_source("ams01"));
  auto tail = std::move(*user->open_tail("ams01"));
  std::uint64_t next = 1;
  std::vector<std::uint64_t> put;  // of each acknowledged lot the first
  const auto is_answered = [&](std::uint64_t first) {
    return answers_.contains(first) && answers_.contains(first + 199);
  };
  const auto work = [&](std::chrono::milliseconds time) {
    const auto ends = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < ends) {
      answer(*vp);
      EXPECT_TRUE(vp->announce("{}"));
      consume(*source);
      std::vector<std::string> ignored;
      if (!tail->next(ignored)) {
        if (auto other = user->open_tail("ams01")) tail = std::move(*other);
      }
    }
  };
  for (int round = 0; round < 12; ++round) {
    // What was not acknowledged may be queued.
    if (user->put_tasks("ams01", tasks_of(next, 200))) put.push_back(next);
    next += 200;
    work(std::chrono::milliseconds(random() % 30));
    if (round % 3 == 0) {
      broker.send(SIGSTOP);
      work(std::chrono::milliseconds(random() % 60));
      broker.send(SIGCONT);
    } else {
      broker.kill();
      work(std::chrono::milliseconds(random() % 30));
      broker.start();
    }
    if (round % 4 == 3) {  // and whoever uses it, too
      source.reset();
      ASSERT_TRUE(eventually([&] {
        auto again = user->open_source("ams01");
        if (again) source = std::move(*again);
        return again.has_value();
      }));
    }
  }
  ASSERT_TRUE(eventually([&] {
    work(std::chrono::milliseconds(10));
    return std::ranges::all_of(put, is_answered);
  })) << answers_.size()
      << " of " << put.size() * 200 << "; " << troubles_of(*vp) << source->trouble();
  for (const auto& [task, times] : answers_) ASSERT_EQ(times, 1) << "task " << task;
}

}  // namespace
}  // namespace backsight::queue
