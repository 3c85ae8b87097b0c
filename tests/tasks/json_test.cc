// Task lines and result lines (docs/formats.md).
#include "tasks/json/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/ip/address.h"
#include "records.h"

namespace backsight::tasks {
namespace {

using probes::Kind;

probes::Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

TEST(ParseTaskLine, FillsInTheDefaults) {
  const auto task = parse_task_line(R"({"id":17,"kind":"rr","dst":"198.51.100.7"})");
  ASSERT_TRUE(task) << task.error().sentence;
  EXPECT_EQ(task->id, 17U);
  EXPECT_EQ(task->kind, Kind::kRecordRoute);
  EXPECT_EQ(task->dst, address("198.51.100.7"));
  EXPECT_TRUE(task->src.is_unspecified());
  EXPECT_EQ(task->timeout_ms, 2000U);
  EXPECT_EQ(task->ttl, 64U);
  EXPECT_EQ(to_json(*task), R"({"id":17,"kind":"rr","dst":"198.51.100.7"})");
}

TEST(ParseTaskLine, ReadsEveryKey) {
  for (
      const char* line : {
          R"({"id":281474976710655,"kind":"ping","dst":"192.0.2.1","src":"192.0.2.2","timeout_ms":60000,"ttl":1,"flow":65535})",
          R"({"id":0,"kind":"ts","dst":"192.0.2.1","ts":"tsonly"})",
          R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts":"tsprespec","ts_addresses":["192.0.2.3","192.0.2.4","192.0.2.5","192.0.2.6"]})",
          R"({"id":2,"kind":"trace","dst":"192.0.2.1","flow":7,"method":"tcp","first_ttl":3,"max_ttl":9,"attempts":10,"gap_limit":255,"loop_limit":0})",
          R"({"id":3,"kind":"trace","dst":"192.0.2.1","loop_limit":255})",
      }) {
    const auto task = parse_task_line(line);
    ASSERT_TRUE(task) << line << ": " << task.error().sentence;
    EXPECT_EQ(to_json(*task), line);
  }
}

TEST(ParseTaskLine, GivesEveryTaskBack) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const Task task = random_task(random);
    const std::string line = to_json(task);
    const auto again = parse_task_line(line);
    ASSERT_TRUE(again) << line << ": " << again.error().sentence;
    ASSERT_EQ(to_json(*again), line);
  }
}

struct FaultRow {
  const char* line;
  const char* sentence;
};

TEST(ParseTaskLine, NamesTheKeyAndWhatWouldBeRight) {
  const FaultRow rows[] = {
      {"", "not JSON from column 1 on"},
      {R"({"id":1)", "not JSON from column 8 on"},
      {"17",
       R"(not a task; it must be an object such as {"id":17,"kind":"rr","dst":"198.51.100.7"})"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1"} x)", "not JSON from column 40 on"},
      {R"({"kind":"rr","dst":"192.0.2.1"})", "id is missing"},
      {R"({"id":1,"dst":"192.0.2.1"})", "kind is missing"},
      {R"({"id":1,"kind":"rr"})", "dst is missing"},
      {R"({"id":1,"id":2,"kind":"rr","dst":"192.0.2.1"})", R"(key "id" stands twice)"},
      {R"({"id":-1,"kind":"rr","dst":"192.0.2.1"})",
       "id is -1; it must be a whole number, 0..281474976710655"},
      {R"({"id":281474976710656,"kind":"rr","dst":"192.0.2.1"})",
       "id is 281474976710656; it must be a whole number, 0..281474976710655"},
      {R"({"id":1.5,"kind":"rr","dst":"192.0.2.1"})",
       "id is 1.5; it must be a whole number, 0..281474976710655"},
      {R"({"id":"1","kind":"rr","dst":"192.0.2.1"})",
       R"(id is "1"; it must be a whole number, 0..281474976710655)"},
      {R"({"id":1,"kind":"rrr","dst":"192.0.2.1"})",
       R"(kind is "rrr"; it must be ping, rr, ts or trace)"},
      {R"({"id":1,"kind":7,"dst":"192.0.2.1"})", "kind is 7; it must be ping, rr, ts or trace"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2"})",
       R"(dst is "192.0.2"; it must be an IPv4 address such as "198.51.100.7")"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","src":"0.0.0.0"})",
       "src is 0.0.0.0; leave it out to send from the port's own address"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","src":null})",
       R"(src is null; it must be an IPv4 address such as "198.51.100.7")"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","timeout_ms":0})",
       "timeout_ms is 0; it must be a whole number, 1..60000"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","ttl":256})",
       "ttl is 256; it must be a whole number, 1..255"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","flow":65536})",
       "flow is 65536; it must be a whole number, 0..65535"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","tll":3})",
       R"(unknown key "tll"; the keys are id, kind, dst, src, timeout_ms, ttl, flow, ts, ts_addresses, method, first_ttl, max_ttl, attempts, gap_limit, loop_limit)"},
      {R"({"id":1,"kind":"ping","dst":"192.0.2.1","method":"udp"})",
       "method goes with kind trace, not ping"},
      {R"({"id":1,"kind":"rr","dst":"192.0.2.1","gap_limit":3})",
       "gap_limit goes with kind trace, not rr"},
      {R"({"id":1,"kind":"trace","dst":"192.0.2.1","ts":"tsonly"})",
       "ts goes with kind ts, not trace"},
      {R"({"id":1,"kind":"trace","dst":"192.0.2.1","method":"sctp"})",
       R"(method is "sctp"; it must be icmp, udp or tcp)"},
      {R"({"id":1,"kind":"trace","dst":"192.0.2.1","first_ttl":9,"max_ttl":8})",
       "first_ttl 9 is above max_ttl 8"},
      {R"({"id":1,"kind":"trace","dst":"192.0.2.1","max_ttl":26,"attempts":10})",
       "max_ttl, first_ttl and attempts allow 260 probes; 256 is the most"},
      {R"({"id":1,"kind":"trace","dst":"192.0.2.1","attempts":11})",
       "attempts is 11; it must be a whole number, 1..10"},
      {R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts":"all"})",
       R"(ts is "all"; it must be tsonly, tsandaddr or tsprespec)"},
      {R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts":"tsprespec"})",
       "ts tsprespec needs ts_addresses, a list of 1 to 4 addresses"},
      {R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts_addresses":["192.0.2.1"]})",
       "ts_addresses goes with ts tsprespec"},
      {R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts":"tsprespec","ts_addresses":[]})",
       "ts_addresses is []; it must be a list of 1 to 4 addresses"},
      {R"({"id":1,"kind":"ts","dst":"192.0.2.1","ts":"tsprespec","ts_addresses":["x"]})",
       R"(ts_addresses is "x"; it must be an IPv4 address such as "198.51.100.7")"},
      {R"({"id":1e999,"kind":"rr","dst":"192.0.2.1"})", "not JSON: a number is beyond all ranges"},
  };
  for (const FaultRow& row : rows) {
    const auto task = parse_task_line(row.line);
    ASSERT_FALSE(task) << row.line;
    EXPECT_EQ(task.error().sentence, row.sentence);
  }
}

TEST(ParseTaskLine, KnowsTheIdOfAFaultyTask) {
  const auto task = parse_task_line(R"({"id":17,"kind":"rr","dst":"nowhere"})");
  ASSERT_FALSE(task);
  EXPECT_TRUE(task.error().has_id);
  EXPECT_EQ(task.error().id, 17U);
  EXPECT_FALSE(parse_task_line(R"({"id":"x","kind":"rr","dst":"nowhere"})").error().has_id);
}

TEST(ParseTaskLine, CutsHostileTextInItsSentence) {
  const std::string line =
      R"({"id":1,"kind":")" + std::string(100'000, 'x') + R"(","dst":"192.0.2.1"})";
  EXPECT_LT(parse_task_line(line).error().sentence.size(), 200U);
  const std::string deep(100'000, '[');
  EXPECT_FALSE(parse_task_line(deep));
  EXPECT_FALSE(parse_task_line("{\"id\":1,\"kind\":\"\xff\xfe\",\"dst\":\"192.0.2.1\"}"));
}

ProbeResult answered() {
  ProbeResult result;
  result.task = 17;
  result.sent_at_ns = 1'700'000'000'000'000'000;
  result.rtt_ns = 12'345'678;
  result.src = address("192.0.2.10");
  result.dst = address("198.51.100.7");
  result.kind = Kind::kRecordRoute;
  result.outcome = Outcome::kReplied;
  result.has_reply = true;
  result.reply = {.from = result.dst, .ttl = 58};
  return result;
}

TEST(ResultJson, ShowsARecordRoute) {
  ProbeResult result = answered();
  result.recorded.what = Recorded::What::kRoute;
  result.recorded.slots = 9;
  const std::string head =
      R"({"task":17,"vp":"ams01","kind":"rr","src":"192.0.2.10","dst":"198.51.100.7",)"
      R"("outcome":"replied","sent_at_ns":1700000000000000000,"rtt_ns":12345678,)"
      R"("reply":{"from":"198.51.100.7","ttl":58,"icmp_type":0,"icmp_code":0},)";
  EXPECT_EQ(to_json(result, "ams01"), head + R"("record_route":[],"record_route_slots":9})");
  result.recorded.count = 2;
  result.recorded.addresses = {address("203.0.113.1"), address("203.0.113.2")};
  result.recorded.from_quote = true;
  EXPECT_EQ(to_json(result, "ams01"),
            head + R"("record_route":["203.0.113.1","203.0.113.2"],"record_route_slots":9,)"
                   R"("record_route_from":"quote"})");
}

TEST(ResultJson, ShowsTimestamps) {
  ProbeResult result = answered();
  result.recorded.what = Recorded::What::kTimestamps;
  result.recorded.timestamp = probes::TimestampType::kWithAddresses;
  result.recorded.slots = 4;
  result.recorded.count = 1;
  result.recorded.overflow = 3;
  result.recorded.addresses[0] = address("203.0.113.1");
  result.recorded.milliseconds[0] = 86'399'999;
  EXPECT_THAT(to_json(result, "ams01"),
              testing::EndsWith(R"("timestamps":[{"address":"203.0.113.1","ms":86399999}],)"
                                R"("timestamps_overflow":3})"));
  result.recorded.timestamp = probes::TimestampType::kOnly;
  EXPECT_THAT(to_json(result, "ams01"), testing::HasSubstr(R"("timestamps":[{"ms":86399999}],)"));
}

TEST(ResultJson, GivesAReasonOnlyWhenNothingWasSent) {
  ProbeResult result;
  result.outcome = Outcome::kRefused;
  result.reason = Reason::kDenied;
  EXPECT_EQ(to_json(result, "ams01"),
            R"({"task":0,"vp":"ams01","kind":"ping","src":"0.0.0.0","dst":"0.0.0.0",)"
            R"("outcome":"refused","reason":"denied"})");
  result.outcome = Outcome::kTimedOut;
  EXPECT_THAT(to_json(result, "ams01"), testing::Not(testing::HasSubstr("reason")));
}

TEST(ResultJson, ShowsATrace) {
  TraceResult trace;
  trace.head = answered();
  trace.head.kind = Kind::kTrace;
  trace.head.method = probes::TraceMethod::kTcp;
  trace.head.outcome = Outcome::kReached;
  Hop silent{.sent_at_ns = 1, .reply = {}, .ttl = 1, .attempt = 1};
  Hop router = silent;
  router.attempt = 2;
  router.has_reply = true;
  router.rtt_ns = 5;
  router.quoted_ttl = 1;
  router.reply = {address("203.0.113.1"), probes::ReplyType::kTimeExceeded, 254, 11, 0};
  router.proof = Proof::kHalf;
  router.label_count = 1;
  router.labels[0] = {.label = 16, .traffic_class = 1, .is_bottom = true, .ttl = 2};
  Hop last = silent;
  last.ttl = 2;
  last.has_reply = true;
  last.rtt_ns = 9;
  last.reply = {trace.head.dst, probes::ReplyType::kTcpSynAck, 60, 0, 0};
  trace.hops = {silent, router, last};
  EXPECT_EQ(
      to_json(trace, "ams01"),
      R"({"task":17,"vp":"ams01","kind":"trace","src":"192.0.2.10","dst":"198.51.100.7",)"
      R"("method":"tcp","outcome":"reached","sent_at_ns":1700000000000000000,"hops":[)"
      R"({"ttl":1,"attempt":1},)"
      R"({"ttl":1,"attempt":2,"from":"203.0.113.1","rtt_ns":5,"reply_ttl":254,"quoted_ttl":1,)"
      R"("icmp_type":11,"icmp_code":0,"proof":"half_handle","mpls":[{"label":16,"tc":1,"bottom":true,"ttl":2}]},)"
      R"({"ttl":2,"attempt":1,"from":"198.51.100.7","rtt_ns":9,"reply_ttl":60,"quoted_ttl":0,)"
      R"("tcp":"syn-ack"}]})");
}

TEST(ResultJson, ShowsAnObservation) {
  Observation observation;
  observation.task = 17;
  observation.probe_vp = 1;
  observation.kind = Kind::kRecordRoute;
  observation.src = address("192.0.2.10");
  observation.dst = address("198.51.100.7");
  observation.received_at_ns = 3;
  observation.reply = {.from = observation.dst, .ttl = 58};
  observation.recorded.what = Recorded::What::kRoute;
  observation.recorded.slots = 9;
  EXPECT_EQ(to_json(observation, "fra02"),
            R"({"observation":true,"vp":"fra02","probe_vp":1,"task":17,"kind":"rr",)"
            R"("src":"192.0.2.10","dst":"198.51.100.7","received_at_ns":3,)"
            R"("reply":{"from":"198.51.100.7","ttl":58,"icmp_type":0,"icmp_code":0},)"
            R"("record_route":[],"record_route_slots":9})");
}

TEST(Names, AreThoseOfTheContract) {
  for (unsigned i = 0; i < static_cast<unsigned>(Outcome::kCount); ++i) {
    EXPECT_NE(name(static_cast<Outcome>(i)), "unknown");
  }
  for (unsigned i = 0; i < static_cast<unsigned>(Reason::kCount); ++i) {
    EXPECT_NE(name(static_cast<Reason>(i)), "unknown");
  }
  EXPECT_EQ(name(Outcome::kCount), "unknown");
  EXPECT_EQ(name(Outcome::kLoop), "loop");
  EXPECT_EQ(name(Reason::kStopped), "stopped");
}

}  // namespace
}  // namespace backsight::tasks
