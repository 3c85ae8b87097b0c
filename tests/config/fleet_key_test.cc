#include "config/keys/fleet_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <numeric>

#include "lines.h"

namespace backsight::config {
namespace {

const std::string kDigits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string key_error(const std::filesystem::path& file) {
  const auto key = load_fleet_key(file);
  return key ? "none" : key.error().sentence;
}

std::filesystem::path key_file(const TemporaryFolder& folder, std::string_view text,
                               unsigned mode = 0600) {
  const std::filesystem::path path = folder / "fleet.key";
  write_file(path, text);
  EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  return path;
}

TEST(FleetKey, CountsHours) {
  EXPECT_EQ(epoch_of(0), 0U);
  EXPECT_EQ(epoch_of(3599), 0U);
  EXPECT_EQ(epoch_of(3600), 1U);
}

// Python: hashlib.blake2b(b"", digest_size=16, key=bytes(range(32)),
//   salt=epoch.to_bytes(8, "little") + bytes(8), person=b"bs-tag01" + bytes(8))
TEST(FleetKey, DerivesTheKeysThatAnotherBlake2bDerives) {
  std::array<unsigned char, kFleetKeyBytes> bytes;
  std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(0));
  const FleetKey key(bytes);
  EXPECT_EQ(key.tag_key(0).k0, 0xdbb09e96e17236a3U);
  EXPECT_EQ(key.tag_key(0).k1, 0x01f419240300c120U);
  EXPECT_EQ(key.tag_key(497222).k0, 0xb69d5486f8a7b4e5U);
  EXPECT_EQ(key.tag_key(497222).k1, 0xddf3920acd2688b7U);
}

TEST(FleetKey, ReadsDigitsOfBothCasesWithAndWithoutNewline) {
  std::string shouted = kDigits;
  for (char& c : shouted) {
    c = static_cast<char>(std::toupper(c));
  }
  const std::uint64_t expected = parse_fleet_key(kDigits, "fleet.key").value().tag_key(1).k0;
  EXPECT_EQ(expected, 0xb969e2242b438cedU);
  EXPECT_EQ(parse_fleet_key(kDigits + "\n", "fleet.key").value().tag_key(1).k0, expected);
  EXPECT_EQ(parse_fleet_key(shouted, "fleet.key").value().tag_key(1).k0, expected);
}

TEST(FleetKey, LoadsAFileOfItsOwner) {
  const TemporaryFolder folder;
  const auto key = load_fleet_key(key_file(folder, kDigits + "\n"));
  ASSERT_TRUE(key) << key.error().sentence;
  EXPECT_EQ(key->tag_key(0).k0, 0xdbb09e96e17236a3U);
  EXPECT_TRUE(load_fleet_key(key_file(folder, kDigits, 0400)));
}

TEST(FleetKey, RefusesAFileThatOthersMayTouch) {
  const TemporaryFolder folder;
  for (const unsigned mode : {0640U, 0604U, 0620U, 0601U, 0610U, 0602U}) {
    const std::string file = key_file(folder, kDigits, mode);
    const std::string shown = {'0', static_cast<char>('0' + mode / 64),
                               static_cast<char>('0' + mode / 8 % 8),
                               static_cast<char>('0' + mode % 8)};
    EXPECT_EQ(key_error(file), file + ": is open to others (mode " + shown +
                                   "); close it with \"chmod 600 " + file + "\"");
  }
}

TEST(FleetKey, SaysHowToMakeAKeyThatIsMissing) {
  const TemporaryFolder folder;
  const std::string file = folder / "fleet.key";
  EXPECT_EQ(key_error(file), file +
                                 ": does not exist; copy the fleet's key there, or make one with "
                                 "\"backsight keygen " +
                                 file + "\"");
  EXPECT_EQ(load_fleet_key(file).error().exit_code(), 2);
}

TEST(FleetKey, RefusesWhatIsNoRegularFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(key_error(folder.path()),
            folder.path().string() + ": is no regular file; name the file that holds the key");
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(key_error(fifo), fifo + ": is no regular file; name the file that holds the key");
}

TEST(FleetKey, RefusesAnotherLength) {
  const TemporaryFolder folder;
  const auto said = [&](const std::string& text) {
    const std::string file = key_file(folder, text);
    return key_error(file).substr(file.size());
  };
  const std::string rest =
      " characters, a fleet key has 64 hexadecimal digits; make one with \"backsight keygen FILE\"";
  EXPECT_EQ(said(""), ": holds 0" + rest);
  EXPECT_EQ(said(kDigits.substr(1)), ": holds 63" + rest);
  EXPECT_EQ(said(kDigits + "0"), ": holds 65" + rest);
  EXPECT_EQ(said(kDigits + "\n\n"), ": holds 65" + rest);
}

TEST(FleetKey, RefusesAVeryLongFileWithoutReadingItAll) {
  const TemporaryFolder folder;
  EXPECT_THAT(key_error(key_file(folder, std::string(1 << 20, '0'))),
              ::testing::HasSubstr("a fleet key has 64 hexadecimal digits"));
}

TEST(FleetKey, RefusesOtherCharacters) {
  for (const std::size_t place : {std::size_t{0}, std::size_t{31}, std::size_t{63}}) {
    std::string text = kDigits;
    for (const char odd : {'g', ' ', ':', '\0'}) {
      text[place] = odd;
      const auto key = parse_fleet_key(text, "fleet.key");
      ASSERT_FALSE(key);
      EXPECT_EQ(key.error().sentence,
                "fleet.key: holds a character that is no hexadecimal digit; make a key with "
                "\"backsight keygen FILE\"");
    }
  }
}

TEST(FleetKey, MakesAFileThatLoads) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "fleet.key";
  const mode_t umask_before = ::umask(0);
  const auto made = make_fleet_key_file(file);
  ::umask(umask_before);
  ASSERT_TRUE(made) << made.error().sentence;
  EXPECT_TRUE(load_fleet_key(file));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_size, 65);
}

TEST(FleetKey, MakesAnotherKeyEachTime) {
  const TemporaryFolder folder;
  ASSERT_TRUE(make_fleet_key_file(folder / "a"));
  ASSERT_TRUE(make_fleet_key_file(folder / "b"));
  EXPECT_NE(file_text(folder / "a"), file_text(folder / "b"));
}

TEST(FleetKey, NeverOverwrites) {
  const TemporaryFolder folder;
  const std::string file = key_file(folder, "precious");
  const auto made = make_fleet_key_file(file);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().sentence,
            file + ": exists already; a key is never overwritten, move it away first");
  EXPECT_EQ(made.error().exit_code(), 2);
  EXPECT_EQ(file_text(file), "precious");
}

TEST(FleetKey, NeverWritesThroughALink) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder / "elsewhere", folder / "fleet.key");
  EXPECT_FALSE(make_fleet_key_file(folder / "fleet.key"));
  EXPECT_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST(FleetKey, SaysWhyAFileCannotBeMade) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "none" / "fleet.key";
  const auto made = make_fleet_key_file(file);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().sentence,
            file.string() + ": cannot be created: No such file or directory");
  EXPECT_EQ(made.error().exit_code(), 1);
}

}  // namespace
}  // namespace backsight::config
