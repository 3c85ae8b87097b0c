#include "controller/vantage/announcement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/vp_name.h"

namespace backsight::controller {

namespace {

using Json = nlohmann::json;

// A status is some KiB, what keeps a vantage point from measuring one line.
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostClause = 300;
constexpr double kMostPps = 1e9;
constexpr std::uint64_t kMostNumber = 0xffff;

// Reads one value after the other, and remembers the first fault.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  [[nodiscard]] std::string text(const char* pointer) {
    const Json* const value = find(pointer);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    note(pointer, "no text");
    return {};
  }
  [[nodiscard]] std::uint64_t number(const char* pointer, std::uint64_t most) {
    const Json* const value = find(pointer);
    if (value != nullptr && value->is_number_unsigned() && value->get<std::uint64_t>() <= most) {
      return value->get<std::uint64_t>();
    }
    note(pointer, fmt::format("no whole number of 0 to {}", most));
    return 0;
  }
  [[nodiscard]] double rate(const char* pointer) {
    const Json* const value = find(pointer);
    const double pps = value != nullptr && value->is_number() ? value->get<double>() : -1;
    if (std::isfinite(pps) && pps >= 0 && pps <= kMostPps) return pps;
    note(pointer, "no rate");
    return 0;
  }
  [[nodiscard]] probes::Ipv4Addr address(const char* pointer) {
    const Json* const value = find(pointer);
    if (value != nullptr && value->is_string()) {
      const auto parsed = probes::parse_ipv4(value->get_ref<const std::string&>());
      if (parsed && !parsed->is_unspecified()) return *parsed;
    }
    note(pointer, "no IPv4 address");
    return {};
  }
  // Null or not there: none.
  [[nodiscard]] probes::Ipv4Addr address_if_any(const char* pointer) {
    const Json* const value = find(pointer);
    return value == nullptr || value->is_null() ? probes::Ipv4Addr() : address(pointer);
  }
  // What keeps it from measuring, made printable.
  [[nodiscard]] std::string clause(const char* pointer, const std::string& otherwise) const {
    const Json* const value = find(pointer);
    std::string text = value != nullptr && value->is_string() ? value->get<std::string>() : "";
    if (text.empty()) text = otherwise;
    text.resize(std::min(text.size(), kMostClause));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
  }
  [[nodiscard]] const std::optional<std::string>& fault() const noexcept { return fault_; }

 private:
  [[nodiscard]] const Json* find(const char* pointer) const {
    const Json::json_pointer at(pointer);
    return json_.contains(at) ? &json_.at(at) : nullptr;
  }
  void note(const char* pointer, std::string_view what) {
    if (!fault_) fault_ = fmt::format("{} is {}", pointer + 1, what);
  }

  const Json& json_;
  std::optional<std::string> fault_;
};

}  // namespace

tl::expected<Announcement, std::string> parse_announcement(std::string_view text) {
  using Fault = tl::unexpected<std::string>;
  if (text.size() > kMostBytes) return Fault(fmt::format("it is {} bytes long", text.size()));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Fault("it is no JSON object");
  Reader read(json);
  Announcement said;
  said.name = read.text("/vp");
  said.number = static_cast<std::uint16_t>(read.number("/id", kMostNumber));
  said.address = read.address("/ports/0/address");
  said.gateway = read.address_if_any("/ports/0/gateway");
  said.pps = read.rate("/rates/asked_pps");
  const std::string state = read.text("/state");
  said.is_ready = state == "ready";
  if (!said.is_ready) said.why_not = read.clause("/why/0", state);
  said.started_at_ns = read.number("/started_at_ns", UINT64_MAX);
  said.updated_at_ns = read.number("/updated_at_ns", UINT64_MAX);
  if (read.fault()) return Fault(*read.fault() + "; is it of another version?");
  if (!config::is_vp_name(said.name)) return Fault("vp is no name of a vantage point");
  if (said.number == 0) return Fault("id is 0");
  return said;
}

}  // namespace backsight::controller
