// The queue over three servers, each stream on all of them, one of which dies.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <random>
#include <set>

#include "nats_rig.h"
#include "queue/nats/consumer/nats_client.h"

namespace backsight::queue {
namespace {

using namespace std::chrono_literals;

constexpr int kServers = 3;
// Servers that lost their leader agree on another within 4 to 9 s.
constexpr auto kPatience = 60s;

class NatsCluster : public NatsRig {
 protected:
  void SetUp() override {
    NatsRig::SetUp();
    if (IsSkipped()) return;
    const char* chosen = std::getenv("BACKSIGHT_SEED");
    seed_ = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
    random_.seed(seed_);
    std::array<int, kServers> ports{};
    for (int& port : ports) port = Broker::free_port();
    std::string routes;
    for (const int port : ports) routes += fmt::format("\"nats://127.0.0.1:{}\", ", port);
    for (std::size_t i = 0; i < kServers; ++i) {
      servers_[i] = std::make_unique<Broker>("-");
      servers_[i]->configure(
          fmt::format("server_name: nats{}\ncluster {{ name: test, listen: \"127.0.0.1:{}\", "
                      "routes: [ {}] }}\n",
                      i + 1, ports[i], routes));
    }
    for (const auto& server : servers_) server->start();
    at_ = address(*servers_[0]);
    at_.url = "nats://";
    for (const auto& server : servers_) at_.url += fmt::format("127.0.0.1:{},", server->port());
    at_.url.pop_back();
    std::string why;
    ASSERT_TRUE(eventually(
        [&] {
          const auto done = nats::set_up(at_, {.replicas = kServers}, {"ams01"});
          if (!done) why = done.error().sentence;
          return done.has_value();
        },
        kPatience))
        << why;
  }

  // A producer does not know of tasks whose put failed whether they are queued.
  void put_some() {
    const auto tasks = tasks_of(next_id_, 20);
    next_id_ += tasks.size();
    if (user_ == nullptr) {
      auto opened = open_queue(at_);
      if (opened) user_ = std::move(*opened);
    }
    const bool is_put = user_ != nullptr && user_->put_tasks("ams01", tasks).has_value();
    if (!is_put) user_.reset();
    for (const tasks::Task& task : tasks) (is_put ? accepted_ : maybe_).insert(task.id);
  }

  std::size_t unanswered() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        accepted_, [&](std::uint64_t task) { return !answers_.contains(task); }));
  }

  std::uint64_t seed_ = 0;
  std::mt19937_64 random_;
  std::array<std::unique_ptr<Broker>, kServers> servers_;
  QueueAddress at_;
  std::unique_ptr<QueueClient> user_;
  std::set<std::uint64_t> accepted_;
  std::set<std::uint64_t> maybe_;
  std::uint64_t next_id_ = 1;
};

TEST_F(NatsCluster, LosesAndRepeatsNothingWhenOneServerDies) {
  const auto vp = open_vp(at_, "ams01", 1);
  const auto consumer = open_queue(at_);
  ASSERT_TRUE(consumer) << consumer.error().sentence;
  const auto source = std::move(*(*consumer)->open_source("ams01"));
  const std::size_t dies = random_() % kServers;
  const std::size_t dies_at = 5 + random_() % 20;
  const auto flow = [&] {
    EXPECT_TRUE(vp->announce("{}"));
    answer(*vp);
    consume(*source);
  };
  std::size_t accepted_since = 0;
  for (std::size_t round = 0; accepted_since < 30; ++round) {
    ASSERT_LT(round, 1000U) << "seed " << seed_;
    if (round == dies_at) servers_[dies]->kill();
    const std::size_t before = accepted_.size();
    put_some();
    if (round >= dies_at && accepted_.size() > before) ++accepted_since;
    flow();
  }
  EXPECT_TRUE(eventually(
      [&] {
        flow();
        return unanswered() == 0;
      },
      kPatience))
      << unanswered() << " of " << accepted_.size() << " tasks have no answer, seed " << seed_
      << testing::PrintToString(vp->health().troubles) << testing::PrintToString(complaints_);
  for (const auto& [task, times] : answers_) {
    EXPECT_EQ(times, 1) << "task " << task << ", seed " << seed_;
    EXPECT_TRUE(accepted_.contains(task) || maybe_.contains(task)) << "task " << task;
  }
  EXPECT_TRUE(eventually([&] { return vp->spool().results == 0; }, kPatience));
}

}  // namespace
}  // namespace backsight::queue
