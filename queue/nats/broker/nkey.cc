#include "queue/nats/broker/nkey.h"

#include <sodium.h>

#include <array>
#include <cstdint>

namespace backsight::queue::nats {

namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648, base 32
constexpr unsigned kPrefixSeed = 18 << 3;
constexpr unsigned kPrefixUser = 20 << 3;
constexpr std::size_t kCrcBytes = 2;

// CRC-16 of polynomial 0x1021, initial 0 (XMODEM).
std::uint16_t crc16(std::span<const unsigned char> bytes) {
  unsigned crc = 0;
  for (const unsigned char byte : bytes) {
    crc ^= static_cast<unsigned>(byte) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U);
    crc &= 0xffffU;
  }
  return static_cast<std::uint16_t>(crc);
}

// With the CRC-16 behind the bytes, low byte first.
std::string to_base32(std::span<const unsigned char> bytes) {
  const std::uint16_t crc = crc16(bytes);
  std::string text;
  unsigned held = 0;
  unsigned bits = 0;
  const auto append = [&](unsigned byte) {
    held = (held << 8 | byte) & 0xffffU;
    for (bits += 8; bits >= 5; bits -= 5) text += kDigits[held >> (bits - 5) & 31];
  };
  for (const unsigned char byte : bytes) append(byte);
  append(crc & 0xffU);
  append(crc >> 8U);
  if (bits > 0) text += kDigits[held << (5 - bits) & 31];
  return text;
}

// Empty: not base 32, or the CRC-16 is wrong.
Bytes from_base32(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size());  // so that no copy of a secret is left behind
  unsigned held = 0;
  unsigned bits = 0;
  for (const char digit : text) {
    const std::size_t value = kDigits.find(digit);
    if (value == kDigits.npos) return {};
    held = (held << 5 | static_cast<unsigned>(value)) & 0xfffffU;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<unsigned char>(held >> bits & 0xff));
  }
  if (bytes.size() <= kCrcBytes) return {};
  const std::size_t size = bytes.size() - kCrcBytes;
  const unsigned crc = bytes[size] | static_cast<unsigned>(bytes[size + 1]) << 8;
  bytes.resize(size);
  return crc16(bytes) == crc ? bytes : Bytes{};
}

struct KeyPair {
  KeyPair() = default;
  KeyPair(const KeyPair&) = default;
  KeyPair& operator=(const KeyPair&) = default;
  ~KeyPair() { sodium_memzero(secret.data(), secret.size()); }

  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> open{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
};

// A seed holds two bytes of prefixes and 32 of secret.
Expected<KeyPair> pair_of(std::span<const unsigned char> bytes) {
  if (bytes.size() != 2 + crypto_sign_SEEDBYTES || (bytes[0] & 0xf8U) != kPrefixSeed) {
    return bad_usage("not an nkey seed, which begins with SU");
  }
  if (((bytes[0] & 7U) << 5 | bytes[1] >> 3) != kPrefixUser) {
    return bad_usage("an nkey seed, but not a user's, which begins with SU");
  }
  KeyPair pair;
  crypto_sign_seed_keypair(pair.open.data(), pair.secret.data(), bytes.data() + 2);
  return pair;
}

Expected<KeyPair> pair_of(std::string_view seed) {
  Bytes bytes = from_base32(seed);
  auto pair = pair_of(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return pair;
}

}  // namespace

std::string make_user_seed() {
  Bytes bytes(2 + crypto_sign_SEEDBYTES);
  bytes[0] = static_cast<unsigned char>(kPrefixSeed | kPrefixUser >> 5);
  bytes[1] = static_cast<unsigned char>((kPrefixUser & 31U) << 3);
  randombytes_buf(bytes.data() + 2, crypto_sign_SEEDBYTES);
  std::string seed = to_base32(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return seed;
}

Expected<std::string> public_key_of(std::string_view seed) {
  return pair_of(seed).map([](const KeyPair& pair) {
    Bytes bytes{static_cast<unsigned char>(kPrefixUser)};
    bytes.insert(bytes.end(), pair.open.begin(), pair.open.end());
    return to_base32(bytes);
  });
}

Expected<std::vector<unsigned char>> sign(std::string_view seed, std::string_view nonce) {
  return pair_of(seed).map([&](const KeyPair& pair) {
    Bytes signature(crypto_sign_BYTES);
    crypto_sign_detached(signature.data(), nullptr,
                         reinterpret_cast<const unsigned char*>(nonce.data()), nonce.size(),
                         pair.secret.data());
    return signature;
  });
}

}  // namespace backsight::queue::nats
