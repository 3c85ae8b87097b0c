// Each reason to refuse a packet, provoked.
#include "probes/reading/reject.h"

#include <array>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "golden.h"
#include "probes/reading/reply.h"
#include "probes/wire/byte_order.h"
#include "tests/support/model_router.h"

namespace backsight::probes {
namespace {

using testing::fix_checksums;
using testing::ip;
using testing::make_golden_probe;
using testing::Packet;

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kQuote = 28;

Packet echo_reply(const Shape& shape = testing::kPing) {
  return testing::make_echo_reply(make_golden_probe(shape));
}
Packet time_exceeded() {
  return testing::make_time_exceeded(make_golden_probe(testing::kPing), ip("198.51.100.2"));
}
Packet tcp_reset() { return testing::make_tcp_reset(make_golden_probe(testing::kTcpTrace)); }

// A frame around `packet` after `change`, checksums made right again.
Packet changed(Packet packet, const std::function<void(Packet&)>& change) {
  change(packet);
  fix_checksums(packet);
  return testing::in_ethernet(packet, {}, {});
}

Packet cut(Packet packet, std::size_t bytes) {
  return changed(std::move(packet), [bytes](Packet& p) {
    p.resize(bytes);
    store_be16(p.data() + 2, static_cast<std::uint16_t>(bytes));
  });
}

// The frame with one byte changed and no checksum repaired.
Packet damaged(const Packet& packet, std::size_t at) {
  Packet frame = testing::in_ethernet(packet, {}, {});
  frame[kEthernet + at] ^= std::byte{1};
  return frame;
}

Packet with_type(std::uint16_t ether_type) {
  Packet frame = testing::in_ethernet(echo_reply(), {}, {});
  store_be16(frame.data() + 12, ether_type);
  return frame;
}

struct Example {
  Reject reject;
  std::string_view what;
  Packet frame;
};

void set(Packet& packet, std::size_t at, int value) { packet[at] = static_cast<std::byte>(value); }

std::vector<Example> examples() {
  using enum Reject;
  return {
      {kFrameTooShort, "empty", {}},
      {kFrameTooShort, "thirteen bytes", Packet(13)},
      {kFrameTooShort, "a VLAN tag without what follows",
       [] {
         Packet frame = with_type(0x8100);
         frame.resize(17);
         return frame;
       }()},
      {kFrameTooShort, "IPv4 header cut",
       [] {
         Packet frame = with_type(0x0800);
         frame.resize(14 + 19);
         return frame;
       }()},
      {kVlan, "VLAN 42",
       testing::in_ethernet(echo_reply(), {}, {}, std::array<std::uint16_t, 1>{42})},
      {kArp, "ARP", with_type(0x0806)},
      {kNotIpv4, "IPv6", with_type(0x86dd)},
      {kNotIpv4, "an 802.3 length", with_type(60)},
      {kIpVersion, "version 6", changed(echo_reply(), [](Packet& p) { set(p, 0, 0x65); })},
      {kIpHeaderLength, "16 bytes", changed(echo_reply(), [](Packet& p) { set(p, 0, 0x44); })},
      {kIpHeaderLength, "beyond the frame",
       [] {
         Packet frame = changed(echo_reply(testing::kRecordRoute), [](Packet&) {});
         frame.resize(kEthernet + 59);
         return frame;
       }()},
      {kIpTotalLength, "below the header's",
       changed(echo_reply(), [](Packet& p) { store_be16(p.data() + 2, 19); })},
      {kIpTotalLength, "beyond the frame",
       changed(echo_reply(), [](Packet& p) { store_be16(p.data() + 2, 1500); })},
      {kIpChecksum, "a changed TTL", damaged(echo_reply(), 8)},
      {kIpChecksum, "a changed stamp", damaged(echo_reply(testing::kRecordRoute), 30)},
      {kIpFragment, "more fragments", changed(echo_reply(), [](Packet& p) { set(p, 6, 0x20); })},
      {kIpFragment, "a last fragment", changed(echo_reply(), [](Packet& p) { set(p, 7, 1); })},
      {kIpOptions, "pointer inside the header",
       changed(echo_reply(testing::kRecordRoute), [](Packet& p) { set(p, 22, 3); })},
      {kIpOptions, "length beyond the header",
       changed(echo_reply(testing::kTimestamps), [](Packet& p) { set(p, 21, 41); })},
      {kProtocol, "UDP", changed(echo_reply(), [](Packet& p) { set(p, 9, 17); })},
      {kIcmpTooShort, "seven bytes", cut(echo_reply(), 27)},
      {kIcmpTooShort, "none", cut(echo_reply(), 20)},
      {kIcmpChecksum, "a changed handle", damaged(echo_reply(), 24)},
      {kEchoRequest, "somebody pings",
       testing::in_ethernet(make_golden_probe(testing::kPing), {}, {})},
      {kIcmpType, "source quench", changed(time_exceeded(), [](Packet& p) { set(p, 20, 4); })},
      {kIcmpType, "timestamp reply", changed(echo_reply(), [](Packet& p) { set(p, 20, 14); })},
      {kNoIdentity, "fifteen bytes", cut(echo_reply(), 43)},
      {kQuoteTooShort, "no quote", cut(time_exceeded(), 28)},
      {kQuoteTooShort, "seven bytes after the header", cut(time_exceeded(), kQuote + 27)},
      {kQuoteTooShort, "options that reach beyond the quote",
       changed(time_exceeded(), [](Packet& p) { set(p, kQuote, 0x46); })},
      {kQuoteHeader, "version", changed(time_exceeded(), [](Packet& p) { set(p, kQuote, 0x65); })},
      {kQuoteHeader, "header length",
       changed(time_exceeded(), [](Packet& p) { set(p, kQuote, 0x44); })},
      {kQuoteProtocol, "GRE", changed(time_exceeded(), [](Packet& p) { set(p, kQuote + 9, 47); })},
      {kQuoteProtocol, "an echo reply",
       changed(time_exceeded(), [](Packet& p) { set(p, kQuote + 20, 0); })},
      {kTcpTooShort, "nineteen bytes", cut(tcp_reset(), 39)},
      {kTcpTooShort, "data offset below 20",
       changed(tcp_reset(), [](Packet& p) { set(p, 32, 0x40); })},
      {kTcpTooShort, "data offset beyond the segment",
       changed(tcp_reset(), [](Packet& p) { set(p, 32, 0x60); })},
      {kTcpChecksum, "a changed port", damaged(tcp_reset(), 20)},
      {kTcpFlags, "ACK alone", changed(tcp_reset(), [](Packet& p) { set(p, 33, 0x10); })},
      {kTcpFlags, "a SYN", changed(tcp_reset(), [](Packet& p) { set(p, 33, 0x02); })},
      {kTcpFlags, "RST that acknowledges nothing",
       changed(tcp_reset(), [](Packet& p) { set(p, 33, 0x04); })},
      {kTcpFlags, "SYN, ACK and FIN", changed(tcp_reset(), [](Packet& p) { set(p, 33, 0x13); })},
  };
}

// Why a frame is refused that proves nothing.
Reject reason_for(const Packet& frame) {
  const auto parsed = parse_frame(frame);
  return parsed ? parsed->flaws.reject() : parsed.error();
}

TEST(Reject, EachExampleIsRefusedForItsReason) {
  for (const Example& example : examples()) {
    const Reject reason = reason_for(example.frame);
    ASSERT_NE(reason, Reject::kCount) << name(example.reject) << ": " << example.what;
    EXPECT_EQ(name(reason), name(example.reject)) << example.what;
  }
}

TEST(Reject, EachReasonHasAnExample) {
  std::set<Reject> provoked;
  for (const Example& example : examples()) provoked.insert(example.reject);
  for (std::size_t i = 0; i < kRejectCount; ++i) {
    EXPECT_TRUE(provoked.contains(static_cast<Reject>(i))) << name(static_cast<Reject>(i));
  }
}

// The same packets untouched: what refuses the examples is what was changed in them.
TEST(Reject, TheExamplesAreGoodBeforeTheyAreChanged) {
  for (const Packet& packet : {echo_reply(), echo_reply(testing::kRecordRoute),
                               echo_reply(testing::kTimestamps), time_exceeded(), tcp_reset()}) {
    EXPECT_EQ(reason_for(testing::in_ethernet(packet, {}, {})), Reject::kCount);
  }
}

}  // namespace
}  // namespace backsight::probes
