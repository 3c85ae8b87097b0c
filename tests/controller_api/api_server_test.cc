// The API over real sockets: bounds, broken clients, streams.
#include "controller/api/api_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include <future>

#include "api_rig.h"
#include "tests/support/loopback.h"

namespace backsight::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class ApiServerTest : public ::testing::Test {
 protected:
  ApiServerTest() {
    auto started = ApiServer::start("127.0.0.1:" + std::to_string(port_), rig_.api_);
    EXPECT_TRUE(started) << started.error().sentence;
    server_ = std::move(*started);
  }

  static std::string key() { return fmt::format("Revtr-Key: {}\r\n", kAliceKey); }
  // A request of Alice's: its first line without the version, headers, what follows the head.
  static std::string asked(std::string_view line, std::string_view headers = "",
                           std::string_view rest = "") {
    return fmt::format("{} HTTP/1.1\r\nHost: x\r\n{}{}\r\n{}", line, key(), headers, rest);
  }
  static std::string followed(std::uint64_t batch) {
    return asked(fmt::format("GET /api/v1/revtr/{}/events", batch));
  }
  HttpAnswer get(const std::string& path) const { return http(port_, path, "GET", "", key()); }
  HttpAnswer post(const std::string& body, const std::string& more = key()) const {
    return http(port_, "/api/v1/revtr", "POST", body, more);
  }
  std::string raw(const std::string& request) const {
    const int socket = connect_and_send(port_, request);
    const std::string text = receive_all(socket);
    close(socket);
    return text;
  }
  std::string submission(std::size_t label_bytes = 0) const {
    return fmt::format(R"({{"revtrs":[{{"src":"ams01","dst":"198.51.100.7","label":"{:x<{}}"}}]}})",
                       "", label_bytes);
  }

  ApiRig rig_;
  const int port_ = free_port();
  std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiServerTest, MeasuresFromPostToResult) {
  const HttpAnswer posted = post(submission());
  ASSERT_EQ(posted.status, 200) << posted.body;
  const auto accepted = nlohmann::json::parse(posted.body);
  EXPECT_EQ(accepted["result_uri"], "http://localhost/api/v1/revtr?batchid=2");
  rig_.service_.end(2);
  const HttpAnswer result = get("/api/v1/revtr?batchid=2");
  EXPECT_EQ(result.status, 200);
  EXPECT_THAT(result.head, HasSubstr("Content-Type: application/json; charset=utf-8\r\n"));
  EXPECT_THAT(result.head, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(result.body, HasSubstr("\"status\":\"COMPLETED\""));
  EXPECT_EQ(server_->figures().answers_2xx, 2U);
}

TEST_F(ApiServerTest, TakesTheBodyOfAClientThatSaysItIsAForm) {
  // What curl --data says of any body.
  const std::string form = key() + "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(post(submission(), form).status, 200);
  std::string padded = submission();
  padded.insert(1, std::string(100'000, ' '));
  EXPECT_EQ(post(padded, form).status, 200);
}

TEST_F(ApiServerTest, TakesABodyInChunks) {
  const std::string body = submission();
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 7) {
    const std::string part = body.substr(at, 7);
    chunks += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  const std::string answer =
      raw(asked("POST /api/v1/revtr", "Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n"));
  EXPECT_THAT(answer.substr(0, 16), HasSubstr(" 200 "));
}

TEST_F(ApiServerTest, AnswersAPostAndADeleteWithoutABody) {
  EXPECT_EQ(http(port_, "/api/v1/revtr", "POST", "", key()).status, 400);
  EXPECT_EQ(http(port_, "/api/v1/revtr?batchid=7", "DELETE", "", key()).status, 404);
  EXPECT_EQ(http(port_, "/api/v1/atlas/run", "POST", "", key() + "source: ams01\r\n").status, 202);
}

TEST_F(ApiServerTest, RefusesTheKeyWithoutReadingTheBody) {
  const auto began = Clock::now();
  const std::string answer =
      raw("POST /api/v1/revtr HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n"
          "\r\n{");  // the rest never comes
  EXPECT_THAT(answer, HasSubstr(" 401 "));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"no_key\""));
  EXPECT_LT(Clock::now() - began, 4s);
}

TEST_F(ApiServerTest, RefusesBodiesThatAreTooLarge) {
  const std::string told = raw(asked("POST /api/v1/revtr", "Content-Length: 99999999999\r\n"));
  EXPECT_THAT(told, HasSubstr(" 413 "));
  // One that does not say how large it is.
  std::string chunks;
  const std::string part(1 << 20, ' ');
  for (int i = 0; i < 9; ++i) chunks += "100000\r\n" + part + "\r\n";
  const std::string untold =
      raw(asked("POST /api/v1/revtr", "Transfer-Encoding: chunked\r\n", chunks));
  EXPECT_THAT(untold, HasSubstr(" 413 "));
  EXPECT_EQ(get("/api/v1/sources").status, 200);
}

TEST_F(ApiServerTest, RefusesBodiesInPartsAndPacked) {
  EXPECT_EQ(post("x", key() + "Content-Type: multipart/form-data; boundary=x\r\n").status, 415);
  EXPECT_EQ(post("x", key() + "Content-Encoding: gzip\r\n").status, 415);
  EXPECT_EQ(post("x", key() + "Content-Encoding: identity\r\n").status, 400);
}

TEST_F(ApiServerTest, SurvivesEachTruncationOfARequest) {
  const std::string body = submission();
  const std::string request =
      asked("POST /api/v1/revtr", fmt::format("Content-Length: {}\r\n", body.size()), body);
  for (std::size_t size = 0; size < request.size(); ++size) {
    const int socket = connect_and_send(port_, request.substr(0, size));
    shutdown(socket, SHUT_WR);
    const std::string answer = receive_all(socket);
    close(socket);
    EXPECT_THAT(answer.substr(0, 16), Not(HasSubstr(" 200 "))) << size;
  }
  EXPECT_TRUE(rig_.service_.requests().empty());
  EXPECT_EQ(post(body).status, 200);
}

TEST_F(ApiServerTest, SurvivesWhatIsNoRequest) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("\0\0\0\0\n\n", 6),
        std::string("POST /api/v1/revtr HTTP/1.1\r\nContent-Length: -5\r\n\r\n"),
        std::string("GET /api/v1/revtr?batchid=%00%ff HTTP/1.1\r\n\r\n"),
        "GET /" + std::string(9000, '%') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nRevtr-Key: " + std::string(20'000, 'k') + "\r\n\r\n"}) {
    static_cast<void>(raw(bytes));
  }
  EXPECT_EQ(get("/api/v1/sources").status, 200);
}

TEST_F(ApiServerTest, SendsTheHeadAlone) {
  const HttpAnswer answer = http(port_, "/api/v1/sources", "HEAD", "", key());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
}

// Reads what there is until it holds `text`.
bool read_until(int socket, std::string& all, const std::string& text) {
  char bytes[4096];
  while (all.find(text) == std::string::npos) {
    const ssize_t count = recv(socket, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    all.append(bytes, static_cast<std::size_t>(count));
  }
  return true;
}

TEST_F(ApiServerTest, SendsEventsAsTheyCome) {
  const std::uint64_t batch = rig_.submit();
  const int socket = connect_and_send(port_, followed(batch));
  std::string all;
  ASSERT_TRUE(read_until(socket, all, "retry: 1000\n\n"));
  EXPECT_THAT(all, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_EQ(server_->figures().event_streams, 1U);
  rig_.service_.end(batch);
  ASSERT_TRUE(read_until(socket, all, "event: revtr\n"));
  ASSERT_TRUE(read_until(socket, all, "event: end\n"));
  static_cast<void>(receive_all(socket));
  close(socket);
  EXPECT_TRUE(eventually([this] { return server_->figures().event_streams == 0; }));
}

TEST_F(ApiServerTest, LetsGoOfAFollowerThatIsGone) {
  const std::uint64_t batch = rig_.submit();
  const int socket = connect_and_send(port_, followed(batch));
  std::string all;
  ASSERT_TRUE(read_until(socket, all, "retry: 1000\n\n"));
  const linger now{1, 0};  // reset
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(socket);
  EXPECT_TRUE(eventually([this] { return server_->figures().event_streams == 0; }));
}

TEST_F(ApiServerTest, LetsAUserFollowSoManyAndNoMore) {
  const std::uint64_t batch = rig_.submit();
  const std::string request = followed(batch);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < kMaxEventStreamsPerUser; ++i) {
    sockets.push_back(connect_and_send(port_, request));
    std::string all;
    ASSERT_TRUE(read_until(sockets.back(), all, "retry"));
  }
  EXPECT_THAT(raw(request), HasSubstr(" 429 "));
  EXPECT_EQ(get("/api/v1/sources").status, 200);  // the followers do not stand in the way
  rig_.service_.end(batch);
  for (const int socket : sockets) close(socket);
}

TEST_F(ApiServerTest, SendsAResultThatIsLongerThanAPart) {
  std::vector<std::uint64_t> batches;
  for (int i = 0; i < 300; ++i) {
    rig_.service_.end(rig_.submit(kAliceKey, "many"));
  }
  const HttpAnswer answer = get("/api/v1/revtr?label=many");
  EXPECT_EQ(answer.status, 200);
  EXPECT_GT(answer.body.size(), 150'000U);
  EXPECT_THAT(answer.body, HasSubstr("]}"));
}

TEST_F(ApiServerTest, AnswersManyAtOnce) {
  std::vector<std::future<int>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::async(std::launch::async, [this] {
      int good = 0;
      for (int round = 0; round < 10; ++round) good += get("/api/v1/sources").status == 200;
      return good;
    }));
  }
  for (auto& client : clients) EXPECT_EQ(client.get(), 10);
}

TEST_F(ApiServerTest, AnswersOthersWhileManySayNothing) {
  std::vector<int> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(connect_and_send(port_, "GET /api/v1/so"));
  const auto began = Clock::now();
  EXPECT_EQ(get("/api/v1/sources").status, 200);
  EXPECT_LT(Clock::now() - began, 3s);
  for (const int socket : silent) close(socket);
}

TEST_F(ApiServerTest, EndsAtOnceWhateverIsOpen) {
  const std::uint64_t batch = rig_.submit();
  std::vector<int> open;
  for (int i = 0; i < 20; ++i) {
    open.push_back(connect_and_send(port_, followed(batch)));
    open.push_back(connect_and_send(port_, "POST / HT"));
  }
  std::string all;
  ASSERT_TRUE(read_until(open[0], all, "retry"));
  const auto began = Clock::now();
  server_.reset();
  EXPECT_LT(Clock::now() - began, 3s);
  for (const int socket : open) close(socket);
}

TEST_F(ApiServerTest, RefusesAPortThatIsTaken) {
  const auto second = ApiServer::start("127.0.0.1:" + std::to_string(port_), rig_.api_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit_code(), 2);
  EXPECT_EQ(second.error().sentence, "listen: 127.0.0.1:" + std::to_string(port_) +
                                         ": Address already in use; choose another port");
}

}  // namespace
}  // namespace backsight::controller
