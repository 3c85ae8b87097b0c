// `backsight revtr`, run as a user runs it, against the controller's API over a service that the
// test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../controller_api/fake_service.h"
#include "command.h"
#include "controller/api/api_server.h"
#include "tests/support/loopback.h"

namespace backsight::cli {
namespace {

using controller::FailReason;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kKey = "alice-alice-alice-alice";

// Ends what is asked for, if it is to, as soon as it is asked for.
class PlayedService final : public controller::FakeService {
 public:
  std::function<void(PlayedService&, const std::vector<std::uint64_t>&)> on_submit;

  tl::expected<controller::Accepted, controller::RequestFaults> submit(
      std::vector<controller::Request> requests) override {
    const std::size_t count = requests.size();
    auto batch = FakeService::submit(std::move(requests));
    if (batch && on_submit) {
      std::vector<std::uint64_t> ids;
      for (std::size_t i = 0; i < count; ++i) ids.push_back(batch->batch + 2 * i);
      on_submit(*this, ids);
    }
    return batch;
  }
};

class RevtrTest : public testing::Test {
 protected:
  RevtrTest() { serve(nullptr); }

  void serve(std::shared_ptr<const config::ApiKeys> keys) {
    server_.reset();
    controller::Api::Options options;
    options.now_us = [] { return std::uint64_t{1'767'225'600'000'000}; };
    api_ = std::make_unique<controller::Api>(service_, options, std::move(keys));
    listen();
  }
  void listen() {
    auto started = controller::ApiServer::start("127.0.0.1:" + std::to_string(port_), *api_);
    ASSERT_TRUE(started) << started.error().sentence;
    server_ = std::move(*started);
  }
  // Every request ends as it comes.
  void end_all(FailReason reason = FailReason::kNone) {
    service_.on_submit = [reason](PlayedService& service, const auto& ids) {
      for (const std::uint64_t id : ids) service.end(id, reason);
    };
  }
  [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
    std::vector<std::string> all{"revtr",        "-n",
                                 "--from",       "ams01",
                                 "--controller", "http://127.0.0.1:" + std::to_string(port_)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  PlayedService service_;
  const int port_ = free_port();
  std::unique_ptr<controller::Api> api_;
  std::unique_ptr<controller::ApiServer> server_;
};

TEST_F(RevtrTest, PrintsAPathAsTraceroutePrintsOne) {
  end_all();
  const Ran ran = run(words({"198.51.100.7"}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "reverse traceroute from 198.51.100.7 to 192.0.2.1\n"
            "1  198.51.100.7      destination\n"
            "2  192.0.2.1         assumed symmetric\n"
            "reaches the source; 120 ms, 14 probes\n");
  EXPECT_EQ(ran.err, "");
}

TEST_F(RevtrTest, EndsWithOneWhenAPathDoesNotReach) {
  end_all(FailReason::kGapLimit);
  const Ran ran = run(words({"198.51.100.7"}));
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("failed: gap_limit"));
}

TEST_F(RevtrTest, PrintsTheContractsObjectsForPrograms) {
  end_all();
  const Ran ran = run(words({"198.51.100.7", "198.51.100.8", "--json"}));
  EXPECT_EQ(ran.code, 0) << ran.err;
  std::istringstream lines(ran.out);
  std::vector<std::string> destinations;
  for (std::string line; std::getline(lines, line);) {
    const auto path = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(path.is_object()) << line;
    destinations.push_back(path["dst"]);
  }
  EXPECT_THAT(destinations, testing::ElementsAre("198.51.100.7", "198.51.100.8"));
}

TEST_F(RevtrTest, PrintsEachPathAsItEnds) {
  std::vector<std::uint64_t> asked;
  service_.on_submit = [&](PlayedService& service, const auto& ids) {
    asked = ids;
    service.end(ids[1]);
  };
  Command command(words({"198.51.100.7", "198.51.100.8"}));
  ASSERT_TRUE(command.wait_for_output("from 198.51.100.8 to"));
  ASSERT_TRUE(command.wait_for_output("probes\n"));
  service_.end(asked[0]);
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("\n\nreverse traceroute from 198.51.100.7 to"));
}

TEST_F(RevtrTest, GoesOnWhenTheControllerWasAwayForAMoment) {
  std::vector<std::uint64_t> asked;
  service_.on_submit = [&](PlayedService& service, const auto& ids) {
    asked = ids;
    service.end(ids[0]);
  };
  Command command(words({"198.51.100.7", "198.51.100.8"}));
  ASSERT_TRUE(command.wait_for_output("from 198.51.100.7 to"));
  server_.reset();
  listen();
  service_.end(asked[1]);
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  // Each once.
  for (const char* destination : {"from 198.51.100.7 to", "from 198.51.100.8 to"}) {
    const std::size_t first = ran.out.find(destination);
    ASSERT_NE(first, ran.out.npos);
    EXPECT_EQ(ran.out.find(destination, first + 1), ran.out.npos);
  }
}

TEST_F(RevtrTest, TakesBackWhatHasNotEndedWhenItIsInterrupted) {
  service_.on_submit = [](PlayedService& service, const auto& ids) { service.end(ids[0]); };
  Command command(words({"198.51.100.7", "198.51.100.8"}));
  ASSERT_TRUE(command.wait_for_output("from 198.51.100.7 to"));
  command.signal(SIGINT);
  const Ran ran = command.finish();
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, StartsWith("backsight: interrupted"));
  EXPECT_TRUE(service_.progress(2, 0)->is_complete);
}

TEST_F(RevtrTest, AsksWithTheKeyOfTheEnvironment) {
  serve(std::make_shared<const config::ApiKeys>(
      *config::parse_api_keys(std::string("keys: [{key: ") + kKey + ", user: alice}]", "k")));
  end_all();
  const Ran without = run(words({"198.51.100.7"}));
  EXPECT_EQ(without.code, 1);
  EXPECT_EQ(without.err, "backsight: an API key is needed; send it as the header Revtr-Key\n");
  EXPECT_EQ(run(words({"198.51.100.7", "--key", kKey})).code, 0);
  setenv("BACKSIGHT_KEY", kKey, 1);
  EXPECT_EQ(run(words({"198.51.100.7"})).code, 0);
  unsetenv("BACKSIGHT_KEY");
}

TEST_F(RevtrTest, PassesOnWhatItIsAskedFor) {
  end_all();
  ASSERT_EQ(run(words({"198.51.100.7", "--no-cache", "--branches", "--no-rtt", "--label", "mine",
                       "--max-age", "5"}))
                .code,
            0);
  const controller::Request request = service_.requests().front();
  EXPECT_FALSE(request.use_cache);
  EXPECT_TRUE(request.find_branches);
  EXPECT_FALSE(request.ping_hops);
  EXPECT_EQ(request.label, "mine");
  EXPECT_EQ(request.staleness_minutes, 5U);
}

TEST_F(RevtrTest, SaysWhatIsWrongInOneSentence) {
  const Ran source = run({"revtr", "198.51.100.7", "--from", "lon03", "--controller",
                          "http://127.0.0.1:" + std::to_string(port_)});
  EXPECT_EQ(source.code, 2);
  EXPECT_THAT(source.err, HasSubstr("src is no source that is known here"));
  service_.refuse({{0, controller::RequestFault::Why::kNotReady, "source ams01 is deaf"}});
  const Ran not_ready = run(words({"198.51.100.7"}));
  EXPECT_EQ(not_ready.code, 1);
  EXPECT_EQ(not_ready.err, "backsight: source ams01 is deaf\n");
}

TEST_F(RevtrTest, SaysThatNoControllerIsThere) {
  server_.reset();
  const Ran ran = run(words({"198.51.100.7"}));
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1);
  EXPECT_THAT(ran.err, HasSubstr("no controller answers there"));
  const Ran odd = run({"revtr", "198.51.100.7", "--from", "a", "--controller", "ftp://here"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_EQ(odd.err,
            "backsight: --controller ftp://here: write http://HOST:PORT or https://HOST\n");
}

}  // namespace
}  // namespace backsight::cli
