#include "config/vp_printer.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/vp_keys.h"

namespace backsight::config {
namespace {

constexpr std::size_t kCommentColumn = 34;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether YAML reads the text as it stands, in a list too if it is without comma and colon.
bool is_plain(std::string_view text, bool is_in_list) {
  const std::string_view others = is_in_list ? "_./=-+@%" : "_./=-+@%,:";
  const auto is_safe = [&](char c) { return is_alphanumeric(c) || others.find(c) != others.npos; };
  constexpr std::string_view kNulls[] = {"null", "Null", "NULL"};
  return !text.empty() && (is_alphanumeric(text[0]) || text[0] == '/') && text.back() != ':' &&
         std::all_of(text.begin(), text.end(), is_safe) &&
         std::find(std::begin(kNulls), std::end(kNulls), text) == std::end(kNulls);
}

std::string as_yaml(std::string_view text, bool is_in_list) {
  if (is_plain(text, is_in_list)) {
    return std::string(text);
  }
  std::string yaml = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      yaml += '\\';
    }
    yaml += c;
  }
  return yaml + '"';
}

std::string as_yaml(const std::vector<std::string>& texts, bool is_list) {
  if (!is_list) {
    return as_yaml(texts[0], false);
  }
  std::string yaml = "[";
  for (const std::string& text : texts) {
    yaml += (yaml.size() > 1 ? ", " : "") + as_yaml(text, true);
  }
  return yaml + ']';
}

std::string_view section_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == name.npos ? std::string_view{} : name.substr(0, dot);
}

class Printer {
 public:
  void config(const VpConfig& config) {
    line("# One vantage point. Paths are relative to this file; docs/configuration.md tells more.",
         {});
    std::string_view section;
    for (const Key<VpConfig>& key : vp_keys()) {
      if (section_of(key.name) != section) {
        section = section_of(key.name);
        if (!section.empty()) {
          line(fmt::format("{}:", section), {});
        }
      }
      if (key.is_group) {
        ports(config);
      } else {
        this->key(key, config, section.empty() ? "" : "  ", true);
      }
    }
  }

  std::string take() { return std::move(text_); }

 private:
  void ports(const VpConfig& config) {
    line(config.ports.empty() ? "ports: []" : "ports:", {});
    bool is_first = true;
    for (const PortConfig& port : config.ports) {
      std::string_view indent = "  - ";
      for (const Key<PortConfig>& key : port_keys()) {
        this->key(key, port, indent, is_first);
        indent = "    ";
      }
      is_first = false;
    }
  }

  // A key that is absent stands as a comment, if comments are wanted.
  template <typename Config>
  void key(const Key<Config>& key, const Config& config, std::string_view indent,
           bool is_commented) {
    const std::string_view name = key.name.substr(key.name.find('.') + 1);
    const std::vector<std::string> texts = key.access.get(config);
    const std::string comment = std::string(key.meaning) +
                                (key.absent.empty() ? "" : fmt::format("; absent: {}", key.absent));
    if (!texts.empty() || key.access.is_list) {
      line(fmt::format("{}{}: {}", indent, name, as_yaml(texts, key.access.is_list)),
           is_commented ? comment : std::string{});
    } else if (is_commented) {
      line(fmt::format("{}# {}: {}", indent, name, key.example), comment);
    }
  }

  void line(std::string text, const std::string& comment) {
    if (!comment.empty()) {
      text.resize(std::max(text.size() + 2, kCommentColumn), ' ');
      text += "# " + comment;
    }
    text_ += text + '\n';
  }

  std::string text_;
};

}  // namespace

std::string print_vp_config(const VpConfig& config) {
  Printer printer;
  printer.config(config);
  return printer.take();
}

}  // namespace backsight::config
