// RIPE Atlas' traceroutes, in the form of its API.
#include "controller/atlas_import/ripe_atlas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "data_files.h"

namespace backsight::controller {
namespace {

using nlohmann::json;
using probes::ReplyType;
using tasks::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// As a probe of firmware 5080 reports it; addresses are of test nets.
constexpr const char* kResult =
    R"({"fw":5080,"mver":"2.6.2","lts":20,"endtime":1767225610,"dst_name":"192.0.2.1",)"
    R"("dst_addr":"192.0.2.1","src_addr":"192.168.1.7","from":"203.0.113.9","proto":"ICMP","af":4,)"
    R"("size":48,"paris_id":3,"result":[)"
    R"({"hop":1,"result":[{"from":"192.168.1.1","ttl":64,"size":76,"rtt":0.612},)"
    R"({"from":"192.168.1.1","ttl":64,"size":76,"rtt":0.498},{"x":"*"}]},)"
    R"({"hop":2,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]},)"
    R"({"hop":3,"result":[{"from":"198.51.100.5","ttl":253,"size":140,"rtt":4.1,"ittl":2,)"
    R"("icmpext":{"version":2,"rfc4884":1,"obj":[{"class":1,"type":1,"mpls":[)"
    R"({"exp":0,"label":24001,"s":0,"ttl":1},{"exp":5,"label":16,"s":1,"ttl":2}]}]}},)"
    R"({"from":"198.51.100.6","ttl":253,"size":28,"rtt":5.25},{"late":2,"from":"198.51.100.9",)"
    R"("ttl":254,"size":28,"rtt":9.5},{"dup":true,"from":"198.51.100.5","rtt":0.1}]},)"
    R"({"hop":4,"result":[{"from":"192.0.2.1","ttl":60,"size":48,"rtt":10.0012},)"
    R"({"from":"192.0.2.1","ttl":60,"size":48,"rtt":9.9},{"from":"192.0.2.1","rtt":11}]}],)"
    R"("msm_id":5001,"prb_id":4711,"timestamp":1767225600,"msm_name":"Traceroute",)"
    R"("type":"traceroute","stored_timestamp":1767225700})";

probes::Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

TraceRecord parsed(const json& tree) {
  auto record = parse_ripe_atlas(tree.dump());
  EXPECT_TRUE(record) << record.error().sentence;
  return record ? std::move(*record) : TraceRecord{};
}

json result() { return json::parse(kResult); }

TraceRecord with(const char* pointer, const json& value) {
  json tree = result();
  tree[json::json_pointer(pointer)] = value;
  return parsed(tree);
}

std::string fault_with(const char* pointer, const json& value) {
  json tree = result();
  tree[json::json_pointer(pointer)] = value;
  const auto record = parse_ripe_atlas(tree.dump());
  return record ? "" : record.error().sentence;
}

TEST(RipeAtlas, IsATraceOfTheAtlas) {
  const TraceRecord record = parsed(result());
  EXPECT_EQ(record.platform, "ripe");
  EXPECT_EQ(record.probe, 4711U);
  EXPECT_TRUE(record.is_atlas);
  EXPECT_EQ(record.id, 0U);
  EXPECT_EQ(record.dst, address("192.0.2.1"));
  EXPECT_EQ(record.started_unix_us, 1'767'225'600'000'000U);
  EXPECT_EQ(record.outcome, Outcome::kReached);
}

TEST(RipeAtlas, KeepsOneReplyOfEachRouter) {
  const TraceRecord record = parsed(result());
  ASSERT_EQ(record.hops.size(), 5U);
  const auto& hops = record.hops;
  EXPECT_EQ(hops[0].reply.from, address("192.168.1.1"));
  EXPECT_EQ(hops[0].ttl, 1);
  EXPECT_EQ(hops[0].attempt, 2);
  EXPECT_EQ(hops[0].rtt_ns, 498'000U);
  EXPECT_EQ(hops[0].reply.ttl, 64);
  EXPECT_EQ(hops[0].quoted_ttl, 1);
  EXPECT_EQ(hops[0].reply.type, ReplyType::kTimeExceeded);
  EXPECT_EQ(hops[0].reply.icmp_type, 11);
  EXPECT_FALSE(hops[1].has_reply);
  EXPECT_EQ(hops[1].ttl, 2);
  EXPECT_EQ(hops[2].reply.from, address("198.51.100.5"));
  EXPECT_EQ(hops[2].rtt_ns, 4'100'000U);
  EXPECT_EQ(hops[3].reply.from, address("198.51.100.6"));
  EXPECT_EQ(hops[3].ttl, 3);
  EXPECT_EQ(hops[3].attempt, 2);
  EXPECT_EQ(hops[4].reply.from, address("192.0.2.1"));
  EXPECT_EQ(hops[4].rtt_ns, 9'900'000U);
  EXPECT_EQ(hops[4].reply.type, ReplyType::kEchoReply);
}

TEST(RipeAtlas, ReadsMplsLabelsAndQuotedTtl) {
  const tasks::Hop hop = parsed(result()).hops[2];
  EXPECT_EQ(hop.quoted_ttl, 2);
  ASSERT_EQ(hop.label_count, 2);
  EXPECT_EQ(hop.labels[0], (probes::MplsLabel{24001, 0, false, 1}));
  EXPECT_EQ(hop.labels[1], (probes::MplsLabel{16, 5, true, 2}));
}

TEST(RipeAtlas, TakesTheProbesPublicAddress) {
  EXPECT_EQ(parsed(result()).src, address("203.0.113.9"));
  EXPECT_EQ(with("/src_addr", "198.51.100.77").src, address("198.51.100.77"));
  EXPECT_EQ(with("/src_addr", "100.64.0.1").src, address("203.0.113.9"));
  EXPECT_EQ(with("/from", "").src, address("192.168.1.7"));
}

TEST(RipeAtlas, RefusesATraceToAnAddressThatNamesNobody) {
  for (const char* nobody : {"10.0.0.1", "192.168.1.10", "100.64.3.4", "127.0.0.1", "224.0.0.1"}) {
    json tree = result();
    tree["dst_addr"] = nobody;
    const auto record = parse_ripe_atlas(tree.dump());
    ASSERT_FALSE(record) << nobody;
    EXPECT_THAT(record.error().sentence, HasSubstr("private or reserved"));
  }
}

TEST(RipeAtlas, SaysHowTheTraceEnded) {
  const auto outcome = [](const char* hop4, const char* protocol = "ICMP") {
    json tree = result();
    tree["proto"] = protocol;
    tree["result"][3] = json::parse(hop4);
    return parsed(tree).outcome;
  };
  EXPECT_EQ(outcome(R"({"hop":4,"result":[{"x":"*"}]})"), Outcome::kGapLimit);
  EXPECT_EQ(outcome(R"({"hop":4,"result":[{"from":"198.51.100.8","rtt":1}]})"), Outcome::kMaxTtl);
  EXPECT_EQ(outcome(R"({"hop":4,"result":[{"from":"198.51.100.8","rtt":1,"err":"H"}]})"),
            Outcome::kUnreachable);
  const char* const closed_port = R"({"hop":4,"result":[{"from":"192.0.2.1","rtt":1,"err":"p"}]})";
  EXPECT_EQ(outcome(closed_port, "UDP"), Outcome::kReached);
  EXPECT_EQ(outcome(closed_port), Outcome::kUnreachable) << "an echo has no port";
}

TEST(RipeAtlas, DoesNotTakeTheLastTryForAHop) {
  json tree = result();
  tree["result"][3]["hop"] = 255;
  const TraceRecord record = parsed(tree);
  EXPECT_EQ(record.outcome, Outcome::kGapLimit);
  EXPECT_EQ(record.hops.back().ttl, 3);
}

TEST(RipeAtlas, NamesTheKindOfReply) {
  const auto reply = [](const char* attempt, const char* proto) {
    json tree = result();
    tree["proto"] = proto;
    tree["result"][3]["result"] = json::array({json::parse(attempt)});
    return parsed(tree).hops.back().reply;
  };
  const auto unreachable = reply(R"({"from":"192.0.2.1","rtt":1,"err":"p"})", "UDP");
  EXPECT_EQ(unreachable.type, ReplyType::kUnreachable);
  EXPECT_EQ(unreachable.icmp_code, 3);
  EXPECT_EQ(reply(R"({"from":"192.0.2.1","rtt":1,"err":"A"})", "ICMP").icmp_code, 13);
  EXPECT_EQ(reply(R"({"from":"192.0.2.1","rtt":1,"err":10})", "ICMP").icmp_code, 10);
  EXPECT_EQ(reply(R"({"from":"192.0.2.1","rtt":1,"flags":"SA"})", "TCP").type,
            ReplyType::kTcpSynAck);
  EXPECT_EQ(reply(R"({"from":"192.0.2.1","rtt":1,"flags":"RA"})", "TCP").type,
            ReplyType::kTcpReset);
}

TEST(RipeAtlas, RefusesOddRowsByName) {
  EXPECT_THAT(fault_with("/type", "ping"), HasSubstr("is a ping result"));
  EXPECT_THAT(fault_with("/dst_addr", nullptr), HasSubstr("no dst_addr"));
  EXPECT_THAT(fault_with("/timestamp", "now"), HasSubstr("no timestamp"));
  EXPECT_THAT(fault_with("/result", "traceroute to"), HasSubstr("no list of hops"));
  EXPECT_THAT(fault_with("/result/2", 3), HasSubstr("a hop is not an object"));
  EXPECT_THAT(fault_with("/result/2/hop", 0), HasSubstr("no number of 1 to 255"));
  EXPECT_THAT(fault_with("/result/2/hop", 256), HasSubstr("no number of 1 to 255"));
  EXPECT_THAT(fault_with("/result/2/hop", 2), HasSubstr("not in order"));
  EXPECT_THAT(fault_with("/result", json::parse(R"([{"hop":1,"error":"sendto failed"}])")),
              HasSubstr("could not send"));
  EXPECT_THAT(
      fault_with("/result", json::parse(R"([{"hop":1,"result":[{"error":"bind failed"}]}])")),
      HasSubstr("could not send"));
  EXPECT_THAT(parse_ripe_atlas("[1]").error().sentence, HasSubstr("is not an object"));
}

TEST(RipeAtlas, SurvivesEveryTruncation) {
  const std::string whole = kResult;
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_FALSE(parse_ripe_atlas(whole.substr(0, bytes)));
  }
}

TEST(RipeAtlas, ReadsAFileAndTellsWhatItSkips) {
  json ipv6 = result();
  ipv6["af"] = 6;
  ipv6["dst_addr"] = "2001:db8::1";
  json ping = result();
  ping["type"] = "ping";
  const std::string good = kResult;
  const std::vector<std::string> rows = {good, ipv6.dump(), ping.dump(), "{\"hop\":", good};
  const DataFolder folder;
  std::string lines;
  for (const std::string& row : rows) lines += row + "\n";
  for (const auto& file :
       {folder.write("a.jsonl", lines), folder.write_packed("a.jsonl.gz", lines)}) {
    std::vector<std::uint64_t> probes;
    const auto summary =
        read_ripe_atlas(file, [&](TraceRecord record) { probes.push_back(record.probe); });
    ASSERT_TRUE(summary) << summary.error().sentence;
    EXPECT_THAT(probes, ElementsAre(4711, 4711));
    EXPECT_EQ(summary->taken, 2U);
    EXPECT_EQ(summary->ipv6, 1U);
    EXPECT_EQ(summary->odd, 2U);
    EXPECT_THAT(summary->complaints,
                ElementsAre(HasSubstr("row 3: is a ping result"), HasSubstr("row 4: is no JSON"),
                            HasSubstr("1 rows of IPv6 are not used")));
  }
}

TEST(RipeAtlas, ReadsThePagesOfAnApi) {
  const DataFolder folder;
  const std::string row = kResult;
  const auto file =
      folder.write("a.json", R"({"count":9,"next":"https://x/2","results":[)" + row + "]}");
  const auto summary = read_ripe_atlas(file, [](const TraceRecord&) {});
  ASSERT_TRUE(summary) << summary.error().sentence;
  EXPECT_EQ(summary->taken, 1U);
  EXPECT_THAT(summary->complaints, ElementsAre(HasSubstr("one page of several")));
}

TEST(RipeAtlas, RefusesAFileWithoutARowToUse) {
  const DataFolder folder;
  const auto refusal = [&](const std::string& text) {
    const auto read = read_ripe_atlas(folder.write("a.json", text), [](const TraceRecord&) {});
    return read ? "" : read.error().sentence;
  };
  json ipv6 = result();
  ipv6["af"] = 6;
  ipv6["dst_addr"] = "2001:db8::1";
  EXPECT_THAT(refusal("[]"), HasSubstr("holds no traceroute"));
  EXPECT_THAT(refusal("[" + ipv6.dump() + "]"), HasSubstr("all of its 1 rows are of IPv6"));
  EXPECT_THAT(refusal("[{\"type\":\"ping\"}]"), HasSubstr("is a ping result"));
  EXPECT_THAT(refusal(R"({"error":{"detail":"no such measurement"}})"),
              HasSubstr("holds an error of an API: \"no such measurement\""));
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
}

TEST(RipeAtlas, UsesTheRowsBeforeACut) {
  const DataFolder folder;
  const std::string row = kResult;
  const auto file = folder.write("a.json", "[" + row + "," + row + "," + row.substr(0, 500));
  std::size_t taken = 0;
  const auto summary = read_ripe_atlas(file, [&](const TraceRecord&) { ++taken; });
  ASSERT_TRUE(summary);
  EXPECT_EQ(taken, 2U);
  EXPECT_THAT(summary->complaints, ElementsAre(HasSubstr("the rows before are used")));
  EXPECT_THAT(read_ripe_atlas(folder.path() / "none", [](const TraceRecord&) {}).error().sentence,
              HasSubstr("does not exist"));
}

}  // namespace
}  // namespace backsight::controller
