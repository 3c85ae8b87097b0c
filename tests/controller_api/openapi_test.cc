// The API's description says what there is, and what there is answers as it says.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "api_rig.h"
#include "controller/api/embedded.h"
#include "controller/json/request_json.h"
#include "schema.h"
#include "tests/support/loopback.h"

namespace backsight::controller {
namespace {

using nlohmann::json;

const json& description() {
  static const json parsed = json::parse(kOpenApi);
  return parsed;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Whether the answer is one that the description has for the route, in form and in status.
void expect_described(const std::string& path, const std::string& method,
                      const Answered& answered) {
  SCOPED_TRACE(method + " " + path + ": " + std::to_string(answered.status));
  const json& responses = description().at("paths").at(path).at(method).at("responses");
  ASSERT_TRUE(responses.contains(std::to_string(answered.status))) << answered.text;
  const json& response = responses[std::to_string(answered.status)];
  ASSERT_TRUE(response["content"].contains(answered.type)) << answered.type;
  const json& schema = response["content"][answered.type]["schema"];
  if (answered.type == "application/json") {
    ASSERT_FALSE(answered.json.is_discarded()) << answered.text;
    EXPECT_EQ(SchemaCheck(description()).fault(schema, answered.json), "");
  }
  const json headers = response.value("headers", json::object());
  for (const auto& [name, header] : headers.items()) {
    EXPECT_TRUE(answered.headers.contains(name)) << name;
  }
}

TEST(OpenApi, DescribesEveryRouteOfTheApiAndNoOther) {
  std::set<std::string> routes;
  for (const auto& route : Api::routes()) {
    if (!route.path.starts_with("/api/")) continue;
    routes.insert(lower(std::string(route.method)) + " " + std::string(route.path));
  }
  std::set<std::string> described;
  for (const auto& [path, methods] : description()["paths"].items()) {
    for (const auto& [method, _] : methods.items()) described.insert(method + " " + path);
  }
  EXPECT_EQ(described, routes);
}

TEST(OpenApi, DescribesEveryKeyOfARequest) {
  const json& schema = description()["components"]["schemas"]["Request"];
  EXPECT_EQ(schema["properties"].size(), request_keys().size());
  for (const RequestKey& key : request_keys()) {
    SCOPED_TRACE(std::string(key.name));
    ASSERT_TRUE(schema["properties"].contains(key.name));
    const json& described = schema["properties"][std::string(key.name)];
    EXPECT_EQ(described["type"], key.type);
    EXPECT_EQ(described["description"], key.meaning);
    EXPECT_EQ(described.contains("default"), !key.usual.empty());
    if (!key.usual.empty()) {
      EXPECT_EQ(described["default"], json::parse(key.usual));
    }
    if (key.type == "integer") {
      EXPECT_EQ(described["minimum"], key.least);
      EXPECT_EQ(described["maximum"], key.most);
    }
    if (key.type == "string") {
      EXPECT_EQ(described["minLength"], key.least);
      EXPECT_EQ(described["maxLength"], key.most);
    }
  }
}

// BACKSIGHT_WRITE=1 writes the table anew.
TEST(OpenApi, ThePageHasTheSameKeysOfARequest) {
  const auto file =
      std::filesystem::path(BACKSIGHT_TEST_DATA).parent_path().parent_path() / "docs/api.md";
  std::string table = "| key | values | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const RequestKey& key : request_keys()) {
    const std::string values = key.type == "boolean" ? "true, false"
                               : key.type == "string"
                                   ? fmt::format("text, {}..{} bytes", key.least, key.most)
                                   : fmt::format("{}..{}", key.least, key.most);
    table +=
        fmt::format("| `{}` | {} | {} | {} |\n", key.name, values,
                    key.usual.empty() ? "required" : fmt::format("`{}`", key.usual), key.meaning);
  }
  const std::string begin = "<!-- keys of a request -->\n";
  std::string page = file_text(file);
  const std::size_t first = page.find(begin) + begin.size();
  const std::size_t last = page.find("<!-- end -->", first);
  ASSERT_NE(last, page.npos);
  if (std::getenv("BACKSIGHT_WRITE") != nullptr) {
    std::ofstream(file, std::ios::binary) << page.replace(first, last - first, table);
    return;
  }
  EXPECT_EQ(page.substr(first, last - first), table);
}

// Every code that the page names is one that can come, and the other way round.
TEST(OpenApi, ThePageNamesEveryCodeOfAnError) {
  const auto root = std::filesystem::path(BACKSIGHT_TEST_DATA).parent_path().parent_path();
  std::set<std::string> codes;
  for (const char* source : {"api.cc", "api_server.cc", "results.cc", "submissions.cc"}) {
    const std::string text = file_text(root / "controller/api" / source);
    const std::regex code(
        R"((?:error_reply|try_again)\(\s*[^"]*?"([a-z_]+)\"|\{\d{3}, "([a-z_]+)\")");
    for (std::sregex_iterator at(text.begin(), text.end(), code), end; at != end; ++at) {
      codes.insert((*at)[1].matched ? (*at)[1].str() : (*at)[2].str());
    }
  }
  codes.insert("no_key");  // behind a question mark
  EXPECT_GT(codes.size(), 15U);
  std::string page = file_text(root / "docs/api.md");
  page = page.substr(page.find("## Errors"));
  std::set<std::string> named;
  const std::regex word("`([a-z]+(?:_[a-z]+)*)`");
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ") || !std::isdigit(static_cast<unsigned char>(line[2]))) continue;
    const std::string last = line.substr(line.rfind('|', line.size() - 2));
    for (std::sregex_iterator at(last.begin(), last.end(), word), end; at != end; ++at) {
      named.insert((*at)[1]);
    }
  }
  EXPECT_EQ(named, codes);
}

TEST(OpenApi, EveryRouteAnswersAsDescribedWhenAllIsWell) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit(kAliceKey, "mine");
  const std::string number = std::to_string(batch);
  std::set<std::string> tried;
  const auto try_out = [&](const std::string& path, const std::string& method,
                           const Answered& answered) {
    EXPECT_LT(answered.status, 300) << path << answered.text;
    expect_described(path, method, answered);
    tried.insert(method + " " + path);
  };
  try_out("/api/v1/sources", "get", rig.get("/api/v1/sources"));
  try_out("/api/v1/vantage_points", "get", rig.get("/api/v1/vantage_points"));
  try_out("/api/v1/openapi.json", "get", rig.get("/api/v1/openapi.json"));
  try_out("/api/v1/revtr", "get", rig.get("/api/v1/revtr?batchid=" + number));
  rig.service_.end(batch);
  try_out("/api/v1/revtr", "get", rig.get("/api/v1/revtr?batchid=" + number));
  try_out("/api/v1/revtr", "get", rig.get("/api/v1/revtr?label=mine"));
  try_out("/api/v1/revtr/{batch}/events", "get", rig.get("/api/v1/revtr/" + number + "/events"));
  try_out("/api/v1/revtr", "delete",
          rig.ask(rig.request("DELETE", "/api/v1/revtr?batchid=" + number)));
  try_out("/api/v1/revtr", "post",
          rig.post(R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"}]})"));
  const Answered partly = rig.post(
      R"({"odd":1,"revtrs":[{"src":"ams01","dst":"198.51.100.7"},{"src":"ams01","dst":"x"}]})");
  ASSERT_TRUE(partly.json.contains("refused") && partly.json.contains("ignored")) << partly.text;
  try_out("/api/v1/revtr", "post", partly);
  for (const char* what : {"run", "clean"}) {
    const std::string path = std::string("/api/v1/atlas/") + what;
    ApiRequest request = rig.request("POST", path);
    request.source = "ams01";
    try_out(path, "post", rig.ask(request));
  }
  std::size_t described = 0;
  for (const auto& [path, methods] : description()["paths"].items()) described += methods.size();
  EXPECT_EQ(tried.size(), described);
}

TEST(OpenApi, APathIsAsDescribed) {
  ApiRig rig;
  const std::uint64_t batch = rig.submit();
  rig.service_.end(batch);
  const auto progress = rig.service_.progress(batch, 0);
  const json path = json::parse(fields_of(progress->ended[0].json));
  const json& schema = description()["components"]["schemas"]["Path"];
  EXPECT_EQ(SchemaCheck(description()).fault(schema, path), "");
  std::set<std::string> names;
  for (const auto& [name, _] : path.items()) names.insert(name);
  std::set<std::string> described;
  for (const auto& [name, _] : schema["properties"].items()) described.insert(name);
  EXPECT_EQ(names, described);
  std::set<std::string> reasons;
  for (std::size_t i = 0; i < static_cast<std::size_t>(FailReason::kCount); ++i) {
    reasons.emplace(name(static_cast<FailReason>(i)));
  }
  const json& words = schema["properties"]["fail_reason"]["enum"];
  EXPECT_EQ(std::set<std::string>(words.begin(), words.end()), reasons);
}

TEST(OpenApi, EveryRefusalIsAsDescribed) {
  using Why = RequestFault::Why;
  ApiRig rig;
  constexpr const char* kPost = R"({"revtrs":[{"src":"ams01","dst":"198.51.100.7"}]})";
  expect_described("/api/v1/revtr", "post", rig.post("{}"));
  expect_described("/api/v1/revtr", "post", rig.post(R"({"revtrs":[1,2,3,4,5,6]})"));
  expect_described("/api/v1/revtr", "post",
                   rig.post(R"({"revtrs":[{"src":"ams01","dst":"2001:db8::1"}]})"));
  for (const Why why : {Why::kForm, Why::kUnknownSource, Why::kBadDestination, Why::kNotReady,
                        Why::kBusy, Why::kStorage}) {
    rig.service_.refuse({{0, why, "so it is"}});
    expect_described("/api/v1/revtr", "post", rig.post(kPost));
  }
  rig.service_.refuse({});
  rig.service_.set_usage({.under_way = 10, .today = 0});
  expect_described("/api/v1/revtr", "post", rig.post(kPost));
  rig.service_.set_usage({.under_way = 0, .today = 100});
  expect_described("/api/v1/revtr", "post", rig.post(kPost));
  expect_described("/api/v1/revtr", "get", rig.get("/api/v1/revtr"));
  expect_described("/api/v1/revtr", "get", rig.get("/api/v1/revtr?batchid=7"));
  expect_described("/api/v1/revtr", "delete",
                   rig.ask(rig.request("DELETE", "/api/v1/revtr?batchid=7")));
  expect_described("/api/v1/revtr/{batch}/events", "get", rig.get("/api/v1/revtr/7/events"));
  expect_described("/api/v1/atlas/run", "post", rig.ask(rig.request("POST", "/api/v1/atlas/run")));
  for (const auto& route : Api::routes()) {
    if (!route.path.starts_with("/api/") || route.path.ends_with("openapi.json")) continue;
    std::string path(route.path);
    if (const auto at = path.find("{batch}"); at != path.npos) path.replace(at, 7, "7");
    ApiRequest request = rig.request(std::string(route.method), path);
    request.key = "";
    expect_described(std::string(route.path), lower(std::string(route.method)), rig.ask(request));
    ApiRig open(false);
    expect_described(std::string(route.path), lower(std::string(route.method)),
                     open.ask(open.request(std::string(route.method), path)));
  }
}

}  // namespace
}  // namespace backsight::controller
