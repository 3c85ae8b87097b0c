#include "config/reading/text_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"

namespace backsight::config {
namespace {

std::string said_of(const std::filesystem::path& path, std::size_t max_bytes = kMaxFileBytes) {
  const auto text = read_text_file(path, max_bytes);
  return text ? "none" : text.error().sentence;
}

TEST(TextFile, ReadsAllBytes) {
  const TemporaryFolder folder;
  const std::string text = std::string(200'000, 'x') + std::string(1, '\0') + "\n";
  write_file(folder / "file", text);
  EXPECT_EQ(read_text_file(folder / "file").value(), text);
}

TEST(TextFile, RefusesWhatIsLargerThanAllowed) {
  const TemporaryFolder folder;
  write_file(folder / "file", "12345");
  EXPECT_EQ(said_of(folder / "file", 5), "none");
  EXPECT_EQ(said_of(folder / "file", 4),
            "is larger than 4 bytes; split it or check that it is the right file");
}

TEST(TextFile, RefusesFoldersAndFifosWithoutWaiting) {
  const TemporaryFolder folder;
  EXPECT_EQ(said_of(folder.path()), "is a directory; name a file in it");
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(said_of(folder / "fifo"), "is no regular file; name one");
}

TEST(TextFile, SaysWhatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(said_of(folder / "none"), "does not exist; create it or correct the path");
  write_file(folder / "file", "");
  EXPECT_EQ(said_of(folder / "file" / "below"), "cannot be read: Not a directory");
}

TEST(TextFile, SaysWhatThisUserMayNotRead) {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  ASSERT_EQ(::chmod((folder / "file").c_str(), 0), 0);
  const uid_t user = ::geteuid();
  if (user == 0) {  // who may read everything, and so becomes nobody for a moment
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string said = said_of(folder / "file");
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_EQ(said, "may not be read by this user; allow it with chmod or chown");
}

TEST(InQuotes, EscapesAndShortens) {
  EXPECT_EQ(in_quotes("a\n\x7f"), "\"a\\x0a\\x7f\"");
  EXPECT_EQ(in_quotes(std::string(61, 'a')), "\"" + std::string(60, 'a') + "...\"");
}

TEST(Fault, NamesFileLineAndKeyAsFarAsTheyAreKnown) {
  EXPECT_EQ(to_string(Fault{"vp.yaml", 12, "id", "is missing"}), "vp.yaml:12: id: is missing");
  EXPECT_EQ(to_string(Fault{"vp.yaml", 0, "id", "is missing"}), "vp.yaml: id: is missing");
  EXPECT_EQ(to_string(Fault{"deny.txt", 3, "", "is odd"}), "deny.txt:3: is odd");
  EXPECT_EQ(to_string(Fault{"--set", 0, "id", "is odd"}), "--set id: is odd");
}

}  // namespace
}  // namespace backsight::config
