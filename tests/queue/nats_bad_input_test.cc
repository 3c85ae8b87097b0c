// What somebody else left on the broker, and messages that are none of ours: one sentence each, and
// the rest goes on.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>

#include "nats_rig.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/broker/streams.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/wire/commit_mark.h"
#include "queue/nats/wire/message.h"
#include "queue/nats/wire/subjects.h"
#include "tasks/codec/codec.h"

namespace backsight::queue {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

using Bytes = std::vector<std::byte>;

class NatsBadInput : public NatsRig {
 protected:
  void SetUp() override {
    NatsRig::SetUp();
    if (IsSkipped()) return;
    broker_ = std::make_unique<Broker>();
    at_ = address(*broker_);
    user_ = std::move(*open_queue(at_));
    connection_ = std::move(*nats::Connection::open(at_, "test", "test"));
  }

  void publish(const std::string& subject, std::span<const std::byte> body) {
    ASSERT_TRUE(connection_->publish(subject, body));
    natsConnection_FlushTimeout(connection_->get(), 2000);
  }

  static Bytes wrapped(std::span<const std::byte> payload, std::uint64_t position,
                       std::uint32_t count) {
    Bytes body;
    nats::write_message(position, {position, count, payload}, body);
    return body;
  }
  Bytes tasks_for(const std::string& vp) {
    const auto tasks = tasks_of(900, 2);
    return wrapped(encoder_.encode(vp, tasks), 1, 2);
  }
  Bytes results_of(const std::string& vp, std::uint64_t position) {
    tasks::ResultBatch batch;
    batch.probes.resize(2);
    return wrapped(encoder_.encode({.vp = vp, .boot_epoch = 1, .batch = 1, .log = 77},
                                   {batch.probes, batch.traces, batch.observations}),
                   position, 2);
  }
  // The message of a release to come: the schema's number stands in the payload.
  static Bytes of_newer_version(Bytes body) {
    body[3] = static_cast<std::byte>('2');
    return body;
  }

  std::uint64_t dead_letters() {
    jsStreamInfo* got = nullptr;
    js_GetStreamInfo(&got, connection_->jet_stream(), nats::kDeadStream, nullptr, nullptr);
    const nats::StreamInfo info(got);
    return info == nullptr ? 0 : info->State.Msgs;
  }

  void remake(const char* stream, const std::function<void(jsStreamConfig&)>& change) {
    ASSERT_EQ(js_DeleteStream(connection_->jet_stream(), stream, nullptr, nullptr), NATS_OK);
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = stream;
    std::array<const char*, 1> subjects{"backsight.v1.results.*"};
    config.Subjects = subjects.data();
    config.SubjectsLen = 1;
    config.Retention = js_WorkQueuePolicy;
    config.Discard = js_DiscardNew;
    change(config);
    ASSERT_EQ(js_AddStream(nullptr, connection_->jet_stream(), &config, nullptr, nullptr), NATS_OK);
  }

  void expect_trouble(VpQueue& vp, const std::string& words) {
    EXPECT_TRUE(eventually([&] {
      const auto troubles = vp.health().troubles;
      return std::ranges::any_of(
          troubles, [&](const auto& it) { return it.find(words) != std::string::npos; });
    })) << words
        << " is not in " << testing::PrintToString(vp.health().troubles);
  }

  std::unique_ptr<Broker> broker_;
  QueueAddress at_;
  std::unique_ptr<QueueClient> user_;
  std::unique_ptr<nats::Connection> connection_;
  tasks::Encoder encoder_;
};

TEST_F(NatsBadInput, MessagesThatAreNoTasksAreLaidAsideAndTheRestGoesOn) {
  const std::string subject = nats::task_subject("ams01");
  Bytes damaged = tasks_for("ams01");
  damaged.back() ^= std::byte{1};
  Bytes cut = tasks_for("ams01");
  cut.resize(cut.size() - 8);
  const Bytes huge(900 << 10, std::byte{'x'});
  publish(subject, damaged);
  publish(subject, cut);
  publish(subject, tasks_for("fra02"));
  publish(subject, results_of("ams01", 1));
  publish(subject, huge);
  publish(subject, {});
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 10)));
  const auto vp = open_vp(at_);
  std::size_t answered = 0;
  EXPECT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 10 && vp->health().dead_letters == 6 && dead_letters() == 6;
  }));
  answer(*vp);
  EXPECT_THAT(vp_complaints_, SizeIs(6));
  for (const char* why :
       {"its checksum is wrong", "its length is wrong", "its tasks are for vantage point fra02",
        "it is no message of Backsight's", "not a task message"}) {
    EXPECT_THAT(vp_complaints_, Contains(AllOf(HasSubstr("backsight.v1.tasks.ams01: a message of"),
                                               HasSubstr(why))));
  }
}

TEST_F(NatsBadInput, TasksOfANewerVersionWait) {
  publish(nats::task_subject("ams01"), of_newer_version(tasks_for("ams01")));
  publish(nats::task_subject("ams01"), of_newer_version(tasks_for("ams01")));
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 10)));
  const auto vp = open_vp(at_);
  std::size_t answered = 0;
  EXPECT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 10 && !vp_complaints_.empty();
  }));
  EXPECT_THAT(vp_complaints_, testing::ElementsAre(AllOf(HasSubstr("newer version"),
                                                         HasSubstr("upgrade this program"))));
  EXPECT_EQ(dead_letters(), 0U);
}

TEST_F(NatsBadInput, MessagesThatAreNoResultsAreLaidAsideAndTheRestGoesOn) {
  const std::string subject = nats::result_subject("ams01");
  Bytes damaged = results_of("ams01", 1);
  damaged[40] ^= std::byte{1};
  publish(subject, damaged);
  publish(subject, results_of("fra02", 1));
  publish(subject, Bytes(900 << 10, std::byte{'B'}));
  publish(subject, tasks_for("ams01"));
  publish(subject, of_newer_version(results_of("ams01", 1)));
  publish(subject, of_newer_version(results_of("ams01", 3)));
  publish(subject, results_of("ams01", 1));
  publish(subject, results_of("ams01", 1));  // the same again
  publish(subject, results_of("ams01", 3));
  const auto source = std::move(*user_->open_source("ams01"));
  std::size_t got = 0;
  EXPECT_TRUE(eventually([&] {
    got += consume(*source);
    return got == 4 && dead_letters() == 4;
  }));
  consume(*source);
  EXPECT_EQ(got, 4U);
  EXPECT_THAT(complaints_, SizeIs(5));
  EXPECT_THAT(complaints_, Contains(HasSubstr("results of a newer version wait at the broker")));
  EXPECT_THAT(complaints_, Contains(HasSubstr("its head does not fit its subject")));
}

TEST_F(NatsBadInput, CommitsBeyondWhatWasSentFreeNothing) {
  const auto vp = open_vp(at_);
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 10)));
  std::size_t answered = 0;
  ASSERT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 10;
  }));
  std::uint64_t log = 0;
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(vp->announce("{}"));
    const auto status = nats::last_state(*connection_, nats::status_subject("ams01"));
    if (!status || *status == nullptr) return false;
    log = nats::parse_number(nats::header_of(status->get(), nats::kLogHeader), 16).value_or(0);
    return log != 0 && nats::header_of(status->get(), nats::kSentHeader) == "11";
  }));
  for (const char* text : {"1 5000", "1 x", "", "9 3"}) {
    publish(nats::commit_subject("ams01", log), nats::bytes_of(text));
  }
  expect_trouble(*vp, "results below 5000 are said to be committed, but only those below 11");
  EXPECT_EQ(vp->spool().results, 10U);
}

TEST_F(NatsBadInput, StreamsThatSomebodyElseMadeAreNamed) {
  const struct {
    std::function<void(jsStreamConfig&)> change;
    const char* words;
  } cases[] = {
      {[](auto& it) { it.Retention = js_LimitsPolicy; }, "is no work queue"},
      {[](auto& it) { it.Discard = js_DiscardOld; }, "drops old messages when it is full"},
      {[](auto& it) { it.MaxAge = 3'600'000'000'000; }, "drops messages for their age"},
      {[](auto& it) { it.Storage = js_MemoryStorage; }, "does not keep every message on disk"},
      {[](auto& it) { it.MaxMsgSize = 1000; }, "takes no message above 1000 bytes"},
      {[](auto& it) { it.Subjects[0] = "other.*"; }, "does not take backsight.v1.results.*"},
  };
  for (const auto& [change, words] : cases) {
    remake(nats::kResultStream, change);
    const auto refused = open_queue(at_);
    ASSERT_FALSE(refused) << words;
    EXPECT_THAT(refused.error().sentence,
                AllOf(HasSubstr("stream BACKSIGHT_RESULTS"), HasSubstr(words),
                      HasSubstr("somebody else made it")));
  }
  EXPECT_EQ(js_DeleteStream(connection_->jet_stream(), nats::kResultStream, nullptr, nullptr),
            NATS_OK);
  EXPECT_TRUE(open_queue(at_));  // makes it anew
}

TEST_F(NatsBadInput, AConsumerThatSomebodyElseMadeIsMadeAnew) {
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = "ams01";
  config.AckPolicy = js_AckExplicit;
  config.FilterSubject = "backsight.v1.tasks.fra02";
  ASSERT_EQ(js_AddConsumer(nullptr, connection_->jet_stream(), nats::kTaskStream, &config, nullptr,
                           nullptr),
            NATS_OK);
  const auto vp = open_vp(at_);
  ASSERT_TRUE(user_->put_tasks("ams01", tasks_of(1, 10)));
  std::size_t answered = 0;
  EXPECT_TRUE(eventually([&] {
    answered += answer(*vp);
    return answered == 10;
  }));
}

TEST_F(NatsBadInput, AServerThatTakesNoBatchIsNamed) {
  broker_->kill();
  broker_->configure("max_payload: 16KB\n");
  broker_->start();
  const auto vp = open_vp(at_);
  tasks::ResultBatch batch;
  batch.probes.resize(1000);
  ASSERT_TRUE(vp->put(batch));
  expect_trouble(*vp, "raise max_payload in its config");
  EXPECT_EQ(vp->spool().results, 1000U);
}

TEST(NatsBadServers, AreNamed) {
  if (!Broker::is_possible()) GTEST_SKIP() << "no nats-server";
  Broker broker("-");
  QueueAddress at(broker.url());
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("nobody answers there"));
  at.url = "nats://no-such-host.invalid:4222";
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("nats://no-such-host.invalid:4222"));
  broker.write("nats.conf", fmt::format("listen: 127.0.0.1:{}\n", broker.port()));
  broker.start();
  EXPECT_THAT(open_queue(broker.url()).error().sentence,
              HasSubstr("is JetStream switched on in the server's config?"));
}

}  // namespace
}  // namespace backsight::queue
