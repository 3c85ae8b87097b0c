// ICMP (RFC 792), its extension structure (RFC 4884) and MPLS label stacks in it (RFC 4950).
#pragma once

#include <cstddef>
#include <cstdint>

namespace backsight::probes::icmp {

inline constexpr std::size_t kHeaderBytes = 8;

inline constexpr std::size_t kType = 0;
inline constexpr std::size_t kCode = 1;
inline constexpr std::size_t kChecksum = 2;
inline constexpr std::size_t kHandle = 4;  // echo: identifier, then sequence number
inline constexpr std::size_t kRedirectGateway = 4;
inline constexpr std::size_t kParameterPointer = 4;
inline constexpr std::size_t kQuoteWords = 5;  // RFC 4884: length of the quote, 32-bit words

inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kUnreachable = 3;
inline constexpr std::uint8_t kRedirect = 5;
inline constexpr std::uint8_t kEchoRequest = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;

// Codes of kUnreachable.
inline constexpr std::uint8_t kProtocolUnreachable = 2;
inline constexpr std::uint8_t kPortUnreachable = 3;

// What every router quotes beyond the IPv4 header (RFC 792).
inline constexpr std::size_t kMinQuotedTransportBytes = 8;

// Where routers older than RFC 4884 put extensions without saying so (its section 5).
inline constexpr std::size_t kOldExtensionOffset = 128;
inline constexpr std::size_t kExtensionHeaderBytes = 4;
inline constexpr std::uint8_t kExtensionVersion = 2;
inline constexpr std::size_t kExtensionObjectHeaderBytes = 4;
inline constexpr std::uint8_t kMplsClass = 1;
inline constexpr std::uint8_t kMplsIncomingStack = 1;
inline constexpr std::size_t kMplsEntryBytes = 4;

}  // namespace backsight::probes::icmp
