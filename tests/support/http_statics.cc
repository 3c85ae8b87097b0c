// Makes what cpp-httplib makes on its first chunked response before there is a second thread: the
// library is compiled without ThreadSanitizer, which would take the first use by two of them for a
// race.
#include <gtest/gtest.h>
#include <httplib.h>

#include <thread>

namespace backsight {
namespace {

class HttpStatics : public testing::Environment {
 public:
  void SetUp() override {
    httplib::Server server;
    server.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
        sink.done();
        return true;
      });
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    ASSERT_GT(port, 0);
    std::thread serves([&server] { server.listen_after_bind(); });
    const auto answer = httplib::Client("127.0.0.1", port).Get("/");
    server.stop();
    serves.join();
    ASSERT_TRUE(answer);
  }
};

const auto* const kStatics = testing::AddGlobalTestEnvironment(new HttpStatics);

}  // namespace
}  // namespace backsight
