// Reverse paths as JSON; nlohmann's parser is the judge of the form.
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

TEST(PathJson, IsListedWithWhatRevTrsProgramsLookFor) {
  ReversePath path = example();
  const std::string fields = to_json(path, {});
  EXPECT_EQ(to_listed_json(path, {}), R"({"status":"COMPLETED","stopReason":"REACHES","path":[)"
                                      R"({"hop":"198.51.100.7","type":"DST_REV_SEGMENT"},)"
                                      R"({"hop":"0.0.0.0","type":"SPOOF_RR_REV_SEGMENT"},)"
                                      R"({"hop":"192.0.2.1","type":"TR_TO_SRC_REV_SEGMENT"}],)" +
                                          fields.substr(1));
  path.stop_reason = StopReason::kFailed;
  path.fail_reason = FailReason::kCancelled;
  path.hops.clear();
  EXPECT_THAT(
      to_listed_json(path, {}),
      testing::StartsWith(R"({"status":"CANCELED","stopReason":"FAILED","path":[],"id":7,)"));
}

TEST(PathJson, IsFoundInWhatIsListed) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const ReversePath path = random_path(random);
    const std::string listed = to_listed_json(path, {});
    ASSERT_TRUE(json::accept(listed)) << listed;
    ASSERT_EQ(fields_of(listed), to_json(path, {}));
  }
  for (const char* other : {"", "[", "],", "{\"path\":[]}"}) {
    static_cast<void>(fields_of(other).size());
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

}  // namespace
}  // namespace backsight::controller
