// Submissions as users write them and as the journal keeps them.
#include "controller/form/request_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "random_request.h"

namespace backsight::controller {
namespace {

using ::testing::HasSubstr;

std::string faults_of(std::string_view json, std::size_t most = 100) {
  const auto parsed = parse_submission(json, most);
  if (parsed) return "none";
  std::string text;
  for (const SubmissionFault& fault : parsed.error()) {
    if (!text.empty()) text += '\n';
    if (fault.item != SubmissionFault::kWhole) text += std::to_string(fault.item) + ": ";
    text += fault.sentence;
  }
  return text;
}

std::string with(std::string_view member) {
  return R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7",)" + std::string(member) + "}]}";
}

TEST(Submission, ReadsWhatMustBeThere) {
  const auto parsed = parse_submission(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"dst":"203.0.113.9","src":"192.0.2.1"}]})",
      2);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2U);
  EXPECT_EQ((*parsed)[0].src, "ams01");
  EXPECT_EQ(to_string((*parsed)[0].request.dst), "198.51.100.7");
  EXPECT_EQ((*parsed)[1].src, "192.0.2.1");
  const Request usual;
  EXPECT_EQ((*parsed)[0].request.max_spoofers, usual.max_spoofers);
  EXPECT_EQ((*parsed)[0].request.staleness_minutes, usual.staleness_minutes);
  EXPECT_TRUE((*parsed)[0].request.use_cache);
}

TEST(Submission, ReadsEveryKey) {
  const auto parsed = parse_submission(
      with(R"("label":"l\u00e4","uuid":"u","staleness":5,"max_spoofers":0,"use_cache":false,)"
           R"("is_run_rtt_pings":true,"is_run_forward_traceroute":true,)"
           R"("retry_from_destination_as":false,"find_branches":true)"),
      1);
  ASSERT_TRUE(parsed);
  const Request& request = parsed->front().request;
  EXPECT_EQ(request.label, "l\u00e4");
  EXPECT_EQ(request.uuid, "u");
  EXPECT_EQ(request.staleness_minutes, 5U);
  EXPECT_EQ(request.max_spoofers, 0);
  EXPECT_FALSE(request.use_cache);
  EXPECT_TRUE(request.ping_hops);
  EXPECT_TRUE(request.forward_traceroute);
  EXPECT_FALSE(request.retry_from_destination_as);
  EXPECT_TRUE(request.find_branches);
}

TEST(Submission, PassesRevtrsKeysThatMeanNothingHere) {
  EXPECT_EQ(faults_of(with(R"("use_timestamp":false,"atlas_options":{"use_atlas":true},"id":7)")),
            "none");
}

TEST(Submission, ItsTableSaysWhatIsUsual) {
  // What the description promises as defaults is what a request without these keys has.
  std::string members;
  for (const RequestKey& key : request_keys()) {
    if (key.usual.empty()) continue;
    if (!members.empty()) members += ',';
    members += '"' + std::string(key.name) + "\":" + std::string(key.usual);
  }
  const auto spelled_out = parse_submission(with(members), 1);
  ASSERT_TRUE(spelled_out) << faults_of(with(members));
  std::string one;
  std::string other;
  append_submission(one, std::vector{spelled_out->front().request});
  append_submission(other,
                    std::vector{parse_submission(with(R"("label":"")"), 1)->front().request});
  EXPECT_EQ(one, other);
}

TEST(Submission, TellsWhatIsWrongAndWhere) {
  EXPECT_EQ(faults_of(R"({"revtrs":[
      {"src":"ams01"},
      {"src":"","dst":"198.51.100.300"},
      {"src":"ams01","dst":"198.51.100.7","max_spoofers":101,"use_cache":1,"labels":"x"},
      7,
      {"src":"ams01","dst":"198.51.100.7","dst":"198.51.100.8"}]})"),
            "0: dst is missing; write IPv4 address that the path is to come from\n"
            "1: src has 0 bytes; 1..63 are allowed\n"
            "1: dst \"198.51.100.300\" is no IPv4 address; write one, such as 198.51.100.7\n"
            "2: max_spoofers is not a whole number in 0..100\n"
            "2: use_cache is not true or false\n"
            "2: \"labels\" is no key; see /api/v1/openapi.json\n"
            "3: not a JSON object\n"
            "4: dst stands twice");
}

TEST(Submission, RefusesWhatIsNoSubmission) {
  EXPECT_THAT(faults_of(""), HasSubstr("no JSON"));
  EXPECT_THAT(faults_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(faults_of("{}"), HasSubstr("no request"));
  EXPECT_THAT(faults_of(R"({"revtrs":[]})"), HasSubstr("no request"));
  EXPECT_EQ(faults_of(R"({"revtrs":7})"), "revtrs is not a list");
  EXPECT_EQ(faults_of(R"({"revtr":[]})"), "\"revtr\" is no key; only revtrs is");
  EXPECT_EQ(faults_of(R"({"revtrs":[{}],"revtrs":[{}]})"), "revtrs stands twice");
}

TEST(Submission, NamesIpv6AsAnotherKindOfFault) {
  const auto parsed = parse_submission(R"({"revtrs":[{"src":"a","dst":"2001:db8::1"}]})", 1);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error()[0].kind, SubmissionFault::Kind::kDestination);
  EXPECT_EQ(parsed.error()[0].sentence,
            "dst \"2001:db8::1\" is of IPv6, whose headers cannot record a route; write the IPv4 "
            "address of the host");
}

TEST(Submission, RefusesMoreThanFits) {
  const auto parsed = parse_submission(
      R"({"revtrs":[{"src":"a","dst":"192.0.2.1"},{"src":"a","dst":"192.0.2.1"}]})", 1);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error()[0].kind, SubmissionFault::Kind::kTooMany);
  EXPECT_EQ(parsed.error()[0].sentence, "2 requests; 1 fit into one submission");
}

TEST(Submission, TellsAHundredFaultsAndNoMore) {
  std::string json = R"({"revtrs":[)";
  for (int i = 0; i < 5000; ++i) json += i == 0 ? "1" : ",1";
  const auto parsed = parse_submission(json + "]}", 10'000);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().size(), kMaxToldFaults);
}

TEST(Submission, TellsNoMoreOfOneRequestEither) {
  std::string members = "\"x0\":1";
  for (int i = 1; i < 5000; ++i) members += ",\"x" + std::to_string(i) + "\":1";
  const auto parsed = parse_submission(with(members), 10);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().size(), kMaxToldFaults);
}

TEST(Submission, RefusesEachTruncation) {
  std::string json;
  std::mt19937_64 random(1);
  append_submission(json, std::vector{random_request(random), random_request(random)});
  ASSERT_EQ(faults_of(json), "none");
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_NE(faults_of(json.substr(0, size)), "none") << json.substr(0, size);
  }
}

TEST(Submission, SurvivesNesting) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(faults_of(deep), HasSubstr("no JSON"));
  EXPECT_THAT(faults_of(with("\"atlas_options\":" + deep)), HasSubstr("no JSON"));
}

TEST(Submission, ReadsBackWhatTheJournalWrites) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<Request> requests;
    for (std::uint64_t i = 1 + random() % 5; i > 0; --i) requests.push_back(random_request(random));
    std::string json;
    append_submission(json, requests);
    const auto parsed = parse_submission(json, 100);
    ASSERT_TRUE(parsed) << "seed " << seed << ": " << faults_of(json) << '\n' << json;
    ASSERT_TRUE(nlohmann::json::accept(json));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Request read = (*parsed)[i].request;
      read.src = probes::parse_ipv4((*parsed)[i].src).value();
      ASSERT_TRUE(is_same_wish(read, requests[i])) << "seed " << seed << ": " << json;
    }
  }
}

}  // namespace
}  // namespace backsight::controller
