// Who may do what on a broker with the users of config/nats, and TLS.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "nats_rig.h"
#include "queue/nats/broker/connection.h"
#include "queue/nats/broker/nkey.h"
#include "queue/nats/broker/pull.h"
#include "queue/nats/broker/streams.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/wire/subjects.h"

namespace backsight::queue {
namespace {

using testing::HasSubstr;

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// config/nats/users.conf with keys of the test's in the places of its examples, in order.
class Users {
 public:
  explicit Users(const std::string& folder) {
    text_ = text_of_file(BACKSIGHT_CONFIG "/nats/users.conf");
    std::size_t at = 0;
    for (const char* who : {"admin", "controller", "ams01", "fra02"}) {
      const std::string seed = nats::make_user_seed();
      at = text_.find("{nkey: ", at);
      EXPECT_NE(at, std::string::npos);
      text_.replace(at + 7, 56, nats::public_key_of(seed).value());
      ++at;
      const std::string path = fmt::format("{}/{}.nk", folder, who);
      std::ofstream(path) << seed << "\n";
      ::chmod(path.c_str(), 0600);
    }
    EXPECT_EQ(text_.find("{nkey: ", at), std::string::npos);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class NatsSecurity : public NatsRig {
 protected:
  void SetUp() override {
    NatsRig::SetUp();
    if (IsSkipped()) return;
    broker_ = std::make_unique<Broker>("-");
    const Users users(broker_->folder());
    broker_->configure(users.text());
    broker_->start();
    const auto done = nats::set_up(as("admin"), {}, {"ams01", "fra02"});
    ASSERT_TRUE(done) << done.error().sentence;
  }

  [[nodiscard]] QueueAddress as(const std::string& who) const {
    QueueAddress at = address(*broker_);
    at.credentials = (broker_->folder() / (who + ".nk")).string();
    return at;
  }

  [[nodiscard]] std::unique_ptr<nats::Connection> opened(const std::string& who,
                                                         const std::string& user) const {
    auto connection = nats::Connection::open(as(who), user, "test");
    if (connection) return std::move(*connection);
    throw std::runtime_error(connection.error().sentence);
  }

  // Messages that the stream holds.
  std::uint64_t stored(const char* stream) {
    const auto admin = opened("admin", "backsight");
    jsStreamInfo* got = nullptr;
    js_GetStreamInfo(&got, admin->jet_stream(), stream, nullptr, nullptr);
    const nats::StreamInfo info(got);
    return info == nullptr ? 0 : info->State.Msgs;
  }

  // What the server says to `who` who publishes there; empty: nothing.
  std::string told_for_publishing(const std::string& who, const std::string& subject) {
    const auto connection = opened(who, who);
    EXPECT_TRUE(connection->publish(subject, nats::bytes_of("x")));
    natsConnection_FlushTimeout(connection->get(), 2000);
    return told(*connection);
  }
  std::string told_for_subscribing(const std::string& who, const std::string& subject) {
    const auto connection = opened(who, who);
    const auto subscription = connection->subscribe(subject);
    natsConnection_FlushTimeout(connection->get(), 2000);
    return told(*connection);
  }

  std::unique_ptr<Broker> broker_;

 private:
  static std::string told(const nats::Connection& connection) {
    const char* text = nullptr;
    natsConnection_GetLastError(connection.get(), &text);
    return text == nullptr ? "" : text;
  }
};

TEST_F(NatsSecurity, EachUserCanDoItsWork) {
  const auto controller = std::move(*open_queue(as("controller")));
  const auto vp = open_vp(as("ams01"));
  auto source = controller->open_source("ams01");
  ASSERT_TRUE(source) << source.error().sentence;
  ASSERT_TRUE(controller->put_tasks("ams01", tasks_of(1, 3000)));
  ASSERT_TRUE(eventually([&] {
    EXPECT_TRUE(vp->announce("{}"));
    answer(*vp);
    consume(**source);
    return answers_.size() == 3000 && vp->spool().results == 0;
  })) << testing::PrintToString(vp->health().troubles);
  expect_each_once(3000);
  EXPECT_EQ(controller->list_vps().value(), std::vector<std::string>{"ams01"});
}

TEST_F(NatsSecurity, AVantagePointMayNotBeAnother) {
  for (const char* subject :
       {"backsight.v1.results.fra02", "backsight.v1.status.fra02", "backsight.v1.dead.fra02",
        "backsight.v1.vp.fra02.2", "backsight.v1.tasks.ams01",
        "backsight.v1.commit.ams01.0000000000000001",
        "$JS.API.CONSUMER.MSG.NEXT.BACKSIGHT_TASKS.fra02", "$JS.API.STREAM.PURGE.BACKSIGHT_RESULTS",
        "$JS.API.CONSUMER.DURABLE.CREATE.BACKSIGHT_TASKS.ams01",
        "$JS.API.CONSUMER.CREATE.BACKSIGHT_TASKS.ams01.backsight.v1.tasks.fra02",
        "$JS.API.CONSUMER.CREATE.BACKSIGHT_TASKS.x",
        "$JS.API.CONSUMER.DELETE.BACKSIGHT_TASKS.fra02",
        "$JS.API.CONSUMER.MSG.NEXT.BACKSIGHT_RESULTS.ams01", "$JS.ACK.BACKSIGHT_TASKS.fra02.1.1"}) {
    EXPECT_THAT(told_for_publishing("ams01", subject), HasSubstr("Permissions Violation"))
        << subject;
  }
  for (const char* subject :
       {"backsight.v1.tasks.fra02", "backsight.v1.results.*", "_INBOX_fra02.>",
        "backsight.v1.commit.fra02.*", "backsight.v1.vp.fra02.*", "backsight.v1.vp.*.2", ">"}) {
    EXPECT_THAT(told_for_subscribing("ams01", subject), HasSubstr("Permissions Violation"))
        << subject;
  }
  EXPECT_EQ(stored(nats::kResultStream), 0U);
  EXPECT_EQ(told_for_publishing("ams01", "backsight.v1.results.ams01"), "");
  EXPECT_EQ(stored(nats::kResultStream), 1U);
}

TEST_F(NatsSecurity, AnotherVantagePointOfTheNameIsNoticed) {
  const auto first = open_vp(as("ams01"), "ams01", 1);
  std::vector<std::string> complaints;
  ASSERT_TRUE(eventually([&] { return first->health().is_connected; }));
  QueueAddress elsewhere = as("ams01");
  elsewhere.spool += "-elsewhere";
  const auto second = open_vp(elsewhere, "ams01", 1);
  EXPECT_TRUE(eventually([&] {
    const auto troubles = second->health().troubles;
    return troubles.size() == 1 &&
           troubles[0].find("there can be one of a name") != std::string::npos;
  })) << testing::PrintToString(second->health().troubles);
}

TEST_F(NatsSecurity, AVantagePointOfAnotherIdThanTheServersUsersSayIsTold) {
  const auto vp = open_vp(as("ams01"), "ams01", 7);
  EXPECT_TRUE(eventually([&] {
    answer(*vp);
    return vp_complaints_.size() == 1;
  }));
  EXPECT_THAT(vp_complaints_[0], HasSubstr("its users.conf must allow that, for id 7"));
}

TEST_F(NatsSecurity, SaysWhoIsRefused) {
  for (const std::string& credentials : {std::string(), std::string("stranger")}) {
    QueueAddress at = as(credentials);
    if (credentials.empty()) {
      at.credentials.clear();
    } else {
      broker_->write("stranger.nk", nats::make_user_seed());
      ::chmod(at.credentials.c_str(), 0600);
    }
    const auto refused = open_queue(at);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().sentence,
                HasSubstr("the server refuses us; check the credentials"));
    const auto vp = open_vp(at);
    EXPECT_TRUE(eventually([&] {
      const auto health = vp->health();
      return health.troubles.size() == 1 &&
             health.troubles[0].find("the server refuses us") != std::string::npos;
    }));
  }
}

// The server checks key and signature by itself. One signature in 256 begins with a zero byte.
using NatsKeys = NatsRig;

TEST_F(NatsKeys, EveryKeyWeMakeIsTakenByTheServer) {
  constexpr int kKeys = 1500;
  std::string users;
  std::vector<std::string> seeds(kKeys);
  for (std::string& seed : seeds) {
    seed = nats::make_user_seed();
    users += fmt::format("  {{nkey: {}}}\n", nats::public_key_of(seed).value());
  }
  const Broker broker(fmt::format("authorization: {{ users: [\n{}] }}\n", users));
  QueueAddress at = address(broker);
  at.credentials = broker.folder() / "one.nk";
  for (const std::string& seed : seeds) {
    broker.write("one.nk", seed);
    ::chmod(at.credentials.c_str(), 0600);
    const auto connection = nats::Connection::open(at, "one", "test");
    ASSERT_TRUE(connection) << connection.error().sentence << ": " << seed;
  }
}

TEST_F(NatsSecurity, RefusesCredentialsThatAreNoneOrOpenToOthers) {
  QueueAddress at = as("ams01");
  ::chmod(at.credentials.c_str(), 0644);
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("chmod 600"));
  at.credentials = broker_->folder() / "nothing.nk";
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("nothing.nk: does not exist; copy"));
  broker_->write("nothing.nk", "hello");
  ::chmod(at.credentials.c_str(), 0600);
  EXPECT_THAT(open_queue(at).error().sentence,
              HasSubstr("neither a .creds file nor an nkey seed of a user"));
}

TEST_F(NatsSecurity, SaysWhatAnAdministratorMustMake) {
  broker_->kill();
  broker_->empty_its_store();
  broker_->start();
  const auto vp = open_vp(as("ams01"));
  EXPECT_TRUE(eventually([&] {
    const auto health = vp->health();
    return health.troubles.size() == 1 &&
           health.troubles[0].find("let an administrator run \"backsight queue setup\"") !=
               std::string::npos;
  })) << testing::PrintToString(vp->health().troubles);
}

class NatsTls : public NatsRig {
 protected:
  void SetUp() override {
    NatsRig::SetUp();
    if (IsSkipped()) return;
    broker_ = std::make_unique<Broker>("-");
    for (const char* command :
         {"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem "
          "-days 2 -subj /CN=test-ca",
          "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out "
          "server.csr "
          "-subj /CN=localhost -addext subjectAltName=DNS:localhost",
          "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy "
          "-out server.pem -days 2",
          "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ams01.key -out ams01.csr "
          "-subj /CN=ams01",
          "x509 -req -in ams01.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ams01.pem -days "
          "2"}) {
      const std::string line = fmt::format("cd {} && openssl {} > openssl.log 2>&1",
                                           broker_->folder().string(), command);
      ASSERT_EQ(std::system(line.c_str()), 0) << text_of_file(broker_->folder() / "openssl.log");
    }
    broker_->configure(
        "tls { cert_file: \"FOLDER/server.pem\", key_file: \"FOLDER/server.key\", "
        "ca_file: \"FOLDER/ca.pem\", verify: true }\n");
    broker_->start();
  }

  [[nodiscard]] QueueAddress here() const {
    QueueAddress at = address(*broker_);
    at.url = fmt::format("tls://localhost:{}", broker_->port());
    at.tls_ca = broker_->folder() / "ca.pem";
    at.tls_cert = broker_->folder() / "ams01.pem";
    at.tls_key = broker_->folder() / "ams01.key";
    return at;
  }

  std::unique_ptr<Broker> broker_;
};

TEST_F(NatsTls, CarriesTasksAndResults) {
  const auto user = open_queue(here());
  ASSERT_TRUE(user) << user.error().sentence;
  const auto vp = open_vp(here());
  const auto source = std::move(*(*user)->open_source("ams01"));
  ASSERT_TRUE((*user)->put_tasks("ams01", tasks_of(1, 100)));
  ASSERT_TRUE(eventually([&] {
    answer(*vp);
    consume(*source);
    return answers_.size() == 100;
  }));
}

TEST_F(NatsTls, TrustsNobodyElsesCertificate) {
  QueueAddress at = here();
  at.tls_ca = broker_->folder() / "ams01.pem";
  const auto other = open_queue(at);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().sentence, HasSubstr("check tls_ca"));
  at = here();
  at.url = fmt::format("tls://127.0.0.1:{}", broker_->port());  // not the certificate's name
  EXPECT_FALSE(open_queue(at));
  at = here();
  at.tls_ca = broker_->folder() / "nothing.pem";
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("not certificates in PEM"));
  at = here();
  at.tls_cert.clear();
  EXPECT_THAT(open_queue(at).error().sentence, HasSubstr("give both"));
  at.tls_key.clear();
  EXPECT_FALSE(open_queue(at));  // the server asks for one
}

TEST_F(NatsTls, IsSpokenWhereTheServerWantsItWhateverTheUrlSays) {
  const auto plain = open_queue(address(*broker_));
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().sentence, HasSubstr("check tls_ca"));
}

}  // namespace
}  // namespace backsight::queue
