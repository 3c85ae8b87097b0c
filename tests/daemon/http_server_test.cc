#include "daemon/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "tests/support/loopback.h"

namespace backsight::daemon {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    auto started = HttpServer::start("127.0.0.1:" + std::to_string(port_), [](const auto& path) {
      return path == "/long" ? HttpReply{.body = std::string(100'000, 'x')}
                             : HttpReply{.status = 200, .body = "at " + path + "\n"};
    });
    EXPECT_TRUE(started) << started.error().sentence;
    server_ = std::move(*started);
  }
  // What comes back for these bytes.
  std::string raw(std::string_view request) const {
    const int socket = connect_and_send(port_, request);
    const std::string text = receive_all(socket);
    close(socket);
    return text;
  }

  const int port_ = free_port();
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersAPath) {
  const HttpAnswer answer = http(port_, "/here?x=1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "at /here\n");
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
}

TEST_F(HttpServerTest, AnswersAgainAndAgain) {
  for (int i = 0; i < 200; ++i) ASSERT_EQ(http(port_, "/here").status, 200);
}

TEST_F(HttpServerTest, SendsALongAnswerWhole) {
  EXPECT_EQ(http(port_, "/long").body, std::string(100'000, 'x'));
}

TEST_F(HttpServerTest, SendsTheHeadAlone) {
  const HttpAnswer answer = http(port_, "/here", "HEAD");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 9\r\n"));
}

TEST_F(HttpServerTest, RefusesToBeWrittenTo) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const HttpAnswer answer = http(port_, "/here", method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.head, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(HttpServerTest, SurvivesWhatIsNoRequest) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("\0\0\0\0\n\n", 6),
        std::string("GET /a HTTP/9.9\r\n\r\n"), std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        "GET / HTTP/1.1\r\nRange: bytes=" + std::string(4000, '0') + "-\r\n\r\n",
        "GET /" + std::string(7000, '%') + " HTTP/1.1\r\n\r\n"}) {
    static_cast<void>(raw(bytes));
  }
  EXPECT_EQ(http(port_, "/here").status, 200);
}

TEST_F(HttpServerTest, DropsARequestThatIsTooLong) {
  EXPECT_THAT(raw("GET /" + std::string(20'000, 'a')), ::testing::Not(HasSubstr(" 200 ")));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) many += "A: b\r\n";
  EXPECT_THAT(raw(many + "\r\n"), ::testing::Not(HasSubstr(" 200 ")));
  EXPECT_EQ(http(port_, "/here").status, 200);
}

TEST_F(HttpServerTest, SendsTheWholeWhenPartsAreAskedFor) {
  std::string ranges = "0-99";
  for (int i = 0; i < 500; ++i) ranges += ",0-99";
  const std::string text = raw("GET /long HTTP/1.1\r\nRange: bytes=" + ranges + "\r\n\r\n");
  EXPECT_THAT(text.substr(0, 32), HasSubstr(" 200 "));
  EXPECT_LT(text.size(), 101'000U);
}

TEST_F(HttpServerTest, GivesUpOnAClientThatSaysNothing) {
  const int silent = connect_and_send(port_, "GET / HT");
  const auto began = Clock::now();
  EXPECT_EQ(http(port_, "/here").status, 200);  // the other thread
  EXPECT_LT(Clock::now() - began, 1s);
  static_cast<void>(receive_all(silent));
  EXPECT_LT(Clock::now() - began, 5s);
  close(silent);
}

TEST_F(HttpServerTest, EndsAtOnceWhileClientsSayNothing) {
  std::vector<int> silent;
  for (int i = 0; i < 24; ++i) silent.push_back(connect_and_send(port_, "GET / HT"));
  const auto began = Clock::now();
  server_.reset();
  EXPECT_LT(Clock::now() - began, 1500ms);
  for (const int socket : silent) close(socket);
  EXPECT_EQ(connect_and_send(port_, ""), -1);
}

TEST_F(HttpServerTest, RefusesAPortThatIsTaken) {
  const auto second = HttpServer::start("127.0.0.1:" + std::to_string(port_), nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit_code(), 2);
  EXPECT_EQ(second.error().sentence,
            "metrics.listen: 127.0.0.1:" + std::to_string(port_) +
                ": Address already in use; choose another port, or \"off\"");
}

TEST(HttpServer, RefusesAnAddressThatIsNotOurs) {
  const auto started = HttpServer::start("192.0.2.1:9464", nullptr);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().sentence, HasSubstr("write an address of this machine"));
}

TEST(HttpServer, RefusesWhatIsNoAddress) {
  for (const char* listen : {"no.such.host.invalid:9464", "127.0.0.1:x", "127.0.0.1"}) {
    const auto started = HttpServer::start(listen, nullptr);
    ASSERT_FALSE(started) << listen;
    EXPECT_THAT(started.error().sentence, HasSubstr(listen));
  }
}

TEST(HttpServer, ListensOnSixToo) {
  const int port = free_port();
  const auto started = HttpServer::start("[::1]:" + std::to_string(port), nullptr);
  if (!started) GTEST_SKIP() << "no IPv6 here: " << started.error().sentence;
}

}  // namespace
}  // namespace backsight::daemon
