// Files of data that are replaced while a controller runs: taken up once they lie still, as far as
// they are good.
#include "controller/service/data_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "data_files.h"

namespace backsight::controller {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

probes::Ipv4Addr address(const char* text) { return probes::parse_ipv4(text).value(); }

std::string prefixes_of(int asn) { return "192.0.2.0\t24\t" + std::to_string(asn) + "\n"; }

// A traceroute to 192.0.2.1 that is young.
std::string trace_of(int probe) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return R"({"type":"traceroute","af":4,"dst_addr":"192.0.2.1","from":"203.0.113.9","prb_id":)" +
         std::to_string(probe) + R"(,"timestamp":)" +
         std::to_string(std::chrono::floor<std::chrono::seconds>(now).count()) +
         R"(,"result":[{"hop":1,"result":[{"from":"192.0.2.1","rtt":1}]}]})";
}

class DataLookTest : public testing::Test {
 protected:
  DataLookTest() {
    config_.annotation.prefixes_file = folder_.write("pfx2as.txt", prefixes_of(64500));
    config_.aliases_file = folder_.write("aliases.txt", "192.0.2.1 192.0.2.2\n");
    std::filesystem::create_directory(folder_.path() / "imports");
    config_.atlas.imports = {folder_.path() / "imports"};
  }
  // As a look finds it that sees the files twice alike.
  std::optional<ReadData> look_twice() {
    auto first = look_.look();
    return first ? std::move(first) : look_.look();
  }
  // Other bytes under the same name, by a new file or in place.
  void replace(const std::string& name, const std::string& text) {
    const auto fresh = folder_.write(name + ".new", text);
    std::filesystem::rename(fresh, folder_.path() / name);
  }

  DataFolder folder_;
  config::ControllerConfig config_;
  DataLook look_{config_};
};

TEST_F(DataLookTest, ReadsNothingAgainThatIsAsItWas) {
  const ReadData read = look_.read();
  EXPECT_THAT(read.faults, IsEmpty());
  EXPECT_THAT(read.served, SizeIs(2));
  EXPECT_FALSE(look_twice());
}

TEST_F(DataLookTest, TakesUpAFileThatWasReplacedOrWrittenInPlace) {
  (void)look_.read();
  replace("pfx2as.txt", prefixes_of(64501));
  auto read = look_twice();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->files.prefixes->asn(address("192.0.2.1")), 64501U);
  EXPECT_FALSE(look_twice());
  (void)folder_.write("pfx2as.txt", prefixes_of(64502) + "198.51.100.0\t24\t64503\n");
  read = look_twice();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->files.prefixes->asn(address("198.51.100.1")), 64503U);
}

TEST_F(DataLookTest, WaitsForAFileThatIsBeingWritten) {
  (void)look_.read();
  std::string text = prefixes_of(64501);
  for (int i = 1; i <= 5; ++i) {
    text += "198.51." + std::to_string(i) + ".0\t24\t64502\n";
    (void)folder_.write("pfx2as.txt", text);
    EXPECT_FALSE(look_.look()) << "it has changed since";
  }
  const auto read = look_.look();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->files.prefixes->size(), 6U);
}

TEST_F(DataLookTest, KeepsWhatWasReadWhereTheNewFileIsBad) {
  (void)look_.read();
  replace("pfx2as.txt", R"({"detail": "Request was throttled."})");
  replace("aliases.txt", "192.0.2.1 192.0.2.3\n");
  const auto read = look_twice();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->files.prefixes, nullptr);
  ASSERT_NE(read->files.aliases, nullptr);
  EXPECT_TRUE(read->files.aliases->same(address("192.0.2.1"), address("192.0.2.3")));
  ASSERT_THAT(read->faults, SizeIs(1));
  EXPECT_THAT(read->faults[0].sentence, HasSubstr("holds an error of an API"));
  EXPECT_FALSE(look_twice()) << "it is told once";
  replace("pfx2as.txt", prefixes_of(64501));
  EXPECT_TRUE(look_twice()->faults.empty());
}

TEST_F(DataLookTest, MissesAFileThatIsGone) {
  (void)look_.read();
  std::filesystem::remove(config_.annotation.prefixes_file);
  const auto read = look_twice();
  ASSERT_TRUE(read);
  ASSERT_THAT(read->faults, SizeIs(1));
  EXPECT_THAT(read->faults[0].sentence, HasSubstr("does not exist"));
}

TEST_F(DataLookTest, TakesUpNewImportsAndSaysWhomTheyServe) {
  const ReadData before = look_.read();
  ASSERT_TRUE(before.files.imported);
  EXPECT_THAT(*before.files.imported, IsEmpty()) << "the folder may be empty";
  (void)folder_.write("imports/one.jsonl", trace_of(1) + "\n" + trace_of(2) + "\nodd\n");
  (void)folder_.write("imports/two.json.bz2", packed(Packing::kBzip2, "[" + trace_of(3) + "]"));
  (void)folder_.write("imports/.hidden", "is left");
  const auto read = look_twice();
  ASSERT_TRUE(read);
  ASSERT_THAT(read->faults, IsEmpty());
  ASSERT_THAT(*read->files.imported, SizeIs(3));
  EXPECT_EQ(read->files.imported->at(0).id, kFirstImported);
  EXPECT_EQ(read->files.imported->at(2).id, kFirstImported + 2);
  EXPECT_THAT(read->served[2], HasSubstr("one.jsonl: 2 traceroutes: 2 to 192.0.2.1; not used: 1 "
                                         "odd rows"));
  (void)folder_.write("imports/three.json", "[" + trace_of(4) + "]");
  const auto more = look_twice();
  ASSERT_TRUE(more);
  EXPECT_EQ(more->files.imported->at(0).id, kFirstImported + 3) << "numbers are not given twice";
}

TEST(DataWatch, HandsOverWhatItIsToldToRead) {
  const DataFolder folder;
  config::ControllerConfig config;
  config.annotation.prefixes_file = folder.write("pfx2as.txt", prefixes_of(64500));
  DataLook look(config);
  (void)look.read();
  std::mutex mutex;
  std::condition_variable has_come;
  DataFiles files;
  const auto take = [&](DataFiles fresh) {
    const std::lock_guard lock(mutex);
    files = std::move(fresh);
    has_come.notify_one();
  };
  DataWatch watch(std::move(look), {}, {.take = take, .settings_changed = [] {}});
  (void)folder.write("pfx2as.txt", prefixes_of(64501));
  watch.read_now();
  std::unique_lock lock(mutex);
  has_come.wait(
      lock, [&] { return files.prefixes && files.prefixes->asn(address("192.0.2.1")) == 64501U; });
}

}  // namespace
}  // namespace backsight::controller
