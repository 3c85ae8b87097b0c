#include "config/reading/keys.h"

#include <algorithm>

#include "config/reading/printer.h"

namespace backsight::config {

Key& Key::write(std::string_view what) {
  const std::vector<std::string> texts = maps ? std::vector<std::string>{} : get();
  return write(what, texts.empty() ? std::string() : as_yaml(texts, is_list));
}

Key& Key::write(std::string_view what, std::string_view such_as) {
  wanted = what;
  example = such_as;
  return *this;
}

Key& Key::if_absent(std::string_view what_then) {
  absent = what_then;
  return *this;
}

Key& Key::if_empty(std::string_view clause) {
  no_items = clause;
  return *this;
}

Key& Key::required() {
  is_required = true;
  return *this;
}

Key& Key::secret() {
  is_secret = true;
  return *this;
}

std::string Key::with_remedy(std::string_view clause) const {
  return fmt::format("{}; write {}{}{}", clause, wanted, example.empty() ? "" : ", such as ",
                     example);
}

void Keys::title(std::string_view what, std::string_view page) {
  title_ = fmt::format("# {}. Paths are relative to this file; {} tells more.", what, page);
}

void Keys::check(std::function<void(Written&)> check) {
  checks_.push_back({section_, std::move(check)});
}

Key& Keys::duration(std::string_view name, std::chrono::seconds& field, std::chrono::seconds least,
                    std::chrono::seconds most, std::string_view meaning) {
  const auto read = [=](std::string_view text) { return read_duration(text, least, most); };
  return value(name, field, fmt::format("{}..{}", duration_text(least), duration_text(most)),
               meaning, read, duration_text);
}

Key& Keys::path(std::string_view name, std::filesystem::path& field, std::string_view meaning) {
  const auto read = [this](std::string_view text) -> Reading<std::filesystem::path> {
    return (folder_ / text).lexically_normal();
  };
  return value(name, field, "path", meaning, read);
}

Key& Keys::paths(std::string_view name, std::vector<std::filesystem::path>& field,
                 std::string_view meaning) {
  const auto read = [this](std::string_view text, const auto&) -> Reading<std::filesystem::path> {
    if (text.empty()) return tl::unexpected<std::string>("a path is empty");
    return (folder_ / text).lexically_normal();
  };
  return list(name, field, "list of paths", meaning, read);
}

Key& Keys::flag(std::string_view name, bool& field, std::string_view meaning) {
  return word<bool>(name, field, {{"true", true}, {"false", false}}, meaning);
}

Key& Keys::text(std::string_view name, std::string& field, std::string_view values,
                std::string_view meaning, std::function<Clause(std::string_view)> fault) {
  const auto set = [&field, fault = std::move(fault)](std::string_view text) {
    Clause clause = fault(text);
    if (!clause) field = text;
    return clause;
  };
  return one(name, values, meaning, set, [&field] { return field; });
}

Key& Keys::one(std::string_view name, std::string_view values, std::string_view meaning,
               std::function<Clause(std::string_view)> set, std::function<std::string()> get) {
  Key& key = add(name, values, meaning);
  key.set = [set = std::move(set)](std::span<const std::string> texts) {
    Clause clause = set(texts[0]);
    return clause ? Refusals{{0, *std::move(clause)}} : Refusals{};
  };
  key.get = [get = std::move(get)] {
    std::string text = get();
    return text.empty() ? std::vector<std::string>{} : std::vector{std::move(text)};
  };
  return key;
}

const Key* Keys::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(keys_, name, &Key::name);
  return found == keys_.end() ? nullptr : &*found;
}

// "poll or adaptive", "auto, yes or no".
std::string Keys::or_list(std::span<const std::string_view> names) {
  return fmt::format("{} or {}", fmt::join(names.first(names.size() - 1), ", "), names.back());
}

Key& Keys::add(std::string_view name, std::string_view values, std::string_view meaning) {
  Key& key = keys_.emplace_back();
  key.name = section_ + std::string(name);
  key.values = values;
  key.meaning = meaning;
  return key;
}

}  // namespace backsight::config
