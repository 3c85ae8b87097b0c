// What probes/protocols/ says of each protocol, against the bytes that are sent and come back.
#include "probes/protocols.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/crafting/templates.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::craft;
using testing::golden_fields;
using testing::ip;
using testing::Packet;
using testing::to_hex;

constexpr std::uint16_t kFlows[] = {0, 1, 0x1111, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff};

Shape shape_of(const Protocol& protocol) {
  return {.kind = protocol.kind, .method = protocol.method};
}

// --- the table ----------------------------------------------------------------------------------

TEST(Protocols, EveryKindHasOneRow) {
  ASSERT_EQ(kKinds.size(), static_cast<std::size_t>(Kind::kCount));
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kKinds[i].kind), i);
    EXPECT_TRUE(words.insert(kKinds[i].word).second) << kKinds[i].word;
  }
}

TEST(Protocols, EveryKindAndOfATraceEveryMethodHasOneRow) {
  std::set<std::pair<Kind, TraceMethod>> seen;
  for (const Protocol& it : kProtocols) {
    EXPECT_TRUE(seen.emplace(it.kind, it.method).second);
    EXPECT_EQ(it.word.empty(), it.kind != Kind::kTrace);
  }
  for (std::size_t kind = 0; kind < static_cast<std::size_t>(Kind::kCount); ++kind) {
    const bool is_trace = static_cast<Kind>(kind) == Kind::kTrace;
    const std::size_t methods = is_trace ? static_cast<std::size_t>(TraceMethod::kCount) : 1;
    for (std::size_t method = 0; method < methods; ++method) {
      const Protocol& it = protocol_of(static_cast<Kind>(kind), static_cast<TraceMethod>(method));
      EXPECT_EQ(static_cast<std::size_t>(it.kind), kind);
      EXPECT_EQ(static_cast<std::size_t>(it.method), method);
      seen.erase({it.kind, it.method});
    }
  }
  EXPECT_TRUE(seen.empty()) << "a row of nothing";
}

TEST(Protocols, AMethodCountsForATraceAlone) {
  EXPECT_EQ(&protocol_of(Kind::kPing, TraceMethod::kTcp),
            &protocol_of(Kind::kPing, TraceMethod::kIcmp));
}

TEST(Protocols, EveryShapeHasItsPlaceAndItsTemplate) {
  const Templates templates;
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    EXPECT_EQ(shape_index(kShapes[i]), i);
    EXPECT_EQ(templates.of(kShapes[i]).shape(), kShapes[i]);
  }
  EXPECT_EQ(std::set<Shape>(kShapes.begin(), kShapes.end()).size(), kShapes.size());
  for (const Shape& shape : testing::kAllShapes) {
    EXPECT_EQ(templates.of(shape).shape(), shape);
  }
}

TEST(Protocols, WhatDoesNotGoWithAKindCountsForNothing) {
  const Shape odd{.kind = Kind::kRecordRoute,
                  .method = TraceMethod::kTcp,
                  .timestamp = TimestampType::kPrespecified,
                  .prespecified = 3};
  EXPECT_EQ(shape_index(odd), shape_index({.kind = Kind::kRecordRoute}));
  Shape trace = odd;
  trace.kind = Kind::kTrace;
  EXPECT_EQ(shape_index(trace), shape_index(testing::kTcpTrace));
}

TEST(Protocols, WordsStandInASentence) {
  EXPECT_EQ(choice_of_kinds(), "ping, rr, ts or trace");
  EXPECT_EQ(choice_of_methods(), "icmp, udp or tcp");
  EXPECT_EQ(choice_of_timestamp_types(), "tsonly, tsandaddr or tsprespec");
}

// docs/wire-identity.md names each shape, its bytes and the kinds' numbers in the tag.
TEST(Protocols, ThePageOfTheWireNamesThemAll) {
  std::ifstream file(BACKSIGHT_DOCS "/wire-identity.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const Protocol& it : kProtocols) {
    std::string row = "\n| " + std::string(name(it.kind));
    if (it.kind == Kind::kTrace) row += ", " + std::string(it.word);
    row += " | ";
    // Of timestamps there are several shapes; the first stands first.
    row += std::to_string(craft(shape_of(it), golden_fields(shape_of(it))).size());
    EXPECT_NE(page.find(row), page.npos) << row;
  }
  std::string numbers;
  for (const KindRow& it : kKinds) {
    if (!numbers.empty()) numbers += ", ";
    numbers += std::string(it.word) + ' ' + std::to_string(static_cast<int>(it.kind));
  }
  EXPECT_NE(page.find("kind: " + numbers), page.npos) << numbers;
}

// --- each protocol, crafted and read back
// ----------------------------------------------------------

class EveryProtocol : public ::testing::TestWithParam<Protocol> {};
INSTANTIATE_TEST_SUITE_P(Protocols, EveryProtocol, ::testing::ValuesIn(kProtocols),
                         [](const auto& it) {
                           return std::string(name(it.param.kind)) + std::string(it.param.word);
                         });

Packet probe_of(const Protocol& protocol, std::uint16_t flow) {
  ProbeFields fields = golden_fields(shape_of(protocol));
  fields.flow = flow;
  return craft(shape_of(protocol), fields);
}

TEST_P(EveryProtocol, IsSentAsItsIpProtocol) {
  const Packet probe = probe_of(GetParam(), 0);
  EXPECT_EQ(ipv4::HeaderView(probe.data()).protocol(), GetParam().ip_protocol);
  EXPECT_EQ(Template(shape_of(GetParam())).ip_protocol(), GetParam().ip_protocol);
}

TEST_P(EveryProtocol, ShowsThePortsOfItsFlowInAQuote) {
  for (const std::uint16_t flow : kFlows) {
    const auto reply =
        parse_packet(testing::make_time_exceeded(probe_of(GetParam(), flow), ip("10.0.0.1")));
    ASSERT_TRUE(reply) << name(reply.error());
    const Ports quoted{reply->quoted.src_port, reply->quoted.dst_port};
    EXPECT_EQ(quoted, ports_of(GetParam().ip_protocol, flow)) << flow;
    EXPECT_EQ(quoted == Ports{}, GetParam().ip_protocol == ipv4::kProtocolIcmp);
  }
}

TEST_P(EveryProtocol, ShowsItsHandleInTheEightBytesThatAreQuoted) {
  const Packet probe = probe_of(GetParam(), 0x1111);
  const ipv4::HeaderView header(probe.data());
  EXPECT_EQ(handle_of(header.protocol(), header.id(), probe.data() + header.header_bytes()),
            testing::kGoldenHandle);
  const auto reply = parse_packet(testing::make_time_exceeded(probe, ip("10.0.0.1")));
  ASSERT_TRUE(reply) << name(reply.error());
  EXPECT_EQ(reply->handle, testing::kGoldenHandle);
}

TEST_P(EveryProtocol, BringsItsIdentityBackIfItCarriesOne) {
  const auto reply = parse_packet(testing::make_time_exceeded(
      probe_of(GetParam(), 0), ip("10.0.0.1"), {.transport_bytes = testing::kWholeProbe}));
  ASSERT_TRUE(reply) << name(reply.error());
  EXPECT_EQ(reply->quoted.has_identity, GetParam().carries_identity);
  EXPECT_EQ(carries_identity(GetParam().ip_protocol), GetParam().carries_identity);
  if (!GetParam().carries_identity) return;
  EXPECT_EQ(reply->quoted.identity.id, testing::kGoldenId);
}

TEST_P(EveryProtocol, IsAnsweredByTheDestinationWithItsHandle) {
  const Packet probe = probe_of(GetParam(), 0);
  switch (GetParam().ip_protocol) {
    case ipv4::kProtocolIcmp: {
      const auto reply = parse_packet(testing::make_echo_reply(probe));
      ASSERT_TRUE(reply) << name(reply.error());
      EXPECT_EQ(reply->handle, testing::kGoldenHandle);
      EXPECT_EQ(reply->identity.id, testing::kGoldenId);
      return;
    }
    case ipv4::kProtocolTcp:
      for (const Packet& answer :
           {testing::make_tcp_reset(probe), testing::make_tcp_syn_ack(probe)}) {
        const auto reply = parse_packet(answer);
        ASSERT_TRUE(reply) << name(reply.error());
        EXPECT_EQ(reply->handle, testing::kGoldenHandle);
        EXPECT_EQ((Ports{reply->dst_port, reply->src_port}), trace_tcp::ports_of(0));
      }
      return;
    default:
      EXPECT_TRUE(GetParam().arrives_with(icmp::kPortUnreachable));
  }
}

TEST_P(EveryProtocol, IsOfTheKindThatItsFirstOptionSays) {
  if (GetParam().kind == Kind::kTrace) return;
  const Packet probe = probe_of(GetParam(), 0);
  const bool has_options = ipv4::HeaderView(probe.data()).header_bytes() > ipv4::kMinHeaderBytes;
  const auto first = has_options ? std::to_integer<std::uint8_t>(probe[ipv4::kOptions])
                                 : std::uint8_t{ipv4::kEndOfOptions};
  EXPECT_EQ(kind_with_option(first), GetParam().kind);
}

// --- flows
// --------------------------------------------------------------------------------------------

TEST(Flows, ComeBackFromTheirPorts) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto flow = static_cast<std::uint16_t>(i);
    ASSERT_EQ(trace_udp::flow_of(trace_udp::ports_of(flow)), flow);
    ASSERT_EQ(trace_tcp::flow_of(trace_tcp::ports_of(flow)), flow);
    ASSERT_EQ(trace_icmp::flow_of(trace_icmp::checksum_for(flow)), flow == 0xffff ? 0xfffe : flow);
  }
}

TEST(Flows, AreThePortsOfThePage) {
  EXPECT_EQ(trace_udp::ports_of(0), (Ports{0x8000, 33434}));
  EXPECT_EQ(trace_udp::ports_of(0xffff), (Ports{0xffff, 33435}));
  EXPECT_EQ(trace_tcp::ports_of(0x1111), (Ports{0x9111, 80}));
  EXPECT_EQ(trace_tcp::ports_of(0x9111), (Ports{0x9111, 443}));
}

// Whoever looks a probe up by quoted ports finds none, or one whose ports are others.
TEST(Flows, OfPortsThatNoFlowHasAreOthers) {
  for (const Ports ports :
       {Ports{0x1234, 33434}, Ports{0x8000, 33436}, Ports{0x8000, 53}, Ports{}}) {
    EXPECT_NE(trace_udp::ports_of(trace_udp::flow_of(ports)), ports);
    EXPECT_NE(trace_tcp::ports_of(trace_tcp::flow_of(ports)), ports);
  }
}

// --- what arrives
// -------------------------------------------------------------------------------------

TEST(Arrivals, AreTheDestinationsWordForItsProtocol) {
  for (int code = 0; code <= 255; ++code) {
    const auto it = static_cast<std::uint8_t>(code);
    EXPECT_FALSE(echo::kProtocol.arrives_with(it));
    EXPECT_FALSE(trace_icmp::kProtocol.arrives_with(it));
    EXPECT_EQ(trace_udp::kProtocol.arrives_with(it), code == 2 || code == 3) << code;
    EXPECT_EQ(trace_tcp::kProtocol.arrives_with(it), code == 2) << code;
  }
}

TEST(LikelyKinds, AreAllEchoKindsWhateverCameBack) {
  for (const bool has_route : {false, true}) {
    for (const bool has_timestamps : {false, true}) {
      const auto kinds = kinds_by_likelihood(has_route, has_timestamps);
      EXPECT_EQ(kinds.front(), has_route        ? Kind::kRecordRoute
                               : has_timestamps ? Kind::kTimestamp
                                                : Kind::kPing);
      EXPECT_EQ(std::set<Kind>(kinds.begin(), kinds.end()),
                (std::set<Kind>{Kind::kPing, Kind::kRecordRoute, Kind::kTimestamp}));
    }
  }
}

}  // namespace
}  // namespace backsight::probes
