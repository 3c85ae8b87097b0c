// Runs the built `backsight` as a user does, in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace backsight::cli {

struct Ran {
  int code = -1;  // exit code; 128 + signal when it was killed
  std::string out;
  std::string err;
};

// What the program gets as stdin and stdout.
enum class Streams {
  kFile,              // stdin is a file, stdout a pipe
  kNonBlockingPipes,  // both are pipes, and put_input() writes
};

// Starts the program with these arguments; `input` is its stdin.
class Command {
 public:
  explicit Command(std::vector<std::string> arguments, const std::string& input = "",
                   Streams streams = Streams::kFile);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  void signal(int number) const;
  // Reads stdout until it holds `text`. Returns false when the program ended before.
  bool wait_for_output(const std::string& text);
  void put_input(const std::string& text) const;
  void close_input();
  // Reads nothing until its stdout takes nothing more. False: it ended before.
  [[nodiscard]] bool wait_until_full() const;
  // Closes our end of its stdout.
  void close_output();
  // Waits for its end.
  Ran finish();
  // The same, reading nothing more of what it wrote.
  Ran finish_unread();

 private:
  bool read_some();

  int pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::filesystem::path err_file_;
  std::string text_;
};

inline Ran run(std::vector<std::string> arguments, const std::string& input = "") {
  return Command(std::move(arguments), input).finish();
}

// A fresh folder with an empty queue, gone at the end.
class QueueFolder : public testing::Test {
 protected:
  QueueFolder();
  ~QueueFolder() override;

  std::filesystem::path folder_;
  std::string url_;
};

}  // namespace backsight::cli
