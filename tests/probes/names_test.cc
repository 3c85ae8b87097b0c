// The words of tasks, results and metrics.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "probes/probe.h"
#include "probes/reading/flaw.h"
#include "probes/reading/reject.h"

namespace backsight::probes {
namespace {

TEST(Names, OfKindsAreThoseOfTheContract) {
  EXPECT_EQ(name(Kind::kPing), "ping");
  EXPECT_EQ(name(Kind::kRecordRoute), "rr");
  EXPECT_EQ(name(Kind::kTimestamp), "ts");
  EXPECT_EQ(name(Kind::kTrace), "trace");
  EXPECT_EQ(name(TraceMethod::kIcmp), "icmp");
  EXPECT_EQ(name(TraceMethod::kUdp), "udp");
  EXPECT_EQ(name(TraceMethod::kTcp), "tcp");
}

TEST(Names, AreReadBack) {
  for (const auto kind : {Kind::kPing, Kind::kRecordRoute, Kind::kTimestamp, Kind::kTrace}) {
    EXPECT_EQ(parse_kind(name(kind)), kind);
  }
  for (const auto method : {TraceMethod::kIcmp, TraceMethod::kUdp, TraceMethod::kTcp}) {
    EXPECT_EQ(parse_trace_method(name(method)), method);
  }
  for (const auto type :
       {TimestampType::kOnly, TimestampType::kWithAddresses, TimestampType::kPrespecified}) {
    EXPECT_EQ(parse_timestamp_type(name(type)), type);
  }
}

TEST(Names, UnknownWordsAreRefused) {
  for (const std::string_view word : {"", "PING", "ping ", "rrr", "icmp6", "ts only"}) {
    EXPECT_FALSE(parse_kind(word));
    EXPECT_FALSE(parse_trace_method(word));
    EXPECT_FALSE(parse_timestamp_type(word));
  }
}

TEST(Names, OfRejectsDifferAndEndInZero) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kRejectCount; ++i) {
    const std::string_view word = name(static_cast<Reject>(i));
    EXPECT_TRUE(seen.insert(word).second) << word;
    EXPECT_EQ(word, std::string(word.data()));
    EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos);
  }
}

TEST(Names, OfFlawsDiffer) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < kFlawCount; ++i) {
    EXPECT_TRUE(seen.insert(name(static_cast<Flaw>(i))).second) << i;
  }
}

}  // namespace
}  // namespace backsight::probes
