#include "controller/archive/schema.h"

namespace backsight::controller {

namespace {

using enum FieldType;

constexpr Field kLocationFields[] = {
    {"city", kString, false, "City in English"},
    {"country", kString, false, "Country, ISO 3166-1 alpha-2"},
    {"lat", kFloat, false, "Latitude in degrees"},
    {"lng", kFloat, false, "Longitude in degrees"},
};

constexpr Field kArchiverFields[] = {
    {"Version", kString, false, "Version of the program that archived the row"},
    {"GitCommit", kString, false, "Its commit"},
    {"ArchiveURL", kString, false, "The bundle that holds the row"},
    {"Filename", kString, false, "The file that the row was first written to"},
};

constexpr Field kRevtrHopFields[] = {
    {"hop_number", kInteger, false, "Place on the reverse path, from 0, the destination"},
    {"hop_ip", kString, false, "Address of the hop; null: it did not say"},
    {"hop_type", kInteger, false,
     "How it was found: 1 destination, 3 atlas traceroute, 4 Record Route atlas, 5 Record Route, "
     "6 spoofed Record Route, 11 symmetry assumed within an AS, 12 across ASes"},
    {"measurement_id", kInteger, false, "The ping or traceroute that showed it; 0: none"},
    {"rtt", kInteger, false, "Round trip from the source in microseconds; 0: not known"},
    {"rtt_measurement_id", kInteger, false, "The ping that measured rtt; 0: none"},
    {"cidr", kString, false, "Announced prefix that holds the address"},
    {"asn", kInteger, false, "AS that announces the prefix"},
    {"geolocation_ipinfo", kRecord, false, "Where it is", kLocationFields},
    {"from_cache", kBoolean, false, "Found by a measurement made for another path"},
    {"uncertain_group", kInteger, false,
     "Of type 4: the path met the traceroute at one of the hops in a row with this number; 0: not "
     "so; with type 4, a hop that all traceroutes of this way show and no stamp"},
    {"branch", kInteger, false,
     "Hops with the same number stand beside each other on ways that a balancer chooses from; 0: "
     "no branch"},
};

constexpr Field kRevtrFields[] = {
    {"id", kInteger, false, "Number of this reverse traceroute"},
    {"revtr_id", kInteger, false, "The same"},
    {"src", kString, false, "Where the path leads to"},
    {"dst", kString, false, "Where it comes from"},
    {"date", kInteger, false, "Start in Unix seconds"},
    {"runtime", kInteger, false, "In microseconds"},
    {"stop_reason", kString, false, "REACHES or FAILED"},
    {"fail_reason", kString, false, "One word; empty when it reaches"},
    {"label", kString, false, "As the request gave it"},
    {"uuid", kString, false, "As the request gave it, such as NDT's id"},
    {"is_try_from_destination_AS", kBoolean, false,
     "Stands in for a failed one: from another address in the destination's AS"},
    {"ids_revtr_from_destination_AS", kInteger, true, "The failed ones it stands in for"},
    {"revtr_hops", kRecord, true, "The path, from dst to src", kRevtrHopFields},
    {"batch", kInteger, false, "Number of the submission"},
    {"started_us", kInteger, false, "Start in Unix microseconds"},
    {"fail_detail", kString, false, "Why it failed, one clause for people"},
    {"from_cache", kBoolean, false, "A path measured for an earlier request is the answer"},
    {"forward_traceroute_id", kInteger, false, "trace1's id of the way there; 0: none"},
    {"probes", kInteger, false, "Packets sent for it alone"},
};

constexpr Field kLabelFields[] = {
    {"label", kInteger, false, "20 bits"},
    {"tc", kInteger, false, "Traffic class"},
    {"bottom", kBoolean, false, "Last of the stack"},
    {"ttl", kInteger, false, "As the router got it"},
};

constexpr Field kTraceHopFields[] = {
    {"ttl", kInteger, false, "Of the probe"},
    {"attempt", kInteger, false, "From 1"},
    {"hop_ip", kString, false, "Who answered; null: nobody"},
    {"rtt", kInteger, false, "In microseconds; 0: not known"},
    {"reply_ttl", kInteger, false, "Of the reply as it arrived"},
    {"quoted_ttl", kInteger, false, "Of the probe as the reply quotes it"},
    {"icmp_type", kInteger, false, "Of the reply; null: it was TCP"},
    {"icmp_code", kInteger, false, "Of the reply; null: it was TCP"},
    {"tcp", kString, false, "rst or syn-ack; null: the reply was ICMP"},
    {"mpls", kRecord, true, "Labels that the reply shows (RFC 4950)", kLabelFields},
    {"cidr", kString, false, "Announced prefix that holds the address"},
    {"asn", kInteger, false, "AS that announces the prefix"},
    {"geolocation_ipinfo", kRecord, false, "Where it is", kLocationFields},
};

constexpr Field kTraceFields[] = {
    {"id", kInteger, false, "Number of the traceroute"},
    {"revtr_measurement_id", kInteger, false,
     "The same: measurement_id of the hops that it showed"},
    {"revtr_id", kInteger, false, "The reverse traceroute that first asked for it; 0: none"},
    {"vp", kString, false, "Vantage point that traced; empty: another platform's"},
    {"platform", kString, false, "backsight or ripe"},
    {"probe_id", kInteger, false, "RIPE Atlas probe; 0: none"},
    {"src", kString, false, "Where it starts"},
    {"dst", kString, false, "Where it leads to"},
    {"date", kInteger, false, "Start in Unix seconds"},
    {"started_us", kInteger, false, "Start in Unix microseconds"},
    {"stop_reason", kString, false, "reached, gap_limit, max_ttl, unreachable, loop, refused, ..."},
    {"hops", kRecord, true, "Attempts in the order of sending", kTraceHopFields},
};

constexpr Field kPingFields[] = {
    {"id", kInteger, false, "Number of the ping"},
    {"revtr_id", kInteger, false, "The reverse traceroute that first asked for it; 0: none"},
    {"vp", kString, false, "Vantage point that sent it"},
    {"src", kString, false, "Source as in the packet"},
    {"dst", kString, false, "Destination"},
    {"date", kInteger, false, "When it was sent, in Unix seconds"},
    {"sent_us", kInteger, false, "The same in Unix microseconds"},
    {"rtt", kInteger, false, "In microseconds; 0: not known"},
    {"spoofed", kInteger, false, "1: src is another vantage point's address; 0: its own"},
    {"is_record_route", kBoolean, false, "With the Record Route option"},
    {"answered", kBoolean, false, "A reply came"},
    {"reply_from", kString, false, "Who answered; null: nobody"},
    {"reply_ttl", kInteger, false, "Of the reply as it arrived; 0: none"},
    {"record_route", kString, true, "Addresses that the reply recorded, in order"},
};

constexpr Field kSpooferFields[] = {
    {"rank", kInteger, false, "From 1, the best"},
    {"vp", kString, false, "Vantage point"},
    {"ip", kString, false, "Its address"},
    {"ingress", kString, false, "Where its probes enter the hop's network; null: not known"},
    {"distance", kInteger, false, "Record Route slots used up to the hop; 0: not known"},
    {"ping_id", kInteger, false, "ping1's id of what it sent; 0: it was not needed"},
};

constexpr Field kRankedSpoofersFields[] = {
    {"revtr_id", kInteger, false, "The reverse traceroute that asked"},
    {"hop", kString, false, "The hop that they are ranked for"},
    {"date", kInteger, false, "When, in Unix seconds"},
    {"ranked_us", kInteger, false, "When, in Unix microseconds"},
    {"ranking_technique", kString, false, "Such as ingress_cover"},
    {"ranked_spoofers", kRecord, true, "Best first", kSpooferFields},
};

// A row: M-Lab's standard columns around the datatype's own.
constexpr Field kDateColumn = {"date", kDate, false, "Day (UTC) when the row was archived"};
constexpr Field kArchiverColumn = {"archiver", kRecord, false, "Who archived it", kArchiverFields};
constexpr Field raw(std::span<const Field> fields) {
  return {"raw", kRecord, false, "The measurement", fields};
}
constexpr Field kRevtrRow[] = {kDateColumn, kArchiverColumn, raw(kRevtrFields)};
constexpr Field kTraceRow[] = {kDateColumn, kArchiverColumn, raw(kTraceFields)};
constexpr Field kPingRow[] = {kDateColumn, kArchiverColumn, raw(kPingFields)};
constexpr Field kRankedSpoofersRow[] = {kDateColumn, kArchiverColumn, raw(kRankedSpoofersFields)};

}  // namespace

std::string_view name(Datatype datatype) noexcept {
  constexpr std::array<std::string_view, kDatatypes> kNames = {"revtr1", "trace1", "traceatlas1",
                                                               "ping1", "rankedspoofers1"};
  return kNames[static_cast<std::size_t>(datatype)];
}

std::optional<Datatype> parse_datatype(std::string_view word) noexcept {
  for (const Datatype datatype : kAllDatatypes) {
    if (name(datatype) == word) return datatype;
  }
  return std::nullopt;
}

std::span<const Field> schema_of(Datatype datatype) noexcept {
  switch (datatype) {
    case Datatype::kRevtr:
      return kRevtrRow;
    case Datatype::kTrace:
    case Datatype::kTraceAtlas:
      return kTraceRow;
    case Datatype::kPing:
      return kPingRow;
    case Datatype::kRankedSpoofers:
      return kRankedSpoofersRow;
    case Datatype::kCount:
      break;
  }
  return {};
}

}  // namespace backsight::controller
