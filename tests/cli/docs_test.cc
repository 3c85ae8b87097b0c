// docs/cli.md shows what --help prints, for every command there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "command.h"

namespace backsight::cli {
namespace {

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// UPDATE_DOCS=1 writes the page's blocks anew.
TEST(CliDocs, AreInStepWithHelp) {
  const std::string path = BACKSIGHT_DOCS "/cli.md";
  std::string page = file_text(path);
  ASSERT_FALSE(page.empty()) << path;
  const std::vector<std::vector<std::string>> commands = {{},
                                                          {"ping"},
                                                          {"rr"},
                                                          {"ts"},
                                                          {"trace"},
                                                          {"queue"},
                                                          {"queue", "put"},
                                                          {"queue", "get"},
                                                          {"queue", "setup"},
                                                          {"vp", "list"},
                                                          {"vp", "status"},
                                                          {"vp", "capture"},
                                                          {"revtr"},
                                                          {"keygen"}};
  for (std::vector<std::string> command : commands) {
    std::string line = "$ backsight";
    for (const std::string& word : command) line += " " + word;
    line += " --help\n";
    command.push_back("--help");
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 0);
    const std::size_t begin = page.find("```\n" + line);
    ASSERT_NE(begin, std::string::npos) << line;
    const std::size_t from = begin + 4 + line.size();
    const std::size_t end = page.find("```\n", from);
    ASSERT_NE(end, std::string::npos) << line;
    if (std::getenv("UPDATE_DOCS") != nullptr) {
      page.replace(from, end - from, ran.out);
    } else {
      EXPECT_EQ(page.substr(from, end - from), ran.out) << line;
    }
  }
  if (std::getenv("UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
}

}  // namespace
}  // namespace backsight::cli
