// Runs the built backsight-vp as a user does, in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace backsight::engine {

struct Ran {
  int code = -1;  // exit code; 128 + signal when it was killed
  std::string out;
  std::string err;
};

using Arguments = std::vector<std::string>;

// What the program gets as stdout: a pipe, blocking or not.
enum class Output { kBlocking, kNonBlocking };

// A program under way. Killed when it goes out of scope.
class Program {
 public:
  Program(const std::filesystem::path& folder, const std::string& file, Arguments arguments,
          const std::string& input = "", Output output = Output::kBlocking);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  // Reads stdout until it holds `text`. False: the program ended, or a minute passed.
  bool wait_for(const std::string& text);
  // The same until it holds so many lines.
  bool wait_for_lines(std::ptrdiff_t count);
  // Reads nothing until stdout takes nothing more. False: the program ended before.
  [[nodiscard]] bool wait_until_full() const;
  // Its exit code, with nothing read of what it wrote.
  int wait_for_end();
  Ran finish();

 private:
  bool read_some();

  int pid_ = -1;
  int out_ = -1;
  std::filesystem::path err_file_;
  std::string text_;
};

// A folder with a vp.yaml, a key and whatever a test writes there; gone at the end. The port's
// probes lead nowhere.
class VpFolder : public ::testing::Test {
 protected:
  VpFolder();
  ~VpFolder() override;

  void write(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string read(const std::string& name) const;
  // backsight-vp --config vp.yaml with these arguments more.
  [[nodiscard]] Ran run(Arguments arguments, const std::string& input = "") const;
  [[nodiscard]] std::unique_ptr<Program> start(Arguments arguments, const std::string& input = "",
                                               Output output = Output::kBlocking) const;
  // It ends with 2, writes no data and says exactly this one thing, which holds `words`.
  void expect_refused(Arguments arguments, const std::vector<std::string>& words) const;

  [[nodiscard]] static std::vector<nlohmann::json> lines(const std::string& text);
  [[nodiscard]] static std::string ping_line(std::uint64_t id, int timeout_ms = 20);

  std::filesystem::path folder_;
};

}  // namespace backsight::engine
