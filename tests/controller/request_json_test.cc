// Submissions as users write them and as the journal keeps them.
#include "controller/json/request_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "random_request.h"

namespace backsight::controller {
namespace {

using ::testing::HasSubstr;

std::string faults_of(std::string_view json, std::size_t most = 100) {
  const auto parsed = parse_submission(json, most);
  if (!parsed) return parsed.error().sentence;
  if (parsed->faults.empty()) return "none";
  std::string text;
  for (const RequestFault& fault : parsed->faults) {
    if (!text.empty()) text += '\n';
    text += std::to_string(fault.item) + ": " + fault.sentence;
  }
  return text;
}

// Of one request without a fault.
Request read(std::string_view json) {
  const auto parsed = parse_submission(json, 1);
  EXPECT_EQ(faults_of(json), "none") << json;
  return parsed ? parsed->requests.at(0).request : Request();
}

std::vector<std::string> ignored_in(std::string_view json) {
  const auto parsed = parse_submission(json, 100);
  return parsed ? parsed->ignored : std::vector<std::string>{"no submission"};
}

std::string with(std::string_view member) {
  return R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7",)" + std::string(member) + "}]}";
}

TEST(Submission, ReadsWhatMustBeThere) {
  const auto parsed = parse_submission(
      R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"dst":"203.0.113.9","src":"192.0.2.1"}]})",
      2);
  ASSERT_TRUE(parsed);
  const auto& requests = parsed->requests;
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].src, "ams01");
  EXPECT_EQ(to_string(requests[0].request.dst), "198.51.100.7");
  EXPECT_EQ(requests[1].src, "192.0.2.1");
  const Request usual;
  EXPECT_EQ(requests[0].request.max_spoofers, usual.max_spoofers);
  EXPECT_EQ(requests[0].request.staleness_minutes, usual.staleness_minutes);
  EXPECT_TRUE(requests[0].request.use_cache);
}

void expect_every_key(const Request& request) {
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

TEST(Submission, ReadsEveryKey) {
  expect_every_key(
      read(with(R"("label":"l\u00e4","uuid":"u","staleness":5,"max_spoofers":0,"use_cache":false,)"
                R"("is_run_rtt_pings":true,"is_run_forward_traceroute":true,)"
                R"("retry_from_destination_as":false,"find_branches":true)")));
}

TEST(Submission, ReadsEveryKeyInCamelCase) {
  expect_every_key(read(
      with(R"("label":"l\u00e4","uuid":"u","staleness":"5","maxSpoofers":"0","useCache":false,)"
           R"("isRunRttPings":true,"isRunForwardTraceroute":true,)"
           R"("retryFromDestinationAs":false,"findBranches":true)")));
}

TEST(Submission, ReadsRevtrsNameForTheRetry) {
  EXPECT_FALSE(read(with(R"("is_try_from_destination_as":false)")).retry_from_destination_as);
  EXPECT_FALSE(read(with(R"("isTryFromDestinationAs":false)")).retry_from_destination_as);
  EXPECT_TRUE(read(with(R"("isTryFromDestinationAs":true)")).retry_from_destination_as);
  EXPECT_THAT(faults_of(with(R"("isTryFromDestinationAs":true,"retry_from_destination_as":true)")),
              HasSubstr("stands twice"));
}

TEST(Submission, ReadsWholeNumbersInEachFormOfProtobuf) {
  for (const char* ten : {"10", "\"10\"", "1e1", "10.0", "\"1e1\"", "\"10.0\"", "100e-1"}) {
    EXPECT_EQ(read(with(std::string("\"staleness\":") + ten)).staleness_minutes, 10U) << ten;
  }
  for (const char* odd :
       {"-1", "\"-1\"", "1.5", "\"1.5\"", "\"\"", "\" 1\"", "\"1 \"", "\"0x1\"", "true", "[1]",
        "{}", "43201", "\"43201\"", "1e300", "\"inf\"", "\"nan\"", "\"99999999999999999999\""}) {
    EXPECT_EQ(faults_of(with(std::string("\"staleness\":") + odd)),
              "0: staleness is not a whole number in 0..43200")
        << odd;
  }
}

TEST(Submission, TakesNullForWhatIsNotThere) {
  std::string members;
  for (const RequestKey& key : request_keys()) {
    if (key.usual.empty()) continue;
    members += (members.empty() ? "\"" : ",\"") + std::string(key.name) + "\":null";
  }
  std::string one;
  std::string other;
  append_submission(one, std::vector{read(with(members))});
  append_submission(other, std::vector{read(with(R"("label":"")"))});
  EXPECT_EQ(one, other);
  EXPECT_THAT(faults_of(R"({"revtrs":[{"src":null,"dst":"198.51.100.7"}]})"),
              HasSubstr("0: src is missing"));
  EXPECT_THAT(faults_of(R"({"revtrs":null})"), HasSubstr("no request"));
  EXPECT_EQ(faults_of(R"({"revtrs":[null]})"), "0: not a JSON object");
}

TEST(Submission, PassesRevtrsKeysThatMeanNothingHere) {
  const std::string theirs = with(
      R"("use_timestamp":false,"atlas_options":{"use_atlas":true},"id":7,"backoffEndhost":1,)"
      R"("rrVpSelectionAlgorithm":"ingress_cover","symmetryOptions":{},"heuristicsOptions":[],)"
      R"("checkDestBasedRoutingOptions":null,"useTimestamp":"x")");
  EXPECT_EQ(faults_of(theirs), "none");
  EXPECT_TRUE(ignored_in(theirs).empty());
  const std::string_view beside =
      R"({"auth":"k","checkDB":true,"check_db":1,"waitUntilFinished":false,"wait_until_finished":0,
          "revtrs":[{"src":"a","dst":"198.51.100.7"}]})";
  EXPECT_EQ(faults_of(beside), "none");
  EXPECT_TRUE(ignored_in(beside).empty());
}

TEST(Submission, PassesKeysThatNobodyKnowsAndTellsThem) {
  const std::string odd = R"({"owner":1,"revtrs":[{"src":"a","dst":"198.51.100.7","labels":"x"},
      {"src":"a","dst":"198.51.100.7","labels":"y","maxspoofers":3,"max_Spoofers":3}]})";
  EXPECT_EQ(faults_of(odd), "none");
  EXPECT_EQ(ignored_in(odd),
            (std::vector<std::string>{"owner", "labels", "maxspoofers", "max_Spoofers"}));
}

TEST(Submission, RefusesEachThatIsAtFaultAndReadsTheOthers) {
  const auto parsed = parse_submission(R"({"revtrs":[
      {"src":"ams01","dst":"198.51.100.7"},
      {"src":"ams01","dst":"2001:db8::1","uuid":"u"},
      7,
      {"dst":"198.51.100.300","max_spoofers":101},
      {"src":"ams01","dst":"198.51.100.8"}]})",
                                       100);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->requests.size(), 5U);
  EXPECT_EQ(parsed->requests[0].request.refused, "");
  EXPECT_THAT(parsed->requests[1].request.refused, HasSubstr("IPv6"));
  EXPECT_EQ(parsed->requests[1].request.uuid, "u");
  EXPECT_EQ(parsed->requests[2].request.refused, "not a JSON object");
  EXPECT_THAT(parsed->requests[3].request.refused, HasSubstr("; max_spoofers is not"));
  EXPECT_EQ(parsed->requests[4].request.refused, "");
  EXPECT_EQ(to_string(parsed->requests[4].request.dst), "198.51.100.8");
  EXPECT_EQ(parsed->faults.size(), 5U);
}

TEST(Submission, ItsTableSaysWhatIsUsual) {
  // What the description promises as defaults is what a request without these keys has.
  std::string members;
  for (const RequestKey& key : request_keys()) {
    if (key.usual.empty()) continue;
    if (!members.empty()) members += ',';
    members += '"' + std::string(key.name) + "\":" + std::string(key.usual);
  }
  std::string one;
  std::string other;
  append_submission(one, std::vector{read(with(members))});
  append_submission(other, std::vector{read(with(R"("label":"")"))});
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
            "3: not a JSON object\n"
            "4: dst stands twice");
}

TEST(Submission, RefusesWhatIsNoSubmission) {
  EXPECT_THAT(faults_of(""), HasSubstr("no JSON"));
  EXPECT_THAT(faults_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(faults_of("{}"), HasSubstr("no request"));
  EXPECT_THAT(faults_of(R"({"revtrs":[]})"), HasSubstr("no request"));
  EXPECT_EQ(faults_of(R"({"revtrs":7})"), "revtrs is not a list");
  EXPECT_THAT(faults_of(R"({"revtr":[{}]})"), HasSubstr("no request"));
  EXPECT_EQ(faults_of(R"({"revtrs":[{}],"revtrs":[{}]})"), "revtrs stands twice");
}

TEST(Submission, NamesIpv6AsAnotherKindOfFault) {
  const auto parsed = parse_submission(R"({"revtrs":[{"src":"a","dst":"2001:db8::1"}]})", 1);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->faults.at(0).why, RequestFault::Why::kBadDestination);
  EXPECT_EQ(parsed->faults[0].sentence,
            "dst \"2001:db8::1\" is of IPv6, whose headers cannot record a route; write the IPv4 "
            "address of the host");
}

TEST(Submission, RefusesMoreThanFits) {
  const auto parsed = parse_submission(
      R"({"revtrs":[{"src":"a","dst":"192.0.2.1"},{"src":"a","dst":"192.0.2.1"}]})", 1);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, SubmissionFault::Kind::kTooMany);
  EXPECT_EQ(parsed.error().sentence, "2 requests; 1 fit into one submission");
}

TEST(Submission, TellsAHundredFaultsAndNoMore) {
  std::string json = R"({"revtrs":[)";
  for (int i = 0; i < 5000; ++i) json += i == 0 ? "1" : ",1";
  const auto parsed = parse_submission(json + "]}", 10'000);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->faults.size(), kMaxToldFaults);
  ASSERT_EQ(parsed->requests.size(), 5000U);
  for (const WrittenRequest& it : parsed->requests) EXPECT_NE(it.request.refused, "");
}

TEST(Submission, TellsNoMoreKeysThanPeopleRead) {
  std::string members = "\"x0\":1";
  for (int i = 1; i < 5000; ++i) members += ",\"x" + std::to_string(i) + "\":1";
  EXPECT_EQ(ignored_in(with(members)).size(), kMaxToldKeys);
  members = "\"src\":\"a\"";
  for (int i = 1; i < 5000; ++i) members += ",\"src\":\"a\"";
  const auto parsed = parse_submission(with(members), 10);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->faults.size(), kMaxToldFaults);
  EXPECT_LE(parsed->requests.at(0).request.refused.size(), 1000U);
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
    const auto parsed = parse_kept(json, 100);
    ASSERT_TRUE(parsed) << "seed " << seed << ": " << parsed.error() << '\n' << json;
    ASSERT_TRUE(nlohmann::json::accept(json));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Request read = (*parsed)[i].request;
      read.src = probes::parse_ipv4((*parsed)[i].src).value();
      ASSERT_TRUE(is_same_wish(read, requests[i])) << "seed " << seed << ": " << json;
    }
  }
}

TEST(Submission, OfAUserRefusesNothingByItsWord) {
  const std::string json = with(R"("refused":"no")");
  EXPECT_EQ(read(json).refused, "");
  EXPECT_EQ(ignored_in(json), std::vector<std::string>{"refused"});
  EXPECT_EQ(parse_kept(json, 1)->at(0).request.refused, "no");
}

TEST(Submission, ThatIsDamagedInTheJournalIsNoneAtAll) {
  EXPECT_EQ(parse_kept(R"({"revtrs":[{"src":"a","dst":"x"}]})", 9).error(),
            "dst \"x\" is no IPv4 address; write one, such as 198.51.100.7");
  EXPECT_THAT(parse_kept("{", 9).error(), HasSubstr("no JSON"));
}

}  // namespace
}  // namespace backsight::controller
