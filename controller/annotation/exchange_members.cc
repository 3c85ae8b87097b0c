#include "controller/annotation/exchange_members.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <string_view>
#include <utility>

#include "controller/annotation/complaints.h"
#include "controller/annotation/origin_rows.h"
#include "controller/annotation/packed_file.h"

namespace backsight::controller {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr std::string_view kWanted =
    "it should be what PeeringDB answers for netixlan, an object with an array \"data\" of objects "
    "with \"ipaddr4\" and \"asn\"";

enum class Pass { kNoIpv4, kDeleted, kOdd };
struct PassedRow {
  Pass why = Pass::kOdd;
  std::string sentence = {};
};

tl::unexpected<PassedRow> odd(std::string sentence) {
  return tl::unexpected(PassedRow{Pass::kOdd, std::move(sentence)});
}

tl::expected<Origin, PassedRow> parse_row(element row) {
  if (!row.is_object()) return odd("is no object");
  std::string_view status;
  if (!row.at_key("status").get(status) && status != "ok") {
    return tl::unexpected(PassedRow{Pass::kDeleted});
  }
  element address;
  if (row.at_key("ipaddr4").get(address) || address.is_null()) {
    return tl::unexpected(PassedRow{Pass::kNoIpv4});
  }
  std::string_view text;
  Origin member;
  const auto parsed = address.get(text) ? std::nullopt : probes::parse_ipv4(text);
  if (!parsed) return odd("\"ipaddr4\" is no IPv4 address");
  member.prefix = {*parsed, 32};
  std::uint64_t asn = 0;
  if (row.at_key("asn").get(asn) || asn == 0 || asn > std::numeric_limits<std::uint32_t>::max()) {
    return odd("\"asn\" is no AS number");
  }
  member.asn = static_cast<std::uint32_t>(asn);
  return member;
}

// The rows of an answer, of a dump of everything, or the array itself.
bool rows_of(element document, array& rows) {
  if (!document.get(rows)) return true;
  element members;
  const bool is_dump = !document.at_key("netixlan").get(members);
  return !(is_dump ? members : document).at_key("data").get(rows);
}

class Answers {
 public:
  explicit Answers(std::string file) : complaints_(file, "row"), file_(std::move(file)) {}

  Expected<void> take(const std::string& text) {
    simdjson::dom::parser parser;
    simdjson::dom::document_stream documents;
    // Each document must fit into a batch.
    if (const auto error = parser.parse_many(text, text.size()).get(documents))
      return no_json(error);
    for (auto document : documents) {
      element root;
      array rows;
      if (const auto error = document.get(root)) return no_json(error);
      if (!rows_of(root, rows)) {
        return bad_usage(fmt::format("{}: has no array \"data\"; {}", file_, kWanted));
      }
      for (const element row : rows) take(row);
    }
    if (documents.truncated_bytes() == 0) return {};
    return bad_usage(fmt::format("{}: ends too early: it was cut; fetch it again", file_));
  }

  Expected<ExchangeMembers> end() {
    read_.passed = complaints_.count() + deleted_ + without_ipv4_;
    read_.complaints = complaints_.take();
    if (read_.members.empty() && !read_.complaints.empty()) {
      return bad_usage(fmt::format("{} (and no row is better)", read_.complaints.front()));
    }
    if (deleted_ != 0) {
      read_.complaints.push_back(
          fmt::format("{}: {} rows whose status is not \"ok\" are passed over", file_, deleted_));
    }
    if (!read_.members.empty()) return std::move(read_);
    return bad_usage(fmt::format("{}: holds no IPv4 address of a member; {}", file_, kWanted));
  }

 private:
  tl::unexpected<Error> no_json(simdjson::error_code error) const {
    return bad_usage(
        fmt::format("{}: is no JSON ({}); {}", file_, simdjson::error_message(error), kWanted));
  }

  void take(element row) {
    ++number_;
    const auto member = parse_row(row);
    if (member) {
      read_.members.push_back(*member);
    } else if (member.error().why == Pass::kOdd) {
      complaints_.add(number_, member.error().sentence);
    } else {
      ++(member.error().why == Pass::kDeleted ? deleted_ : without_ipv4_);
    }
  }

  Complaints complaints_;
  std::string file_;
  ExchangeMembers read_;
  std::uint64_t number_ = 0;
  std::uint64_t deleted_ = 0;
  std::uint64_t without_ipv4_ = 0;
};

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
}

}  // namespace

Expected<ExchangeMembers> read_exchange_members(const std::filesystem::path& file) {
  auto opened = PackedFile::open(file);
  if (!opened) return tl::unexpected(opened.error());
  if (!is_json(opened->beginning())) {
    auto rows = read_origin_rows(std::move(*opened));
    if (!rows)
      return tl::unexpected(
          Error{rows.error().code, rows.error().sentence + "; or " + std::string(kWanted)});
    return ExchangeMembers{std::move(rows->origins), rows->passed, std::move(rows->complaints)};
  }
  const auto text = opened->read_rest(kMostBytes);
  if (!text) return tl::unexpected(text.error());
  Answers answers(file.string());
  if (auto taken = answers.take(*text); !taken) return tl::unexpected(taken.error());
  return answers.end();
}

}  // namespace backsight::controller
