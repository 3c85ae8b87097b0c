// Folders that go away, and a client of what listens on the loopback.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace backsight {

// A folder that goes away.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::string write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string file_text(const std::filesystem::path& file);

// Asks again and again until it is so. False: it was not in 20 s.
[[nodiscard]] bool eventually(const std::function<bool()>& is_so);

// A TCP port of the loopback that nobody listens on.
[[nodiscard]] int free_port();
// A socket that listens there, in the way of others. -1: it is taken.
[[nodiscard]] int occupy(int port);

// Connects to the loopback and sends this. -1: nobody listens.
[[nodiscard]] int connect_and_send(int port, std::string_view text);
// Until the other side closes.
[[nodiscard]] std::string receive_all(int socket);

struct HttpAnswer {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};
// `more` is headers, each ended with CR LF.
[[nodiscard]] HttpAnswer http(int port, std::string_view path, std::string_view method = "GET",
                              std::string_view body = "", std::string_view more = "");

}  // namespace backsight
