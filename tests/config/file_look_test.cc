// Files that are replaced, written in place, come and go.
#include "config/reading/file_look.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace backsight::config {
namespace {

class FileLookTest : public testing::Test {
 protected:
  FileLookTest() {
    std::string path = (std::filesystem::temp_directory_path() / "backsight_look_XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
    files_ = {folder_ / "one", folder_ / "other"};
    write("one", "1");
    look_.know(files_);
  }
  ~FileLookTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  // News, once they lie still.
  bool finds_news() {
    EXPECT_FALSE(look_.has_news(files_)) << "they may still be written";
    return look_.has_news(files_) && look_.settle(files_);
  }

  std::filesystem::path folder_;
  FileLook::Files files_;
  FileLook look_;
};

TEST_F(FileLookTest, FindsNothingNewWhereNothingIs) {
  EXPECT_FALSE(finds_news());
  EXPECT_FALSE(finds_news());
}

TEST_F(FileLookTest, FindsAFileThatWasReplacedWrittenInPlaceComeOrGone) {
  write("fresh", "1");
  std::filesystem::rename(folder_ / "fresh", folder_ / "one");
  EXPECT_TRUE(finds_news());
  write("one", "12");
  EXPECT_TRUE(finds_news());
  write("other", "");
  EXPECT_TRUE(finds_news());
  std::filesystem::remove(folder_ / "one");
  EXPECT_TRUE(finds_news());
  EXPECT_FALSE(finds_news());
}

TEST_F(FileLookTest, LooksAgainAtAFileThatChangedWhileItWasRead) {
  write("one", "12");
  EXPECT_FALSE(look_.has_news(files_));
  EXPECT_TRUE(look_.has_news(files_));
  write("one", "123");
  EXPECT_FALSE(look_.settle(files_));
  EXPECT_TRUE(finds_news());
}

}  // namespace
}  // namespace backsight::config
