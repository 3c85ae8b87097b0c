// The archive's tables: M-Lab's fields as its page lists them, and rows that satisfy their schema.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "archive_rows.h"
#include "controller/archive/layout.h"
#include "controller/archive/rows.h"

namespace backsight::controller {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// "Breakdown of the revtr1 table" of https://www.measurementlab.net/tests/reverse_traceroute
struct PageField {
  const char* name;
  const char* type;
  const char* mode;
};
constexpr PageField kPage[] = {
    {"date", "DATE", "NULLABLE"},
    {"archiver.Version", "STRING", "NULLABLE"},
    {"archiver.GitCommit", "STRING", "NULLABLE"},
    {"archiver.ArchiveURL", "STRING", "NULLABLE"},
    {"archiver.Filename", "STRING", "NULLABLE"},
    {"raw.date", "INTEGER", "NULLABLE"},
    {"raw.dst", "STRING", "NULLABLE"},
    {"raw.fail_reason", "STRING", "NULLABLE"},
    {"raw.id", "INTEGER", "NULLABLE"},
    {"raw.label", "STRING", "NULLABLE"},
    {"raw.uuid", "STRING", "NULLABLE"},
    {"raw.revtr_hops", "RECORD", "REPEATED"},
    {"raw.revtr_hops.hop_ip", "STRING", "NULLABLE"},
    {"raw.revtr_hops.hop_number", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.hop_type", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.measurement_id", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.rtt", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.rtt_measurement_id", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.cidr", "STRING", "NULLABLE"},
    {"raw.revtr_hops.asn", "INTEGER", "NULLABLE"},
    {"raw.revtr_hops.geolocation_ipinfo.city", "STRING", "NULLABLE"},
    {"raw.revtr_hops.geolocation_ipinfo.country", "STRING", "NULLABLE"},
    {"raw.revtr_hops.geolocation_ipinfo.lat", "FLOAT", "NULLABLE"},
    {"raw.revtr_hops.geolocation_ipinfo.lng", "FLOAT", "NULLABLE"},
    {"raw.runtime", "INTEGER", "NULLABLE"},
    {"raw.src", "STRING", "NULLABLE"},
    {"raw.stop_reason", "STRING", "NULLABLE"},
    {"raw.is_try_from_destination_AS", "BOOLEAN", "NULLABLE"},
    // The page calls it a RECORD and names no field of it; ours are numbers.
    {"raw.ids_revtr_from_destination_AS", "INTEGER", "REPEATED"},
    {"raw.revtr_id", "INTEGER", "NULLABLE"},
};

// The field at a path of names joined by dots.
json field_at(const json& schema, const std::string& path) {
  const std::size_t dot = path.find('.');
  for (const json& field : schema) {
    if (field["name"] != path.substr(0, dot)) continue;
    return dot == std::string::npos ? field : field_at(field["fields"], path.substr(dot + 1));
  }
  return {};
}

TEST(ArchiveSchema, HasTheFieldsOfMlabsPage) {
  const json schema = json::parse(bigquery_schema(Datatype::kRevtr));
  for (const PageField& wanted : kPage) {
    const json field = field_at(schema, wanted.name);
    ASSERT_FALSE(field.is_null()) << wanted.name;
    EXPECT_EQ(field["type"], wanted.type) << wanted.name;
    EXPECT_EQ(field["mode"], wanted.mode) << wanted.name;
  }
  for (const char* name : {"id", "dst", "src", "date", "revtr_measurement_id"}) {
    EXPECT_FALSE(
        field_at(json::parse(bigquery_schema(Datatype::kTrace)), std::string("raw.") + name)
            .is_null());
  }
  const json ping = json::parse(bigquery_schema(Datatype::kPing));
  EXPECT_EQ(field_at(ping, "raw.spoofed")["type"], "INTEGER");
  EXPECT_EQ(field_at(ping, "raw.record_route")["mode"], "REPEATED");
  EXPECT_EQ(field_at(ping, "raw.dst")["type"], "STRING");
}

void expect_described(const json& schema) {
  std::set<std::string> names;
  for (const json& field : schema) {
    EXPECT_TRUE(names.insert(field["name"]).second) << field;
    EXPECT_FALSE(field["description"].get<std::string>().empty()) << field;
    EXPECT_EQ(field.contains("fields"), field["type"] == "RECORD") << field;
    if (field.contains("fields")) expect_described(field["fields"]);
  }
}

TEST(ArchiveSchema, DescribesEachFieldOnce) {
  for (const Datatype datatype : kAllDatatypes) {
    SCOPED_TRACE(name(datatype));
    EXPECT_EQ(parse_datatype(name(datatype)), datatype);
    expect_described(json::parse(bigquery_schema(datatype)));
  }
  EXPECT_FALSE(parse_datatype("revtr2"));
}

template <typename Record>
std::string row_of(const Record& record) {
  std::string row = R"({"date":"2026-01-01","archiver":{"Version":"1"},"raw":)";
  append_raw(row, record, {});
  return row + "}";
}

template <typename Make>
void expect_good_rows(Make make) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto record = make(random);
    RowCheck check(datatype_of(record));
    const std::string row = row_of(record);
    ASSERT_TRUE(json::accept(row)) << row;
    ASSERT_EQ(check.fault(row), "") << "seed " << seed << ": " << row;
  }
}

TEST(ArchiveRows, SatisfyTheirSchemas) {
  expect_good_rows(random_path);
  expect_good_rows(random_ping);
  expect_good_rows(random_trace);
  expect_good_rows(random_ranking);
}

// Every field of the schema stands in the rows of full records: none is forgotten.
void expect_fields(const json& schema, const json& value, const std::string& path) {
  for (const json& field : schema) {
    const std::string name = path + field["name"].get<std::string>();
    if (name == "archiver.GitCommit" || name == "archiver.ArchiveURL" ||
        name == "archiver.Filename") {
      continue;
    }
    ASSERT_TRUE(value.contains(field["name"])) << name << " in " << value;
    if (!field.contains("fields")) continue;
    const json& member = value[field["name"].get<std::string>()];
    ASSERT_FALSE(member.empty()) << name;
    json merged = json::object();  // of a list's records: what one of them has
    if (!member.is_array()) merged = member;
    if (member.is_array()) {
      for (const json& one : member) merged.update(one, true);
    }
    expect_fields(field["fields"], merged, name + ".");
  }
}

TEST(ArchiveRows, HaveEveryFieldOfTheirSchemas) {
  std::mt19937_64 random(7);
  TraceRecord trace = random_trace(random);
  trace.is_atlas = false;
  trace.hops = {random_trace_hop(random, 1), random_trace_hop(random, 2)};
  for (auto& hop : trace.hops) {
    hop.has_reply = true;
    hop.label_count = 1;
  }
  trace.hops[0].reply.type = probes::ReplyType::kTcpReset;
  trace.hops[1].reply.type = probes::ReplyType::kTimeExceeded;
  RankedSpoofersRecord ranking = random_ranking(random);
  ranking.spoofers.resize(2);
  ReversePath path = random_path(random);
  path.hops.resize(3, random_hop(random));
  const auto schema = [](Datatype datatype) {
    json tree = json::parse(bigquery_schema(datatype));
    // Places come from a database that is not there.
    const auto strip = [](const auto& self, json& fields) -> void {
      for (json& field : fields) {
        if (field["name"] == "geolocation_ipinfo") field.erase("fields");
        if (field.contains("fields")) self(self, field["fields"]);
      }
    };
    strip(strip, tree);
    return tree;
  };
  expect_fields(schema(Datatype::kRevtr), json::parse(row_of(path)), "");
  expect_fields(schema(Datatype::kTrace), json::parse(row_of(trace)), "");
  expect_fields(schema(Datatype::kPing), json::parse(row_of(random_ping(random))), "");
  expect_fields(schema(Datatype::kRankedSpoofers), json::parse(row_of(ranking)), "");
}

TEST(RowCheck, NamesTheFieldThatIsWrong) {
  std::mt19937_64 random(3);
  ReversePath path = random_path(random);
  path.hops.resize(2, random_hop(random));
  const std::string good = row_of(path);
  RowCheck check(Datatype::kRevtr);
  const auto fault = [&](const char* pointer, const json& value) {
    json tree = json::parse(good);
    tree[json::json_pointer(pointer)] = value;
    return check.fault(tree.dump());
  };
  EXPECT_EQ(check.fault(good), "");
  EXPECT_EQ(fault("/raw/src", nullptr), "");
  EXPECT_EQ(fault("/raw/revtr_hops", json::array()), "");
  EXPECT_EQ(fault("/raw/revtr_hops/0/geolocation_ipinfo",
                  json::parse(R"({"city":"Ghent","country":null,"lat":51,"lng":3.7})")),
            "");
  EXPECT_EQ(fault("/date", "2026-02-29"), "date is of another type");
  EXPECT_EQ(fault("/date", "2026-1-1"), "date is of another type");
  EXPECT_EQ(fault("/date", nullptr), "date is not there");
  EXPECT_EQ(fault("/raw", 1), "raw is of another type");
  EXPECT_EQ(fault("/raw/id", "7"), "raw.id is of another type");
  EXPECT_EQ(fault("/raw/id", 7.5), "raw.id is of another type");
  EXPECT_EQ(fault("/raw/id", 9223372036854775808ULL), "raw.id is of another type");
  EXPECT_EQ(fault("/raw/src", 7), "raw.src is of another type");
  EXPECT_EQ(fault("/raw/from_cache", 0), "raw.from_cache is of another type");
  EXPECT_EQ(fault("/raw/colour", 1), "raw.colour is no field of the schema");
  EXPECT_EQ(fault("/raw/revtr_hops", nullptr), "raw.revtr_hops is not a list");
  EXPECT_EQ(fault("/raw/revtr_hops/1", nullptr), "raw.revtr_hops is of another type");
  EXPECT_EQ(fault("/raw/revtr_hops/1/asn", "AS1"), "raw.revtr_hops.asn is of another type");
  EXPECT_EQ(fault("/raw/revtr_hops/1/geolocation_ipinfo/lat", "51"),
            "raw.revtr_hops.geolocation_ipinfo.lat is of another type");
  EXPECT_EQ(fault("/raw/ids_revtr_from_destination_AS", json::array({nullptr})),
            "raw.ids_revtr_from_destination_AS is of another type");
  EXPECT_EQ(check.fault("[]"), "is not an object");
  EXPECT_EQ(check.fault("{}"), "date is not there");
}

TEST(RowCheck, RefusesEveryTruncation) {
  std::mt19937_64 random(3);
  const std::string row = row_of(random_trace(random));
  RowCheck check(Datatype::kTrace);
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) {
    ASSERT_NE(check.fault(row.substr(0, bytes)), "");
  }
}

TEST(BundleName, ComesBackAsItWent) {
  const BundleName name{1'769'854'272'123'456, Datatype::kRankedSpoofers};
  EXPECT_EQ(to_string(name), "20260131T101112.123456Z-rankedspoofers1");
  const ArchiveLayout layout("/a");
  EXPECT_EQ(layout.bundle(name),
            "/a/rankedspoofers1/2026/01/31/20260131T101112.123456Z-rankedspoofers1.jsonl.gz");
  EXPECT_EQ(day_of(name.unix_us), "2026-01-31");
  EXPECT_EQ(day_of(0), "1970-01-01");
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const BundleName one{random() % 4'102'444'800'000'000, kAllDatatypes[random() % kDatatypes]};
    ASSERT_EQ(parse_bundle_name(to_string(one)), one) << to_string(one);
  }
}

TEST(BundleName, IsRefusedWhenItIsNone) {
  for (const char* text :
       {"", "-", "lock", "20260131T101112.123456Z", "20260131T101112.123456Z-", "-revtr1",
        "20260131T101112.123456Z-revtr2", "20261331T101112.123456Z-revtr1",
        "20260230T101112.123456Z-revtr1", "20260131T241112.123456Z-revtr1",
        "20260131T101112.12345Z-revtr1", "20260131 101112.123456Z-revtr1",
        "19690131T101112.123456Z-revtr1", "2026013xT101112.123456Z-revtr1"}) {
    EXPECT_FALSE(parse_bundle_name(text)) << text;
  }
}

}  // namespace
}  // namespace backsight::controller
