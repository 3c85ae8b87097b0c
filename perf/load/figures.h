// What a benchmark found: names and numbers, printed as a table for people or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backsight::perf {

class Figures {
 public:
  // `what`: one sentence that says what was measured.
  Figures(std::string_view name, std::string_view what) : name_(name), what_(what) {}

  // `unit` is for people; the key tells programs.
  void add(std::string_view key, double value, std::string_view unit = "");
  void add(std::string_view key, std::uint64_t value, std::string_view unit = "");
  void add(std::string_view key, std::string_view text);
  // A law that has to hold. One that does not makes the run fail.
  void check(std::string_view law, bool holds);

  [[nodiscard]] bool all_hold() const noexcept { return broken_.empty(); }
  [[nodiscard]] std::string table() const;
  [[nodiscard]] std::string json() const;

 private:
  struct Row {
    std::string key;
    std::string text;  // as JSON
    std::string shown;
    std::string unit;
  };
  std::string name_;
  std::string what_;
  std::vector<Row> rows_;
  std::vector<std::string> broken_;
  std::size_t laws_ = 0;
};

}  // namespace backsight::perf
