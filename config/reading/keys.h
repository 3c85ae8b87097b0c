// The keys of a file, each bound to the field that holds its value. A section of a config is
// described once, beside its struct:
//
//   void describe(Keys& keys, RatesConfig& rates) {
//     keys.number("total_pps", rates.total_pps, 1, kMaxPps, "all that is sent")
//         .write("packets a second");
//   }
//
// From that it is read (reading/written.h), printed and documented (reading/printer.h).
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "config/fault.h"
#include "config/reading/value_text.h"

namespace backsight::config {

class Keys;
class Written;

// Why an item of a list is refused; of a single value it is item 0.
struct Refusal {
  std::size_t item = 0;
  std::string clause;
};
using Refusals = std::vector<Refusal>;

// A list of maps: how many it may hold, and what is said of an item that is none.
struct MapsRule {
  std::string_view values;  // for the manual: "list of ports"
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::string_view no_map;     // with its remedy
  std::string_view bare = {};  // the key whose value an item that is one text is; empty: none
};

// The maps of such a list, as the items of some vector.
struct Maps {
  MapsRule rule;
  std::function<std::size_t()> size;
  std::function<void()> add;  // invalidates what is bound to the items
  std::function<void(Keys&, std::size_t)> describe;
};

// What is said of a key stands where the key is described, one call a place.
struct Key {
  std::string name;      // dotted: "rates.total_pps"
  std::string values;    // what may be written, for the manual: "1..65535", "poll, adaptive"
  std::string meaning;   // the comment beside it
  std::string wanted;    // completes "; write ...": "packets a second"
  std::string example;   // completes ", such as"; shown where the key is absent
  std::string absent;    // what its absence means; empty: it is required or has a default
  std::string no_items;  // why an empty list is refused; empty: it is not
  bool is_required = false;
  bool is_secret = false;  // no sentence repeats its value
  bool is_list = false;
  // One text for a single value, one an item for a list. Sets nothing when it refuses.
  std::function<Refusals(std::span<const std::string>)> set;
  // As they may be written. A single value without text is absent.
  std::function<std::vector<std::string>()> get;
  std::optional<Maps> maps;  // then neither `set` nor `get` is there

  // "...; write WHAT, such as SUCH_AS"; by itself the field's value, which is its default.
  Key& write(std::string_view what);
  Key& write(std::string_view what, std::string_view such_as);
  Key& if_absent(std::string_view what_then);
  Key& if_empty(std::string_view clause);
  Key& required();
  Key& secret();

  [[nodiscard]] std::string with_remedy(std::string_view clause) const;
};

// What may be written for a value.
struct ToText {
  template <typename Value>
  std::string operator()(const Value& value) const {
    if constexpr (std::is_arithmetic_v<Value>) {
      return fmt::to_string(value);
    } else if constexpr (std::convertible_to<Value, std::string>) {
      return value;
    } else {
      return to_string(value);
    }
  }
};

// The keys of one map, in the order in which they are printed. The fields outlive it.
class Keys {
 public:
  // `folder` is what the paths in the file are relative to.
  explicit Keys(std::filesystem::path folder = {}) : folder_(std::move(folder)) {}
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  // The file's first line: "# WHAT. Paths are relative to this file; PAGE tells more."
  void title(std::string_view what, std::string_view page);

  // The keys that describe() gives for `fields` stand in the section `name`.
  template <typename Fields>
  void section(std::string_view name, Fields& fields) {
    section_ = std::string(name) + '.';
    describe(*this, fields);
    section_.clear();
  }

  // Called when all keys were read, with names as they are here.
  void check(std::function<void(Written&)> check);

  template <std::unsigned_integral Number>
  Key& number(std::string_view name, Number& field, std::uint64_t least, std::uint64_t most,
              std::string_view meaning) {
    const auto read = [least, most](std::string_view text) {
      return read_number(text, least, most).map([](std::uint64_t number) {
        return static_cast<Number>(number);
      });
    };
    return value(name, field, fmt::format("{}..{}", least, most), meaning, read);
  }

  // A whole number with its unit: "30s", "10m", "24h" or "7d".
  Key& duration(std::string_view name, std::chrono::seconds& field, std::chrono::seconds least,
                std::chrono::seconds most, std::string_view meaning);
  Key& path(std::string_view name, std::filesystem::path& field, std::string_view meaning);
  Key& paths(std::string_view name, std::vector<std::filesystem::path>& field,
             std::string_view meaning);
  Key& flag(std::string_view name, bool& field, std::string_view meaning);
  // `fault` tells what is wrong with a text, as a clause.
  Key& text(std::string_view name, std::string& field, std::string_view values,
            std::string_view meaning, std::function<Clause(std::string_view)> fault);

  // One of a few words, each standing for a value.
  template <typename Value>
  Key& word(std::string_view name, Value& field,
            std::vector<std::pair<std::string_view, Value>> words, std::string_view meaning) {
    std::vector<std::string_view> names;
    for (const auto& one : words) names.push_back(one.first);
    const auto read = [words](std::string_view text) -> Reading<Value> {
      for (const auto& [known, value] : words) {
        if (known == text) return value;
      }
      return tl::unexpected(in_quotes(text) + " is not known here");
    };
    const auto write = [words](Value value) {
      for (const auto& [known, its] : words) {
        if (its == value) return std::string(known);
      }
      return std::string();
    };
    return value(name, field, fmt::format("{}", fmt::join(names, ", ")), meaning, read, write)
        .write(or_list(names), {});
  }

  // Any value: `read` makes a Reading of a text, `write` a text of a value.
  template <typename Field, typename Read, typename Write = ToText>
  Key& value(std::string_view name, Field& field, std::string_view values, std::string_view meaning,
             Read read, Write write = {}) {
    const auto set = [&field, read](std::string_view text) -> Clause {
      auto got = read(text);
      if (!got) return std::move(got.error());
      field = *std::move(got);
      return std::nullopt;
    };
    const auto get = [&field, write]() -> std::string {
      if constexpr (requires { field.has_value(); }) {
        return field ? write(*field) : std::string();
      } else {
        return write(field);
      }
    };
    return one(name, values, meaning, set, get);
  }

  // A value that is more than one field.
  Key& one(std::string_view name, std::string_view values, std::string_view meaning,
           std::function<Clause(std::string_view)> set, std::function<std::string()> get);

  // A list of values; `read` gets the items before, too.
  template <typename Item, typename Read>
  Key& list(std::string_view name, std::vector<Item>& field, std::string_view values,
            std::string_view meaning, Read read) {
    Key& key = add(name, values, meaning);
    key.is_list = true;
    key.set = [&field, read](std::span<const std::string> texts) {
      Refusals refusals;
      std::vector<Item> items;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (auto item = read(std::string_view(texts[i]), items)) {
          items.push_back(*std::move(item));
        } else {
          refusals.push_back({i, std::move(item.error())});
        }
      }
      if (refusals.empty()) field = std::move(items);
      return refusals;
    };
    key.get = [&field] {
      std::vector<std::string> texts;
      for (const Item& item : field) texts.push_back(ToText()(item));
      return texts;
    };
    return key;
  }

  // A list of maps, each described by `describe_item(Keys&, Item&)`.
  template <typename Item, typename Describe>
  Key& maps(std::string_view name, std::vector<Item>& items, const MapsRule& rule,
            std::string_view meaning, Describe describe_item) {
    Key& key = add(name, rule.values, meaning);
    key.is_list = true;
    key.maps = {
        rule, [&items] { return items.size(); }, [&items] { items.emplace_back(); },
        [&items, describe_item](Keys& keys, std::size_t i) { describe_item(keys, items[i]); }};
    return key;
  }

  struct Check {
    std::string section;  // with its dot
    std::function<void(Written&)> run;
  };
  [[nodiscard]] const std::vector<Key>& all() const noexcept { return keys_; }
  [[nodiscard]] const std::vector<Check>& checks() const noexcept { return checks_; }
  [[nodiscard]] const std::string& title() const noexcept { return title_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  // Null: there is none.
  [[nodiscard]] const Key* find(std::string_view name) const noexcept;

 private:
  static std::string or_list(std::span<const std::string_view> names);
  Key& add(std::string_view name, std::string_view values, std::string_view meaning);

  std::filesystem::path folder_;
  std::string section_;  // what is described now, with its dot
  std::string title_;
  std::vector<Key> keys_;
  std::vector<Check> checks_;
};

}  // namespace backsight::config
