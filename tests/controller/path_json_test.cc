// Reverse paths as JSON and back; nlohmann's parser is the judge of the form.
#include "controller/json/path_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "data_files.h"
#include "mmdb_writer.h"
#include "random_path.h"

namespace backsight::controller {
namespace {

using namespace std::string_literals;
using nlohmann::json;
using testing::HasSubstr;

Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }
probes::Ipv4Prefix prefix(const char* text) { return probes::parse_prefix(text).value(); }

ReversePath example() {
  ReversePath path;
  path.id = 7;
  path.batch = 3;
  path.src = address("192.0.2.1");
  path.dst = address("198.51.100.7");
  path.started_unix_us = 1'767'225'600'123'456;
  path.runtime_us = 120'000;
  path.stop_reason = StopReason::kReaches;
  path.label = "ndt_revtr_sidecar";
  path.uuid = "ndt-x_1";
  path.probes = 14;
  path.hops.push_back({.address = address("198.51.100.7"), .type = HopType::kDestination});
  path.hops.push_back({.address = {}, .type = HopType::kSpoofedRecordRoute, .measurement_id = 99});
  path.hops.push_back({.address = address("192.0.2.1"),
                       .type = HopType::kAtlasTraceroute,
                       .is_from_cache = true,
                       .rtt_us = 1500,
                       .measurement_id = 100,
                       .rtt_measurement_id = 101});
  return path;
}

TEST(PathJson, HasMlabsFieldsThenOurs) {
  const DataFolder folder;
  auto locations = Locations::open(folder.write(
      "city.mmdb",
      mmdb::database({{prefix("198.51.100.0/24"), mmdb::city("Ghent", "BE", 51.05, 3.7167)}})));
  ASSERT_TRUE(locations);
  const Annotation annotation = {
      std::make_shared<PrefixTable>(PrefixTable::of({{prefix("198.51.100.0/24"), 64500}})),
      std::make_shared<Locations>(std::move(*locations))};
  EXPECT_EQ(
      to_json(example(), annotation),
      R"({"id":7,"revtr_id":7,"src":"192.0.2.1","dst":"198.51.100.7","date":1767225600,)"
      R"("runtime":120000,"stop_reason":"REACHES","fail_reason":"","label":"ndt_revtr_sidecar",)"
      R"("uuid":"ndt-x_1","is_try_from_destination_AS":false,"ids_revtr_from_destination_AS":[],)"
      R"("revtr_hops":[{"hop_number":0,"hop_ip":"198.51.100.7","hop_type":1,"measurement_id":0,)"
      R"("rtt":0,"rtt_measurement_id":0,"cidr":"198.51.100.0/24","asn":64500,)"
      R"("geolocation_ipinfo":{"city":"Ghent","country":"BE","lat":51.05,"lng":3.7167},)"
      R"("from_cache":false,"uncertain_group":0,"branch":0},)"
      R"({"hop_number":1,"hop_ip":null,"hop_type":6,"measurement_id":99,"rtt":0,)"
      R"("rtt_measurement_id":0,"cidr":null,"asn":null,"geolocation_ipinfo":{},)"
      R"("from_cache":false,"uncertain_group":0,"branch":0},)"
      R"({"hop_number":2,"hop_ip":"192.0.2.1","hop_type":3,"measurement_id":100,"rtt":1500,)"
      R"("rtt_measurement_id":101,"cidr":null,"asn":null,"geolocation_ipinfo":{},)"
      R"("from_cache":true,"uncertain_group":0,"branch":0}],)"
      R"("batch":3,"started_us":1767225600123456,"fail_detail":"","from_cache":false,)"
      R"("forward_traceroute_id":0,"probes":14})");
}

TEST(PathJson, ComesBackAsItWent) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const ReversePath path = random_path(random);
    const std::string text = to_json(path, {});
    ASSERT_TRUE(json::accept(text)) << text;
    const auto back = parse_path(text);
    ASSERT_TRUE(back) << back.error().sentence;
    ASSERT_EQ(to_json(*back, {}), text);
    ASSERT_EQ(back->hops.size(), path.hops.size());
    ASSERT_EQ(back->started_unix_us, path.started_unix_us);
    ASSERT_EQ(back->label, path.label);
    ASSERT_EQ(back->fail_reason, path.fail_reason);
    ASSERT_EQ(back->ids_from_destination_as, path.ids_from_destination_as);
  }
}

TEST(PathJson, MakesAnyLabelJson) {
  ReversePath path = example();
  path.label = "\"\\\n\0\x1f\x7f \xc3\xa9 \xc3 \xed\xa0\x80 \xff"s;
  path.uuid = "\xf0\x9f\x9b\xb0";
  const std::string replaced = "\xef\xbf\xbd";
  const json tree = json::parse(to_json(path, {}));
  EXPECT_EQ(tree["label"], "\"\\\n\0\x1f\x7f \xc3\xa9 "s + replaced + " " + replaced + replaced +
                               replaced + " " + replaced);
  EXPECT_EQ(tree["uuid"], path.uuid);
}

TEST(PathJson, MakesAnyPlaceJson) {
  const DataFolder folder;
  auto locations = Locations::open(folder.write(
      "city.mmdb",
      mmdb::database({{prefix("198.51.100.0/24"), mmdb::city("Gent\xff", "B\xff", 51.05, 3.7)}})));
  ASSERT_TRUE(locations);
  const Annotation annotation = {nullptr, std::make_shared<Locations>(std::move(*locations))};
  const json tree = json::parse(to_json(example(), annotation));
  const json& place = tree["revtr_hops"][0]["geolocation_ipinfo"];
  EXPECT_EQ(place["city"], "Gent\xef\xbf\xbd");
  EXPECT_EQ(place["country"], "B\xef\xbf\xbd");
}

TEST(PathJson, PassesUnknownKeysAndTakesDefaults) {
  const auto path =
      parse_path(R"({"id":1,"new":{"a":[1]},"date":10,"revtr_hops":[{"hop_type":5}]})");
  ASSERT_TRUE(path) << path.error().sentence;
  EXPECT_EQ(path->started_unix_us, 10'000'000U);
  EXPECT_EQ(path->stop_reason, StopReason::kFailed);
  ASSERT_EQ(path->hops.size(), 1U);
  EXPECT_TRUE(path->hops[0].address.is_unspecified());
}

TEST(PathJson, RefusesEveryTruncation) {
  const std::string whole = to_json(example(), {});
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_FALSE(parse_path(whole.substr(0, bytes))) << bytes;
  }
}

TEST(PathJson, RefusesOddValuesByName) {
  const auto fault = [](const char* pointer, const json& value) {
    json tree = json::parse(to_json(example(), {}));
    tree[json::json_pointer(pointer)] = value;
    const auto path = parse_path(tree.dump());
    return path ? "" : path.error().sentence;
  };
  EXPECT_THAT(fault("/id", 0), HasSubstr("id is not there"));
  EXPECT_THAT(fault("/id", -1), HasSubstr("id is not a whole number"));
  EXPECT_THAT(fault("/id", "1"), HasSubstr("id is not a whole number"));
  EXPECT_THAT(fault("/src", "192.0.2"), HasSubstr("src is not an IPv4 address"));
  EXPECT_THAT(fault("/dst", 1), HasSubstr("dst is not an IPv4 address"));
  EXPECT_THAT(fault("/label", 1), HasSubstr("label is not a text"));
  EXPECT_THAT(fault("/from_cache", 1), HasSubstr("from_cache is not true or false"));
  EXPECT_THAT(fault("/stop_reason", "DONE"), HasSubstr("stop_reason is not one of its words"));
  EXPECT_THAT(fault("/fail_reason", "tired"), HasSubstr("fail_reason is not one of its words"));
  EXPECT_THAT(fault("/probes", 4294967296), HasSubstr("probes is not a whole number in its range"));
  EXPECT_THAT(fault("/revtr_hops", "none"), HasSubstr("revtr_hops is not a list"));
  EXPECT_THAT(fault("/revtr_hops/1", 7), HasSubstr("a hop is not an object"));
  EXPECT_THAT(fault("/revtr_hops/1/hop_type", 2), HasSubstr("hop_type is not 1, 3, 4"));
  EXPECT_THAT(fault("/revtr_hops/1/hop_type", 258), HasSubstr("hop_type"));
  EXPECT_THAT(fault("/revtr_hops/1/branch", 256), HasSubstr("branch is not a whole number"));
  EXPECT_THAT(fault("/ids_revtr_from_destination_AS", json::array({"a"})), HasSubstr("numbers"));
  EXPECT_THAT(parse_path("[]").error().sentence, HasSubstr("not a JSON object"));
}

}  // namespace
}  // namespace backsight::controller
