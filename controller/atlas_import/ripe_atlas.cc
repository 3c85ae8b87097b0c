#include "controller/atlas_import/ripe_atlas.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "controller/annotation/complaints.h"
#include "controller/atlas_import/json_rows.h"
#include "controller/atlas_import/ripe_hops.h"
#include "probes/ip/special_purpose.h"

namespace backsight::controller {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::string_view text_at(object from, const char* key) {
  std::string_view text;
  if (from.at_key(key).get(text)) return {};
  return text;
}

std::uint64_t number_at(object from, const char* key) {
  std::uint64_t number = 0;
  if (from.at_key(key).get(number)) return 0;
  return number;
}

tl::unexpected<RipeAtlasFault> odd(std::string sentence) {
  return tl::unexpected(RipeAtlasFault{RipeAtlasSkip::kOdd, std::move(sentence)});
}

bool is_ipv6(object row) {
  return number_at(row, "af") == 6 || text_at(row, "dst_addr").find(':') != std::string_view::npos;
}

RipeProtocol protocol_of(object row) {
  const std::string_view word = text_at(row, "proto");
  if (word == "TCP") return RipeProtocol::kTcp;
  return word == "UDP" ? RipeProtocol::kUdp : RipeProtocol::kIcmp;
}

// The probe's own address, or the one that the Internet knows it by.
probes::Ipv4Addr source_of(object row) {
  const auto own = probes::parse_ipv4(text_at(row, "src_addr"));
  if (own && !probes::names_nobody(*own)) return *own;
  const auto known = probes::parse_ipv4(text_at(row, "from"));
  return known.value_or(own.value_or(probes::Ipv4Addr{}));
}

tl::expected<TraceRecord, RipeAtlasFault> read_row(object row) {
  const std::string_view type = text_at(row, "type");
  if (!type.empty() && type != "traceroute") {
    return odd(fmt::format("is a {} result; only traceroutes are used", type.substr(0, 20)));
  }
  if (is_ipv6(row)) return tl::unexpected(RipeAtlasFault{RipeAtlasSkip::kIpv6, "is IPv6"});
  TraceRecord record;
  const auto dst = probes::parse_ipv4(text_at(row, "dst_addr"));
  if (!dst) return odd("has no dst_addr: the probe found no address for its target");
  if (probes::names_nobody(*dst))
    return odd("leads to a private or reserved address, which is no source's");
  record.dst = *dst;
  record.src = source_of(row);
  record.platform = "ripe";
  record.probe = number_at(row, "prb_id");
  record.is_atlas = true;
  const std::uint64_t seconds = number_at(row, "timestamp");
  if (seconds == 0 || seconds > 0xffffffffU) return odd("has no timestamp");
  record.started_unix_us = seconds * 1'000'000;
  simdjson::dom::array hops;
  if (row.at_key("result").get(hops)) return odd("has no list of hops");
  if (std::string fault = read_ripe_hops(hops, protocol_of(row), record); !fault.empty()) {
    return odd(std::move(fault));
  }
  if (record.hops.empty()) return odd("has no hop: the probe could not send");
  return record;
}

Error nothing_to_use(const std::filesystem::path& file, const RipeAtlasSummary& summary,
                     const std::string& end) {
  std::string why = end;
  if (summary.odd != 0) {
    why = fmt::format("{} (and no row is better)", summary.complaints.front());
  } else if (summary.ipv6 != 0) {
    why = fmt::format("{}: all of its {} rows are of IPv6; Record Route is IPv4's", file.string(),
                      summary.ipv6);
  } else if (why.empty()) {
    why = fmt::format("{}: holds no traceroute; it should be results of RIPE Atlas", file.string());
  }
  return {ErrorCode::kBadUsage, std::move(why)};
}

}  // namespace

tl::expected<TraceRecord, RipeAtlasFault> parse_ripe_atlas(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  element document;
  object row;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return odd(fmt::format("is no JSON: {}", simdjson::error_message(error)));
  }
  if (document.get(row)) return odd("is not an object");
  return read_row(row);
}

Expected<RipeAtlasSummary> read_ripe_atlas(const std::filesystem::path& file,
                                           const std::function<void(TraceRecord)>& each) {
  auto rows = JsonRows::open(file);
  if (!rows) return tl::unexpected(rows.error());
  RipeAtlasSummary summary;
  Complaints complaints(file.string(), "row");
  std::string end;
  while (true) {
    const auto row = rows->next();
    if (!row && rows->number() == 0) return tl::unexpected(row.error());
    if (!row) end = row.error().sentence;
    if (!row || !row->has_value()) break;
    auto record = parse_ripe_atlas(**row);
    if (record) {
      ++summary.taken;
      each(std::move(*record));
    } else if (record.error().skip == RipeAtlasSkip::kIpv6) {
      ++summary.ipv6;
    } else {
      ++summary.odd;
      complaints.add(rows->number(), record.error().sentence);
    }
  }
  summary.complaints = complaints.take();
  if (summary.taken == 0) return tl::unexpected(nothing_to_use(file, summary, end));
  if (summary.ipv6 > 0) {
    summary.complaints.push_back(fmt::format(
        "{}: {} rows of IPv6 are not used: Record Route is IPv4's", file.string(), summary.ipv6));
  }
  if (rows->lacks_pages()) {
    summary.complaints.push_back(fmt::format(
        "{}: is one page of several: it names a next one, which is not in it", file.string()));
  }
  if (!end.empty()) summary.complaints.push_back(end + "; the rows before are used");
  return summary;
}

}  // namespace backsight::controller
