// Places of addresses, against databases that are written here and read by MaxMind's program too.
#include "controller/annotation/locations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "data_files.h"
#include "mmdb_writer.h"

namespace backsight::controller {
namespace {

using testing::HasSubstr;

probes::Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }
probes::Ipv4Prefix prefix(const char* text) { return probes::parse_prefix(text).value(); }

std::optional<Location> find_only(const std::string& value) {
  const DataFolder folder;
  // One that tells no place at all is refused.
  const auto locations = Locations::open(folder.write(
      "city.mmdb", mmdb::database({{prefix("192.0.2.0/24"), value},
                                   {prefix("198.51.100.0/24"), mmdb::city("Ulm", "DE", 48, 10)}})));
  EXPECT_TRUE(locations) << locations.error().sentence;
  return locations ? locations->find(address("192.0.2.7")) : std::nullopt;
}

std::string output_of(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  char chunk[256];
  while (std::fgets(chunk, sizeof chunk, pipe) != nullptr) output += chunk;
  ::pclose(pipe);
  return output;
}

TEST(Locations, SayWhereAnAddressIs) {
  const DataFolder folder;
  const auto file = folder.write(
      "city.mmdb",
      mmdb::database(
          {{prefix("192.0.2.0/25"), mmdb::city("Ghent", "BE", 51.05, 3.7167)},
           {prefix("192.0.2.128/25"), mmdb::city("Belo Horizonte", "BR", -19.92, -43.94)},
           {prefix("198.51.100.7/32"), mmdb::city("Ulm", "DE", 48.4, 9.99)}}));
  const auto locations = Locations::open(file);
  ASSERT_TRUE(locations) << locations.error().sentence;
  EXPECT_EQ(locations->find(address("192.0.2.127")),
            (Location{"Ghent", "BE", true, 51.05, 3.7167}));
  EXPECT_EQ(locations->find(address("192.0.2.128")),
            (Location{"Belo Horizonte", "BR", true, -19.92, -43.94}));
  EXPECT_EQ(locations->find(address("198.51.100.7"))->city, "Ulm");
  EXPECT_FALSE(locations->find(address("198.51.100.8")));
  EXPECT_FALSE(locations->find(address("203.0.113.1")));
  if (std::system("command -v mmdblookup > /dev/null") != 0) GTEST_SKIP() << "no mmdblookup";
  const std::string other =
      output_of("mmdblookup --file " + file.string() + " --ip 192.0.2.200 country iso_code");
  EXPECT_THAT(other, HasSubstr("\"BR\""));
}

TEST(Locations, ReadTheFlatFormOfIpinfo) {
  using mmdb::map;
  using mmdb::text;
  EXPECT_EQ(find_only(map({{"city", text("Ghent")},
                           {"country", text("BE")},
                           {"lat", text("51.05")},
                           {"lng", text("3.7167")}})),
            (Location{"Ghent", "BE", true, 51.05, 3.7167}));
  EXPECT_EQ(find_only(map({{"country", text("Belgium")}, {"country_code", text("BE")}})),
            (Location{"", "BE", false, 0, 0}));
}

TEST(Locations, LeaveOutWhatIsOdd) {
  using mmdb::map;
  using mmdb::real;
  using mmdb::text;
  EXPECT_FALSE(find_only(map({})));
  EXPECT_FALSE(find_only(text("Ghent")));
  EXPECT_FALSE(find_only(map({{"city", real(1)}, {"country", text("Belgium")}})));
  EXPECT_FALSE(find_only(map({{"lat", text("51.05 N")}, {"lng", text("3.7")}})));
  EXPECT_FALSE(find_only(map({{"lat", real(91)}, {"lng", real(3)}})));
  EXPECT_FALSE(find_only(map({{"lat", text("nan")}, {"lng", text("3")}})));
}

TEST(Locations, RefuseWhatIsNoDatabase) {
  const DataFolder folder;
  EXPECT_THAT(Locations::open(folder.write("city.mmdb", "city,lat,lng\n")).error().sentence,
              HasSubstr("cannot be read as a MaxMind database"));
  EXPECT_THAT(Locations::open(folder.path() / "none.mmdb").error().sentence,
              HasSubstr("none.mmdb: does not exist"));
}

TEST(Locations, RefuseADatabaseOfAnotherKind) {
  using mmdb::map;
  using mmdb::real;
  using mmdb::text;
  const DataFolder folder;
  const auto of = [&](const std::string& value) {
    return Locations::open(
        folder.write("other.mmdb", mmdb::database({{prefix("192.0.2.0/24"), value}})));
  };
  const auto asn = of(map({{"autonomous_system_number", real(64500)},
                           {"autonomous_system_organization", text("Example")}}));
  ASSERT_FALSE(asn);
  EXPECT_THAT(asn.error().sentence, HasSubstr("tells no place of any address"));
  EXPECT_EQ(asn.error().exit_code(), 2);
  const auto country = of(map({{"country", map({{"iso_code", text("BE")}})}}));
  ASSERT_TRUE(country);
  EXPECT_TRUE(country->has_countries_only());
  EXPECT_EQ(country->find(address("192.0.2.7"))->country, "BE");
  const auto city = of(mmdb::city("Ghent", "BE", 51, 3));
  ASSERT_TRUE(city);
  EXPECT_FALSE(city->has_countries_only());
}

// Written anew in place, a file that is mapped would end the process.
TEST(Locations, GoOnAsTheyWereReadWhateverBecomesOfTheFile) {
  const DataFolder folder;
  const auto file = folder.write(
      "city.mmdb", mmdb::database({{prefix("192.0.2.0/24"), mmdb::city("Ghent", "BE", 51, 3)}}));
  const auto locations = Locations::open(file);
  ASSERT_TRUE(locations);
  std::filesystem::resize_file(file, 0);
  EXPECT_EQ(locations->find(address("192.0.2.7"))->city, "Ghent");
  (void)folder.write("city.mmdb", std::string(100'000, 'x'));
  EXPECT_EQ(locations->find(address("192.0.2.7"))->city, "Ghent");
}

// Not of the metadata: the library loses memory when it refuses it half read.
TEST(Locations, SurviveDamageAndTruncationOfTreeAndData) {
  const std::string whole =
      mmdb::database({{prefix("192.0.2.0/24"), mmdb::city("Ghent", "BE", 51, 3)}});
  const std::size_t metadata = whole.find("\xab\xcd\xefMaxMind.com");
  const DataFolder folder;
  const auto read = [&](const std::string& text) {
    const auto locations = Locations::open(folder.write("city.mmdb", text));
    if (locations) (void)locations->find(address("192.0.2.7"));
  };
  for (std::size_t at = 0; at < metadata; ++at) {
    read(whole.substr(0, at) + whole.substr(metadata));
    for (const char bits : {'\x01', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      read(damaged);
    }
  }
}

}  // namespace
}  // namespace backsight::controller
