// Puts JSON together without a tree in between.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "probes/assert.h"
#include "probes/ip/address.h"

namespace backsight::tasks {

// Writes one JSON value after the other into a string; puts the commas.
class JsonText {
 public:
  explicit JsonText(std::string& out) : out_(out) {}

  void open(char bracket) {
    separate();
    out_ += bracket;
    is_first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    is_first_ = false;
  }
  // REQUIRES: `word` needs no escape, as all keys of ours.
  void key(std::string_view word) {
    separate();
    out_ += '"';
    out_ += word;
    out_ += "\":";
    is_first_ = true;  // its value follows
  }
  void number(std::uint64_t value) {
    separate();
    append_number(value);
  }
  void boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
  }
  void null() {
    separate();
    out_ += "null";
  }
  // The shortest form that reads back as the same. REQUIRES: a finite value.
  void real(double value) {
    BACKSIGHT_ASSERT(std::isfinite(value));
    separate();
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }
  void text(std::string_view value) {
    separate();
    out_ += '"';
    for (const char c : value) append_escaped(c);
    out_ += '"';
  }
  void address(probes::Ipv4Addr value) {
    separate();
    out_ += '"';
    for (int shift = 24; shift >= 0; shift -= 8) {
      append_number((value.value >> shift) & 0xff);
      out_ += shift > 0 ? '.' : '"';
    }
  }

  void number(std::string_view word, std::uint64_t value) {
    key(word);
    number(value);
  }
  void boolean(std::string_view word, bool value) {
    key(word);
    boolean(value);
  }
  void real(std::string_view word, double value) {
    key(word);
    real(value);
  }
  void text(std::string_view word, std::string_view value) {
    key(word);
    text(value);
  }
  void address(std::string_view word, probes::Ipv4Addr value) {
    key(word);
    address(value);
  }

 private:
  void separate() {
    if (!is_first_) out_ += ',';
    is_first_ = false;
  }
  void append_number(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
  }
  void append_escaped(char c) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out_ += "\\u00";
      out_ += kHex[byte >> 4];
      out_ += kHex[byte & 0xf];
      return;
    }
    if (c == '"' || c == '\\') out_ += '\\';
    out_ += c;
  }

  std::string& out_;
  bool is_first_ = true;
};

}  // namespace backsight::tasks
