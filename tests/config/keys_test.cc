// What becomes of a description: it is read, checked, printed, documented and compared.
#include "config/reading/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/controller/controller_config.h"
#include "config/reading/config_file.h"
#include "config/sim/sim_config.h"
#include "config/vp/vp_config.h"

namespace backsight::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Shelf {
  std::string label;
  std::uint32_t books = 3;
  friend bool operator==(const Shelf&, const Shelf&) = default;
};

struct Hours {
  std::uint8_t opens = 9;
  std::uint8_t closes = 17;
  friend bool operator==(const Hours&, const Hours&) = default;
};

struct Library {
  Hours hours;
  std::optional<std::uint32_t> floor;
  std::vector<Shelf> shelves;
  std::filesystem::path catalogue = "/var/catalogue";
  friend bool operator==(const Library&, const Library&) = default;
};

Clause label_fault(std::string_view text) {
  if (text.size() == 1) return std::nullopt;
  return in_quotes(text) + " is not one letter";
}

void describe(Keys& keys, Shelf& shelf) {
  keys.text("label", shelf.label, "A..Z", "what stands on it", label_fault).write("a letter", "A");
  keys.number("books", shelf.books, 0, 99, "how many").write("a number of books");
}

void describe(Keys& keys, Hours& hours) {
  keys.number("opens", hours.opens, 0, 23, "in the morning").write("an hour");
  keys.number("closes", hours.closes, 1, 24, "in the evening").write("an hour");
  keys.check([&hours](Written& written) {
    if (hours.closes > hours.opens) return;
    written.add(written.has("closes") ? "closes" : "opens", "is no evening; write a later hour");
  });
}

void describe(Keys& keys, Library& library) {
  constexpr MapsRule kRule{.values = "list of shelves",
                           .most = 2,
                           .no_map = "is no shelf; write \"label: A\"",
                           .bare = "label"};
  keys.title("A library", "docs/library.md");
  keys.section("hours", library.hours);
  const auto read = [](std::string_view text) { return read_number(text, 0, 9); };
  keys.value("floor", library.floor, "0..9", "where it is", read)
      .write("a floor", "1")
      .if_absent("the whole house");
  keys.maps("shelves", library.shelves, kRule, "shelves",
            [](Keys& item, Shelf& shelf) { describe(item, shelf); })
      .write("a list of shelves", "[A]");
  keys.path("catalogue", library.catalogue, "its list of books").write("a path");
}

std::string faults_in(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const auto library = parse_config<Library>(text, "l.yaml", overrides);
  return library ? "none" : as_error(library.error()).sentence;
}

TEST(Keys, AreReadIntoTheFieldsTheyAreBoundTo) {
  const auto library = parse_config<Library>(
      "hours: {opens: 8}\nfloor: 2\nshelves: [A, {label: B, books: 7}]\ncatalogue: c.txt\n",
      "/etc/l.yaml", std::vector<std::string>{"hours.closes=20", "shelves.0=C"});
  ASSERT_TRUE(library) << as_error(library.error()).sentence;
  EXPECT_EQ(library->hours, (Hours{8, 20}));
  EXPECT_EQ(library->floor, 2U);
  EXPECT_THAT(library->shelves, ElementsAre(Shelf{"C", 3}, Shelf{"B", 7}));
  EXPECT_EQ(library->catalogue, "/etc/c.txt");
  EXPECT_EQ(parse_config<Library>("", "l.yaml").value(), Library{});
}

TEST(Keys, NameTheDefaultWhereNoOtherExampleIsGiven) {
  EXPECT_EQ(faults_in("hours: {opens: late}\nshelves: [{label: A, books: x}]\n"),
            "l.yaml:1: hours.opens: \"late\" is not a whole number; write an hour, such as 9\n"
            "l.yaml:2: shelves.0.books: \"x\" is not a whole number; write a number of books, such "
            "as 3");
}

TEST(Keys, AreCheckedTogetherUnderTheNamesOfTheirSection) {
  EXPECT_EQ(faults_in("hours: {closes: 5}"),
            "l.yaml:1: hours.closes: is no evening; write a later hour");
  EXPECT_EQ(faults_in("", {"hours.opens=20"}),
            "--set hours.opens: is no evening; write a later hour");
}

TEST(Keys, OfAListAreReadItemByItem) {
  EXPECT_EQ(faults_in("shelves:\n  - AB\n  - [A]\n"),
            "l.yaml:2: shelves.0: \"AB\" is not one letter; write a letter, such as A\n"
            "l.yaml:3: shelves.1: is no shelf; write \"label: A\"");
  EXPECT_EQ(faults_in("shelves: [A, B, C]"), "l.yaml:1: shelves: has 3 shelves; write 2 at most");
  EXPECT_EQ(faults_in("shelves: {label: A}"),
            "l.yaml:1: shelves: is not a list of shelves; write a list of shelves, such as [A]");
  EXPECT_EQ(faults_in("shelves:"), "none");
}

TEST(Keys, ArePrintedAndReadBack) {
  Library library{{}, {}, {{"A", 1}, {"B", 2}}};
  const std::string text = print_config(library);
  EXPECT_EQ(text,
            "# A library. Paths are relative to this file; docs/library.md tells more.\n"
            "hours:\n"
            "  opens: 9                        # in the morning\n"
            "  closes: 17                      # in the evening\n"
            "# floor: 1                        # where it is; absent: the whole house\n"
            "shelves:\n"
            "  - label: A                      # what stands on it\n"
            "    books: 1                      # how many\n"
            "  - label: B\n"
            "    books: 2\n"
            "catalogue: /var/catalogue         # its list of books\n");
  EXPECT_EQ(parse_config<Library>(text, "l.yaml").value(), library);
}

TEST(Keys, StandInTheManualWithTheirDefaults) {
  EXPECT_EQ(print_manual<Library>(),
            "| key               | values          | default          | meaning           |\n"
            "| ----------------- | --------------- | ---------------- | ----------------- |\n"
            "| `hours.opens`     | 0..23           | `9`              | in the morning    |\n"
            "| `hours.closes`    | 1..24           | `17`             | in the evening    |\n"
            "| `floor`           | 0..9            | the whole house  | where it is       |\n"
            "| `shelves`         | list of shelves | `[]`             | shelves           |\n"
            "| `shelves[].label` | A..Z            |                  | what stands on it |\n"
            "| `shelves[].books` | 0..99           | `3`              | how many          |\n"
            "| `catalogue`       | path            | `/var/catalogue` | its list of books |\n");
}

TEST(Keys, TellWhatDiffersBetweenTwoConfigs) {
  const Library before{{}, {}, {{"A", 1}}};
  Library after = before;
  EXPECT_TRUE(differences(before, after).empty());
  after.hours.opens = 10;
  after.shelves[0].books = 2;
  const auto found = differences(before, after);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name + ' ' + found[0].before + ' ' + found[0].after, "hours.opens 9 10");
  EXPECT_EQ(found[1].name, "shelves");
}

template <typename Config>
void expect_every_key_is_told() {
  Config config;
  Keys keys;
  describe(keys, config);
  for (const Key& key : keys.all()) {
    EXPECT_FALSE(key.meaning.empty() || key.wanted.empty() || key.values.empty()) << key.name;
  }
}

TEST(Keys, OfEveryProgramAreTold) {
  expect_every_key_is_told<VpConfig>();
  expect_every_key_is_told<ControllerConfig>();
  expect_every_key_is_told<SimConfig>();
}

}  // namespace
}  // namespace backsight::config
