#include "config/reading/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include "config/reading/text_file.h"

namespace backsight::config {
namespace {

using Kind = YamlNode::Kind;
constexpr int kSet = YamlNode::kSetLine;
constexpr int kMaxDots = 8;  // of an override's key, so that it cannot nest without end

int line_of(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

// Builds the tree from yaml-cpp's events; aliases and nested keys become faults.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view file_name) : file_name_(file_name) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add_text(mark, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    faults_.push_back({file_name_,
                       line_of(mark),
                       {},
                       "holds a YAML alias (*), which is not read here; write its value out"});
    add(YamlNode{Kind::kNothing, line_of(mark), {}, {}, {}});
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    add_text(mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, Kind::kMap);
  }
  void OnMapEnd() override { close(); }

  tl::expected<YamlNode, Faults> take() {
    if (!faults_.empty()) return tl::unexpected(std::move(faults_));
    return std::move(root_);
  }

 private:
  // A node that is not complete, and the key whose value is awaited if it is a map.
  struct Open {
    YamlNode node;
    std::string key;
    int key_line = 0;
    bool awaits_value = false;
  };

  bool awaits_key() const {
    return !open_.empty() && open_.back().node.kind == Kind::kMap && !open_.back().awaits_value;
  }

  void add_text(const YAML::Mark& mark, const std::string& text) {
    if (awaits_key()) {
      Open& map = open_.back();
      map.key = text;
      map.key_line = line_of(mark);
      map.awaits_value = true;
      return;
    }
    add(YamlNode{text.empty() ? Kind::kNothing : Kind::kText, line_of(mark), {}, text, {}});
  }

  void open(const YAML::Mark& mark, Kind kind) {
    open_.push_back({YamlNode{kind, line_of(mark), {}, {}, {}}, {}, 0, false});
  }

  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (awaits_key()) {
      faults_.push_back({file_name_,
                         node.line,
                         {},
                         "holds a key that is not one word; write "
                         "\"key: value\""});
      open_.back().awaits_value = true;
      return;
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Kind::kMap) {
      node.name = std::move(parent.key);
      node.line = parent.key_line;  // where a person looks for it
      parent.awaits_value = false;
    }
    parent.node.children.push_back(std::move(node));
  }

  std::string file_name_;
  std::vector<Open> open_;
  YamlNode root_{Kind::kMap, 0, {}, {}, {}};
  Faults faults_;
};

tl::unexpected<Faults> one_fault(std::string_view file_name, int line, std::string sentence) {
  return tl::unexpected(Faults{{std::string(file_name), line, {}, std::move(sentence)}});
}

// Goes one step of a dotted key down; makes what is not there.
tl::expected<YamlNode*, std::string> step(YamlNode& parent, std::string_view name) {
  if (name.empty()) {
    return tl::unexpected<std::string>(
        "has an empty part; write --set key=value, such as rates.total_pps=5");
  }
  std::size_t index = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = code == std::errc{} && end == name.data() + name.size();
  if (parent.kind == Kind::kText) {
    return tl::unexpected(
        fmt::format("lies below {}, which is a value; correct that first",
                    parent.name.empty() ? in_quotes(parent.text) : printable(parent.name)));
  }
  if (parent.kind == Kind::kNothing) {
    parent = YamlNode{is_index ? Kind::kList : Kind::kMap, kSet, std::move(parent.name), {}, {}};
  }
  if (parent.kind == Kind::kMap) {
    if (YamlNode* child = parent.find(name)) return child;
    parent.children.push_back(YamlNode{Kind::kNothing, kSet, std::string(name), {}, {}});
    return &parent.children.back();
  }
  if (!is_index || index > parent.children.size()) {
    return tl::unexpected(fmt::format(
        "{} names no item of a list of {}; write a number, 0..{} "
        "({} appends)",
        in_quotes(name), parent.children.size(), parent.children.size(), parent.children.size()));
  }
  if (index == parent.children.size()) {
    parent.children.push_back(YamlNode{Kind::kNothing, kSet, {}, {}, {}});
  }
  return &parent.children[index];
}

void mark_as_set(YamlNode& node) {
  node.line = kSet;
  for (YamlNode& child : node.children) mark_as_set(child);
}

// Parses one document of any kind.
tl::expected<YamlNode, Faults> parse_document(const std::string& text, std::string_view file_name) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder tree(file_name);
    parser.HandleNextDocument(tree);
    TreeBuilder second(file_name);
    if (parser.HandleNextDocument(second)) {
      return one_fault(file_name, 0, "holds more than one YAML document; keep the first");
    }
    return tree.take();
  } catch (const YAML::Exception& error) {
    return one_fault(file_name, line_of(error.mark),
                     fmt::format("is no YAML here ({}); write \"key: value\" lines, indented with "
                                 "blanks",
                                 printable(error.msg)));
  } catch (const std::exception& error) {
    return one_fault(file_name, 0,
                     fmt::format("cannot be read as YAML ({})", printable(error.what())));
  }
}

// The value of an override: "[...]" as YAML, if it is any, else the text.
YamlNode value_of(std::string_view text) {
  if (text.starts_with('[')) {
    if (auto list = parse_document(std::string(text), kFromSet);
        list && list->kind == Kind::kList) {
      mark_as_set(*list);
      return std::move(*list);
    }
  }
  return {text.empty() ? Kind::kNothing : Kind::kText, kSet, {}, std::string(text), {}};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view child_name) const noexcept {
  for (const YamlNode& child : children) {
    if (child.name == child_name) return &child;
  }
  return nullptr;
}

YamlNode* YamlNode::find(std::string_view child_name) noexcept {
  return const_cast<YamlNode*>(std::as_const(*this).find(child_name));
}

tl::expected<YamlNode, Faults> parse_yaml(const std::string& text, std::string_view file_name) {
  auto root = parse_document(text, file_name);
  if (!root) return root;
  if (root->kind == Kind::kText || root->kind == Kind::kList) {
    return one_fault(file_name, root->line, "holds no keys; write \"key: value\" lines");
  }
  root->kind = Kind::kMap;
  root->line = 0;
  return root;
}

tl::expected<void, Fault> apply_override(YamlNode& root, std::string_view override) {
  const std::size_t equals = override.find('=');
  std::string_view path = trimmed(override.substr(0, equals));
  const std::string key(path);
  const auto refuse = [&](std::string sentence) {
    return tl::unexpected(Fault{std::string(kFromSet), 0, key, std::move(sentence)});
  };
  if (equals == std::string_view::npos || path.empty()) {
    return refuse("has no value; write --set key=value, such as rates.total_pps=5");
  }
  if (std::count(path.begin(), path.end(), '.') > kMaxDots) {
    return refuse("has more parts than any key; write --set key=value, such as rates.total_pps=5");
  }
  YamlNode* node = &root;
  for (bool is_last = false; !is_last;) {
    const std::size_t dot = path.find('.');
    is_last = dot == std::string_view::npos;
    const auto child = step(*node, path.substr(0, dot));
    if (!child) return refuse(child.error());
    node = *child;
    path.remove_prefix(is_last ? path.size() : dot + 1);
  }
  YamlNode value = value_of(trimmed(override.substr(equals + 1)));
  value.name = std::move(node->name);
  *node = std::move(value);
  return {};
}

}  // namespace backsight::config
