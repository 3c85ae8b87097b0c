// What is asked of the API to measure: what of it is accepted, refused by itself, or refused as a
// whole.
#include "controller/api/submissions.h"

#include "api_rig.h"

namespace backsight::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Why = RequestFault::Why;

constexpr const char* kGood = R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"}]})";

TEST(ApiSubmit, AcceptsByNameAndByAddress) {
  ApiRig rig;
  const Answered answered = rig.post(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"src":"192.0.2.2","dst":"203.0.113.9"}]})");
  EXPECT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.json["batch_id"], 2);
  EXPECT_EQ(answered.json["accepted"], 2);
  EXPECT_EQ(answered.json["result_uri"], "http://revtr.example.net/api/v1/revtr?batchid=2");
  const auto requests = rig.service_.requests();
  EXPECT_EQ(to_string(requests[0].src), "192.0.2.1");
  EXPECT_EQ(to_string(requests[1].src), "192.0.2.2");
  EXPECT_EQ(requests[0].user, "alice");
}

TEST(ApiSubmit, NamesTheUriAsTheProxyIsReached) {
  ApiRig rig;
  ApiRequest request = rig.request("POST", "/api/v1/revtr");
  request.body = kGood;
  request.forwarded_proto = "https";
  EXPECT_THAT(std::string(rig.ask(request).json["result_uri"]), StartsWith("https://revtr."));
  request.host = "";
  EXPECT_THAT(std::string(rig.ask(request).json["result_uri"]), StartsWith("/api/v1/revtr?"));
}

TEST(ApiSubmit, TellsEveryFaultByItem) {
  ApiRig rig;
  const Answered answered = rig.post(
      R"({"revtrs":[{"src":"ams01"},{"src":"lon03","dst":"198.51.100.7"},{"src":7,"dst":"x"}]})");
  EXPECT_EQ(answered.status, 400);
  const auto items = answered.json["error"]["items"];
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0]["item"], 0);
  EXPECT_EQ(items[1]["item"], 1);
  EXPECT_EQ(items[2]["item"], 2);
  EXPECT_THAT(answered.sentence(), StartsWith("4 faults; request 0: dst is missing"));
  EXPECT_TRUE(rig.service_.requests().empty());
}

// Each of these is at fault in its own way; the last two are not.
constexpr const char* kMixed = R"({"checkDB":true,"revtrs":[
    {"src":"lon03","dst":"198.51.100.1"},
    {"src":"ams01","dst":"2001:db8::1","uuid":"six"}]})";
constexpr const char* kMixedWithGood = R"({"checkDB":true,"owner":"x","revtrs":[
    {"src":"lon03","dst":"198.51.100.1"},
    {"src":"ams01","dst":"2001:db8::1","label":"six"},
    {"src":"ams01","dst":"198.51.100.7"},
    {"src":"ams01","dst":"10.0.0.1"},
    {"src":"ams01","dst":"198.51.100.8","labels":"x"}]})";

TEST(ApiSubmit, MeasuresTheOthersWhereOneIsAtFault) {
  ApiRig rig;
  rig.service_.refuse({{3, Why::kBadDestination, "10.0.0.1 is private; name a public address"}});
  const Answered answered = rig.post(kMixedWithGood);
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.json["accepted"], 2);
  const auto refused = answered.json["refused"];
  ASSERT_EQ(refused.size(), 3U);
  EXPECT_EQ(refused[0]["item"], 0);
  EXPECT_THAT(std::string(refused[0]["sentence"]), HasSubstr("no source"));
  EXPECT_EQ(refused[1]["item"], 1);
  EXPECT_THAT(std::string(refused[1]["sentence"]), HasSubstr("IPv6"));
  EXPECT_EQ(refused[2]["item"], 3);
  EXPECT_THAT(std::string(refused[2]["sentence"]), HasSubstr("private"));
  EXPECT_EQ(answered.json["ignored"], (nlohmann::json{"owner", "labels"}));

  // Each has its place in the batch.
  const std::uint64_t batch = answered.json["batch_id"];
  const auto shown = rig.get("/api/v1/revtr?batchid=" + std::to_string(batch)).json;
  EXPECT_EQ(shown["total"], 5);
  EXPECT_EQ(shown["ended"], 3);
  EXPECT_EQ(shown["complete"], false);
  const auto six = shown["revtrs"][1];
  EXPECT_EQ(six["id"], batch + 2);
  EXPECT_EQ(six["status"], "COMPLETED");
  EXPECT_EQ(six["stopReason"], "FAILED");
  EXPECT_EQ(six["label"], "six");
  EXPECT_EQ(six["fail_reason"], "refused");
  EXPECT_THAT(std::string(six["fail_detail"]), HasSubstr("IPv6"));
  rig.service_.end(batch + 4);
  rig.service_.end(batch + 8);
  EXPECT_EQ(rig.get("/api/v1/revtr?batchid=" + std::to_string(batch)).json["complete"], true);
}

TEST(ApiSubmit, RefusesABatchInWhichEachIsAtFault) {
  ApiRig rig;
  const Answered answered = rig.post(kMixed);
  EXPECT_EQ(answered.status, 400);
  EXPECT_EQ(answered.json["error"]["items"].size(), 2U);
  EXPECT_TRUE(rig.service_.requests().empty());
  rig.service_.refuse({{2, Why::kBadDestination, "denied"},
                       {3, Why::kBadDestination, "private"},
                       {4, Why::kNotReady, "wait"}});
  const Answered all = rig.post(kMixedWithGood);
  EXPECT_EQ(all.status, 400);
  EXPECT_EQ(all.json["error"]["items"].size(), 5U);
  EXPECT_TRUE(rig.service_.requests().empty());
}

TEST(ApiSubmit, RefusesAllWhereItIsTheServiceThatCannot) {
  ApiRig rig;
  rig.service_.refuse({{0, Why::kStorage, "the disk is full"}});
  const Answered answered = rig.post(kMixedWithGood);
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "storage");
  EXPECT_TRUE(rig.service_.requests().empty());
}

TEST(ApiSubmit, UnderstandsWhatRevtrsProgramsPost) {
  ApiRig rig;
  const Answered answered = rig.post(
      R"({"auth":"k","checkDB":false,"waitUntilFinished":false,"revtrs":[
          {"src":"192.0.2.1","dst":"198.51.100.7","label":"l","isRunForwardTraceroute":true,
           "isRunRttPings":true,"maxSpoofers":5,"staleness":"60","useCache":false,"uuid":null,
           "rrVpSelectionAlgorithm":"ingress_cover","atlasOptions":{"useAtlas":true},
           "symmetryOptions":null,"useTimestamp":false,"isTryFromDestinationAs":false}]})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_FALSE(answered.json.contains("ignored"));
  EXPECT_FALSE(answered.json.contains("refused"));
  const Request request = rig.service_.requests().at(0);
  EXPECT_TRUE(request.forward_traceroute);
  EXPECT_TRUE(request.ping_hops);
  EXPECT_EQ(request.max_spoofers, 5);
  EXPECT_EQ(request.staleness_minutes, 60U);
  EXPECT_FALSE(request.use_cache);
  EXPECT_FALSE(request.retry_from_destination_as);
}

TEST(ApiSubmit, TellsWhichSourceIsNone) {
  ApiRig rig;
  const Answered answered = rig.post(R"({"revtrs":[{"src":"lon03","dst":"198.51.100.7"}]})");
  EXPECT_EQ(answered.status, 400);
  EXPECT_EQ(answered.code(), "unknown_source");
}

TEST(ApiSubmit, SaysWhatIsPossibleWhenADestinationIsNot) {
  ApiRig rig;
  const Answered six = rig.post(R"({"revtrs":[{"src":"ams01","dst":"2001:db8::1"}]})");
  EXPECT_EQ(six.status, 422);
  EXPECT_EQ(six.code(), "impossible_destination");
  EXPECT_THAT(six.sentence(), HasSubstr("write the IPv4 address"));
  rig.service_.refuse({{0, Why::kBadDestination, "10.0.0.1 is private; name a public address"}});
  const Answered private_one = rig.post(R"({"revtrs":[{"src":"ams01","dst":"10.0.0.1"}]})");
  EXPECT_EQ(private_one.status, 422);
  EXPECT_THAT(private_one.sentence(), HasSubstr("10.0.0.1 is private"));
}

TEST(ApiSubmit, RefusesTooManyInOne) {
  ApiRig rig;
  std::string body = R"({"revtrs":[)";
  for (int i = 0; i < 6; ++i) {
    body += (i == 0 ? "" : ",") + std::string(R"({"src":"ams01","dst":"198.51.100.7"})");
  }
  const Answered answered = rig.post(body + "]}");
  EXPECT_EQ(answered.status, 413);
  EXPECT_EQ(answered.sentence(), "6 requests; 5 fit into one submission");
}

TEST(ApiSubmit, AnswersEachFaultOfTheServiceInItsWay) {
  ApiRig rig;
  const auto status_of = [&](Why why) {
    rig.service_.refuse({{0, why, "so it is"}});
    const Answered answered = rig.post(kGood);
    EXPECT_THAT(answered.sentence(), HasSubstr("so it is"));
    EXPECT_EQ(answered.headers.contains("Retry-After"), answered.status == 503);
    return answered.status;
  };
  EXPECT_EQ(status_of(Why::kUnknownSource), 400);
  EXPECT_EQ(status_of(Why::kBadDestination), 422);
  EXPECT_EQ(status_of(Why::kNotReady), 503);
  EXPECT_EQ(status_of(Why::kBusy), 503);
  EXPECT_EQ(status_of(Why::kStorage), 503);
  // What the user can mend comes first.
  rig.service_.refuse({{0, Why::kNotReady, "wait"}, {1, Why::kBadDestination, "not there"}});
  EXPECT_EQ(rig.post(kGood).status, 422);
}

TEST(ApiQuota, HoldsWhatIsUnderWayDown) {
  ApiRig rig;
  rig.service_.set_usage({.under_way = 9, .today = 0});
  EXPECT_EQ(rig.post(kGood).status, 200);
  rig.service_.set_usage({.under_way = 10, .today = 0});
  const Answered answered = rig.post(kGood);
  EXPECT_EQ(answered.status, 429);
  EXPECT_EQ(answered.code(), "too_many_under_way");
  EXPECT_EQ(answered.headers.at("Retry-After"), "5");
  EXPECT_EQ(rig.post(kGood, kBobKey).status, 200);  // 0: no limit
}

TEST(ApiQuota, CountsWhatIsMeasured) {
  ApiRig rig;
  rig.service_.set_usage({.under_way = 7, .today = 0});
  rig.service_.refuse({{3, Why::kBadDestination, "private"}});
  EXPECT_EQ(rig.post(kMixedWithGood).status, 200);  // three of its five may be measured
  rig.service_.set_usage({.under_way = 8, .today = 0});
  EXPECT_EQ(rig.post(kMixedWithGood).status, 429);
}

TEST(ApiQuota, HoldsTheDayDownUntilMidnight) {
  ApiRig rig;
  rig.service_.set_usage({.under_way = 0, .today = 100});
  const Answered answered = rig.post(kGood);
  EXPECT_EQ(answered.status, 429);
  EXPECT_EQ(answered.code(), "too_many_today");
  EXPECT_EQ(answered.headers.at("Retry-After"), std::to_string(23 * 3600 + 1));
  EXPECT_THAT(answered.sentence(), HasSubstr("100 may be (max_revtr_per_day)"));
}

TEST(ApiQuota, LeavesNothingBehindWhenTheServiceRefuses) {
  ApiRig rig;
  rig.service_.set_usage({.under_way = 9, .today = 0});
  rig.service_.refuse({{0, Why::kNotReady, "wait"}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.post(kGood).status, 503);
  rig.service_.refuse({});
  EXPECT_EQ(rig.post(kGood).status, 200);
}

}  // namespace
}  // namespace backsight::controller
