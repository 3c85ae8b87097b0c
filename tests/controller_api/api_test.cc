// What the API answers, and to whom.
#include "controller/api/api.h"

#include "api_rig.h"

namespace backsight::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ApiAccess, NeedsAKeyWhereThereAreKeys) {
  ApiRig rig;
  ApiRequest request = rig.request("GET", "/api/v1/sources");
  request.key = "";
  EXPECT_EQ(rig.ask(request).status, 401);
  EXPECT_EQ(rig.ask(request).code(), "no_key");
  request.key = "alice-alice-alice-alicf";
  EXPECT_EQ(rig.ask(request).status, 401);
  EXPECT_EQ(rig.ask(request).code(), "unknown_key");
  EXPECT_THAT(rig.ask(request).text, Not(HasSubstr("alicf")));
  request.key = kAliceKey;
  EXPECT_EQ(rig.ask(request).status, 200);
}

TEST(ApiAccess, RefusesTheKeyBeforeAnyBodyIsRead) {
  ApiRig rig;
  ApiRequest request = rig.request("POST", "/api/v1/revtr");
  request.key = "";
  EXPECT_TRUE(rig.api_.refuse(request));
  request.key = kBobKey;
  EXPECT_FALSE(rig.api_.refuse(request));
}

TEST(ApiAccess, ShowsThePageAndTheDescriptionToEverybody) {
  ApiRig rig;
  for (const char* path : {"/", "/page.js", "/page.css", "/api/v1/openapi.json"}) {
    ApiRequest request = rig.request("GET", path);
    request.key = "";
    EXPECT_EQ(rig.ask(request).status, 200) << path;
    EXPECT_THAT(rig.ask(request).headers["Content-Security-Policy"],
                HasSubstr("default-src 'none'"));
  }
}

TEST(ApiAccess, TakesNewKeysAndForgetsOldOnes) {
  ApiRig rig;
  rig.api_.set_keys(std::make_shared<const config::ApiKeys>(
      *config::parse_api_keys("keys: [{key: carol-carol-carol-carol, user: alice}]", "k")));
  EXPECT_EQ(rig.get("/api/v1/sources").status, 401);
  ApiRequest request = rig.request("GET", "/api/v1/sources");
  request.key = "carol-carol-carol-carol";
  EXPECT_EQ(rig.ask(request).status, 200);
}

TEST(ApiAccess, WithoutKeysOnlyThisMachineAsks) {
  ApiRig rig(false);
  const auto status = [&](const char* host, const char* origin) {
    ApiRequest request = rig.request("GET", "/api/v1/sources");
    request.key = "";
    request.host = host;
    request.origin = origin;
    return rig.ask(request).status;
  };
  for (const char* host :
       {"localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]"}) {
    EXPECT_EQ(status(host, ""), 200) << host;
  }
  // A name that its owner made point to the loopback; a page that asks in its reader's name.
  for (const char* host : {"", "evil.example:8080", "192.0.2.1:8080", "localhost.evil.example"}) {
    EXPECT_EQ(status(host, ""), 403) << host;
  }
  EXPECT_EQ(status("localhost:8080", "http://localhost:8080"), 200);
  EXPECT_EQ(status("localhost:8080", "http://evil.example"), 403);
  EXPECT_EQ(status("localhost:8080", "null"), 403);
}

TEST(ApiRoutes, AreSaidWhenThereIsNothing) {
  ApiRig rig;
  EXPECT_EQ(rig.get("/api/v2/revtr").status, 404);
  EXPECT_THAT(rig.get("/favicon.ico").sentence(), HasSubstr("/api/v1/openapi.json"));
  EXPECT_EQ(rig.get("/api/v1/revtr/x/events").status, 404);
  EXPECT_EQ(rig.get("/api/v1/revtr/-1/events").status, 404);
  EXPECT_EQ(rig.get("/api/v1/revtr//events").status, 404);
  const Answered put = rig.ask(rig.request("PUT", "/api/v1/revtr"));
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.headers.at("Allow"), "POST, GET, DELETE");
}

TEST(ApiListings, NameSourcesAndVantagePoints) {
  ApiRig rig;
  const auto sources = rig.get("/api/v1/sources").json["srcs"];
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0]["hostname"], "ams01");
  EXPECT_EQ(sources[0]["ip"], "192.0.2.1");
  EXPECT_EQ(sources[0]["atlas"]["oldest"], 1'767'225'600);
  EXPECT_EQ(sources[1]["ready"], false);
  EXPECT_EQ(sources[1]["why_not"], "does not receive \"spoofed\" replies");
  const auto vps = rig.get("/api/v1/vantage_points").json["vantage_points"];
  EXPECT_EQ(vps[0]["asn"], 64500);
  EXPECT_EQ(vps[0]["can"]["record_route"], true);
  EXPECT_EQ(vps[0]["can"]["spoof"], false);
}

TEST(ApiResults, HaveTheStatusOfEach) {
  ApiRig rig;
  const Answered posted = rig.post(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"src":"ams01","dst":"198.51.100.8"}]})");
  const std::uint64_t batch = posted.json["batch_id"];
  rig.service_.end(batch + 2);
  const Answered answered = rig.get("/api/v1/revtr?batchid=" + std::to_string(batch));
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.json["total"], 2);
  EXPECT_EQ(answered.json["ended"], 1);
  EXPECT_EQ(answered.json["complete"], false);
  const auto revtrs = answered.json["revtrs"];
  ASSERT_EQ(revtrs.size(), 2U);
  EXPECT_EQ(revtrs[0]["status"], "COMPLETED");
  EXPECT_EQ(revtrs[0]["id"], batch + 2);
  EXPECT_EQ(revtrs[0]["stop_reason"], "REACHES");
  EXPECT_EQ(revtrs[0]["revtr_hops"][1]["hop_type"], 11);
  EXPECT_EQ(revtrs[1]["status"], "RUNNING");
  EXPECT_EQ(revtrs[1]["id"], batch);
  // As RevTr's own programs look for it.
  EXPECT_EQ(revtrs[0]["stopReason"], "REACHES");
  EXPECT_EQ(revtrs[0]["path"][0]["hop"], "198.51.100.8");
  EXPECT_EQ(revtrs[0]["path"][0]["type"], "DST_REV_SEGMENT");
  EXPECT_EQ(revtrs[0]["path"][1]["type"], "DST_SYM_REV_SEGMENT");
}

TEST(ApiResults, SayWhatHasNotBegun) {
  ApiRig rig;
  const Answered posted = rig.post(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"src":"ams01","dst":"198.51.100.8"}]})");
  const std::uint64_t batch = posted.json["batch_id"];
  rig.service_.let_wait(batch + 2);
  const auto revtrs = rig.get("/api/v1/revtr?batchid=" + std::to_string(batch)).json["revtrs"];
  ASSERT_EQ(revtrs.size(), 2U);
  EXPECT_EQ(revtrs[0]["id"], batch);
  EXPECT_EQ(revtrs[0]["status"], "RUNNING");
  EXPECT_EQ(revtrs[1]["id"], batch + 2);
  EXPECT_EQ(revtrs[1]["status"], "WAITING");
}

TEST(ApiResults, AreTheUsersOwn) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit(kBobKey, "x");
  rig.service_.end(batch);
  const std::string number = std::to_string(batch);
  for (const auto& [method, path] : {std::pair{"GET", "/api/v1/revtr?batchid=" + number},
                                     std::pair{"DELETE", "/api/v1/revtr?batchid=" + number},
                                     std::pair{"GET", "/api/v1/revtr/" + number + "/events"}}) {
    const Answered answered = rig.ask(rig.request(method, path));
    EXPECT_EQ(answered.status, 404) << method << path;
    EXPECT_EQ(answered.code(), "no_such_batch");
  }
  EXPECT_EQ(rig.get("/api/v1/revtr?batchid=999").status, 404);
  EXPECT_EQ(rig.get("/api/v1/revtr?label=x").json["revtrs"].size(), 0U);
}

TEST(ApiResults, AreFoundByLabel) {
  ApiRig rig;
  for (int i = 0; i < 3; ++i) rig.service_.end(rig.submit(kAliceKey, "mine"));
  EXPECT_EQ(rig.get("/api/v1/revtr?label=mine").json["revtrs"].size(), 3U);
  EXPECT_EQ(rig.get("/api/v1/revtr?label=mine&limit=2").json["revtrs"].size(), 2U);
  EXPECT_FALSE(rig.get("/api/v1/revtr?label=mine").json.contains("batch_id"));
  for (const char* odd : {"0", "10001", "x", "-1"}) {
    EXPECT_EQ(rig.get(std::string("/api/v1/revtr?label=mine&limit=") + odd).status, 400) << odd;
  }
}

TEST(ApiResults, NeedABatchOrALabel) {
  ApiRig rig;
  for (const char* odd : {"", "?batchid=", "?batchid=x", "?batchid=1x", "?batchid=1&label=x",
                          "?batchid=99999999999999999999"}) {
    EXPECT_EQ(rig.get(std::string("/api/v1/revtr") + odd).status, 400) << odd;
  }
}

TEST(ApiResults, AreMadeForSoManyAtOnceAndNoMore) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  std::vector<ApiReply> open;
  for (int i = 0; i < kMaxAnswersAtOnce; ++i) {
    open.push_back(
        rig.api_.answer(rig.request("GET", "/api/v1/revtr?batchid=" + std::to_string(batch))));
    ASSERT_EQ(open.back().status, 200);
  }
  const std::string path = "/api/v1/revtr?batchid=" + std::to_string(batch);
  EXPECT_EQ(rig.get(path).status, 503);
  open.pop_back();
  EXPECT_EQ(rig.get(path).status, 200);
}

TEST(ApiCancel, StopsWhatHasNotEnded) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  const std::string path = "/api/v1/revtr?batchid=" + std::to_string(batch);
  EXPECT_EQ(rig.ask(rig.request("DELETE", path)).json["cancelled"], true);
  EXPECT_EQ(rig.get(path).json["revtrs"][0]["status"], "CANCELED");
  EXPECT_EQ(rig.get(path).json["revtrs"][0]["fail_reason"], "cancelled");
  EXPECT_EQ(rig.ask(rig.request("DELETE", path)).json["cancelled"], false);
  EXPECT_EQ(rig.ask(rig.request("DELETE", "/api/v1/revtr")).status, 400);
}

TEST(ApiCancel, SaysThatItIsNotRememberedYet) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  rig.service_.forget_cancels("the journal: No space left on device");
  const std::string path = "/api/v1/revtr?batchid=" + std::to_string(batch);
  const Answered answered = rig.ask(rig.request("DELETE", path));
  EXPECT_EQ(answered.status, 503);
  EXPECT_EQ(answered.code(), "storage");
  EXPECT_THAT(answered.text, HasSubstr("No space left on device"));
}

TEST(ApiResults, SayWhatAnOpenOneWaitsFor) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  const std::string path = "/api/v1/revtr?batchid=" + std::to_string(batch);
  EXPECT_FALSE(rig.get(path).json["revtrs"][0].contains("waiting_for"));
  rig.service_.say_what_is_waited_for(batch, "source ams01: it says nothing");
  EXPECT_EQ(rig.get(path).json["revtrs"][0]["status"], "RUNNING");
  EXPECT_EQ(rig.get(path).json["revtrs"][0]["waiting_for"], "source ams01: it says nothing");
}

TEST(ApiAtlas, IsRunAndCleanedByNameOrAddress) {
  ApiRig rig;
  const auto order = [&](const char* what, const char* source) {
    ApiRequest request = rig.request("POST", std::string("/api/v1/atlas/") + what);
    request.source = source;
    return rig.ask(request);
  };
  EXPECT_EQ(order("run", "ams01").status, 202);
  EXPECT_EQ(order("clean", "192.0.2.2").json["source"], "fra02");
  EXPECT_EQ(order("run", "lon03").status, 404);
  EXPECT_EQ(order("run", "192.0.2.77").status, 404);
  EXPECT_EQ(order("run", "").status, 400);
  EXPECT_THAT(rig.service_.atlas_orders(), ElementsAre("run ams01", "clean fra02"));
}

// --- events

struct Event {
  std::string id;
  std::string type;
  std::string data;
};

std::vector<Event> events_of(const std::string& text) {
  std::vector<Event> events;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\n\n", at);
    EXPECT_NE(end, text.npos) << "an event without its end";
    std::istringstream lines(text.substr(at, end - at));
    Event event;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("id: ")) event.id = line.substr(4);
      if (line.starts_with("event: ")) event.type = line.substr(7);
      if (line.starts_with("data: ")) event.data += line.substr(6);
    }
    if (!event.type.empty()) events.push_back(event);
    at = end + 2;
  }
  return events;
}

Answered follow(ApiRig& rig, std::uint64_t batch, const std::string& last = "") {
  ApiRequest request = rig.request("GET", "/api/v1/revtr/" + std::to_string(batch) + "/events");
  request.last_event_id = last;
  return rig.ask(request);
}

TEST(ApiEvents, AreOneForEachPathAndOneForTheEnd) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  rig.service_.end(batch);
  const Answered answered = follow(rig, batch);
  EXPECT_EQ(answered.type, "text/event-stream");
  const auto events = events_of(answered.text);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].type, "revtr");
  EXPECT_EQ(events[0].id, "1");
  const auto path = nlohmann::json::parse(events[0].data);
  EXPECT_EQ(path["id"], batch);
  EXPECT_FALSE(path.contains("status")) << "that is of listings";
  EXPECT_EQ(events[1].type, "end");
  EXPECT_EQ(nlohmann::json::parse(events[1].data)["ended"], 1);
}

TEST(ApiEvents, GoOnWhereTheyBrokeOff) {
  ApiRig rig;
  const Answered posted = rig.post(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"src":"ams01","dst":"198.51.100.8"},
                    {"src":"ams01","dst":"198.51.100.9"}]})");
  const std::uint64_t batch = posted.json["batch_id"];
  for (int i = 0; i < 3; ++i) rig.service_.end(batch + 2 * static_cast<std::uint64_t>(i));
  const auto events = events_of(follow(rig, batch, "2").text);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].id, "3");
  EXPECT_EQ(nlohmann::json::parse(events[0].data)["id"], batch + 4);
  EXPECT_EQ(events_of(follow(rig, batch, "3").text).size(), 1U);  // the end alone
  EXPECT_EQ(events_of(follow(rig, batch, "77").text).size(), 1U);
  EXPECT_EQ(follow(rig, batch, "x").status, 400);
}

TEST(ApiEvents, ComeAsPathsEnd) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  ApiReply reply =
      rig.api_.answer(rig.request("GET", "/api/v1/revtr/" + std::to_string(batch) + "/events"));
  ASSERT_NE(reply.stream, nullptr);
  EXPECT_THAT(*reply.stream->next(std::chrono::milliseconds(1)), StartsWith("retry:"));
  EXPECT_EQ(*reply.stream->next(std::chrono::milliseconds(1)), "");
  rig.service_.end(batch);
  EXPECT_THAT(*reply.stream->next(std::chrono::minutes(1)), HasSubstr("event: revtr"));
  EXPECT_FALSE(reply.stream->next(std::chrono::minutes(1)));
}

TEST(ApiEvents, EndWithASentenceWhenTheControllerStops) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  ApiReply reply =
      rig.api_.answer(rig.request("GET", "/api/v1/revtr/" + std::to_string(batch) + "/events"));
  rig.service_.stop();
  const std::string text = ApiRig::read(std::move(reply)).text;
  EXPECT_THAT(text, HasSubstr(": the controller stops"));
  EXPECT_THAT(events_of(text), testing::IsEmpty());  // whoever follows comes again
}

TEST(ApiEvents, EndWhenTheBatchIsForgotten) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  ApiReply reply =
      rig.api_.answer(rig.request("GET", "/api/v1/revtr/" + std::to_string(batch) + "/events"));
  rig.service_.forget(batch);
  EXPECT_THAT(ApiRig::read(std::move(reply)).text, HasSubstr("{\"forgotten\":true}"));
}

}  // namespace
}  // namespace backsight::controller
