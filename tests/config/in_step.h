// Shipped files that are made by the code. BACKSIGHT_WRITE=1 writes them anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "lines.h"

namespace backsight::config {

inline const std::filesystem::path kRoot =
    std::filesystem::path(BACKSIGHT_TEST_DATA).parent_path().parent_path();
inline const std::filesystem::path kExamples = kRoot / "config/examples";

// The whole file is this text.
inline void expect_in_step(const std::filesystem::path& file, const std::string& text) {
  if (std::getenv("BACKSIGHT_WRITE") != nullptr) {
    write_file(file, text);
  }
  EXPECT_EQ(file_text(file), text);
}

// What stands between "<!-- `what` -->" and the next "<!-- end -->" of the page is this table.
inline void expect_table_in_step(const std::filesystem::path& page, std::string_view what,
                                 const std::string& table) {
  const std::string begin = "<!-- " + std::string(what) + " -->\n";
  std::string text = file_text(page);
  const std::size_t mark = text.find(begin);
  ASSERT_NE(mark, text.npos);
  const std::size_t first = mark + begin.size();
  const std::size_t last = text.find("<!-- end -->\n", first);
  ASSERT_NE(last, text.npos);
  expect_in_step(page, text.replace(first, last - first, table));
}

}  // namespace backsight::config
