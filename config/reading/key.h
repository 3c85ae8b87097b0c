// A key of a config file, once: its name, what may be written, what it means, where it goes. From
// tables of these a file is read (reading/keys_reader.h), printed and documented.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/reading/text_file.h"

namespace backsight::config {

// Why a value is refused: a clause such as: "fast" is not a whole number.
struct Refusal {
  std::size_t item = 0;  // of a list; 0 for a single value
  std::string clause;
};
using Refusals = std::vector<Refusal>;

// How the texts of one key become a part of `Config` and back.
template <typename Config>
struct Access {
  // One text for a single value, one an item for a list. Sets nothing when it refuses.
  std::function<Refusals(Config&, std::span<const std::string>)> set;
  // As they may be written. A single value without text is absent.
  std::function<std::vector<std::string>(const Config&)> get;
  std::string values;  // what may be written, for the manual: "1..65535", "poll, adaptive"
  bool is_list = false;
};

template <typename Config>
struct Key {
  std::string_view name = "";     // dotted: "rates.total_pps"
  std::string_view wanted = "";   // completes "; write ...": "packets a second"
  std::string_view example = "";  // completes ", such as"; shown where the key is absent
  std::string_view meaning = "";  // the comment beside it
  std::string_view absent = "";   // what its absence means; empty: it is required or has a default
  bool is_required = false;
  bool is_group = false;  // a list of maps, which the loader of the file reads itself
  Access<Config> access{};
};

// Reads a number without sign, blanks or anything else, within least..most; or says why not.
[[nodiscard]] std::optional<std::string> why_no_number(std::string_view text, std::uint64_t least,
                                                       std::uint64_t most, std::uint64_t& number);

// Reads a whole number with its unit, "30s", "10m", "24h" or "7d", within least..most; or says why
// not.
[[nodiscard]] std::optional<std::string> why_no_duration(std::string_view text,
                                                         std::chrono::seconds least,
                                                         std::chrono::seconds most,
                                                         std::chrono::seconds& duration);
// In the largest unit of which it is two or more, such as 24h and 60s.
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

// What may be wrong with any text: nothing, or a control character.
[[nodiscard]] std::optional<std::string> why_no_text(std::string_view text);

// A single value; `read` returns a clause or nothing, `write` the text ("" if absent).
template <typename Config, typename Read, typename Write>
Access<Config> single(std::string values, Read read, Write write) {
  return {[read](Config& config, std::span<const std::string> texts) -> Refusals {
            auto clause = why_no_text(texts[0]);
            if (!clause) {
              clause = read(config, texts[0]);
            }
            return clause ? Refusals{{0, *clause}} : Refusals{};
          },
          [write](const Config& config) -> std::vector<std::string> {
            std::string text = write(config);
            return text.empty() ? std::vector<std::string>{} : std::vector{std::move(text)};
          },
          std::move(values), false};
}

// `field` is a generic lambda that returns a reference to a number in the config.
template <typename Config, typename Field>
Access<Config> number(Field field, std::uint64_t least, std::uint64_t most) {
  return single<Config>(
      fmt::format("{}..{}", least, most),
      [=](Config& config, std::string_view text) {
        std::uint64_t value = 0;
        auto clause = why_no_number(text, least, most, value);
        if (!clause) {
          auto& target = field(config);
          target = static_cast<std::remove_reference_t<decltype(target)>>(value);
        }
        return clause;
      },
      [=](const Config& config) { return fmt::to_string(field(config)); });
}

// `field` is a generic lambda that returns a reference to std::chrono::seconds in the config.
template <typename Config, typename Field>
Access<Config> duration(Field field, std::chrono::seconds least, std::chrono::seconds most) {
  return single<Config>(
      fmt::format("{}..{}", duration_text(least), duration_text(most)),
      [=](Config& config, std::string_view text) {
        std::chrono::seconds value{};
        auto clause = why_no_duration(text, least, most, value);
        if (!clause) {
          field(config) = value;
        }
        return clause;
      },
      [=](const Config& config) { return duration_text(field(config)); });
}

// `field` is a generic lambda that returns a reference to a path in the config.
template <typename Config, typename Field>
Access<Config> path(Field field) {
  return single<Config>(
      "path",
      [=](Config& config, std::string_view text) -> std::optional<std::string> {
        field(config) = std::filesystem::path(text);
        return std::nullopt;
      },
      [=](const Config& config) { return field(config).string(); });
}

// The same with a list of paths.
template <typename Config, typename Field>
Access<Config> paths(Field field) {
  return {[=](Config& config, std::span<const std::string> texts) {
            Refusals refusals;
            for (std::size_t i = 0; i < texts.size(); ++i) {
              if (texts[i].empty()) {
                refusals.push_back({i, "a path is empty"});
              } else if (const auto clause = why_no_text(texts[i])) {
                refusals.push_back({i, *clause});
              }
            }
            if (refusals.empty()) {
              field(config).assign(texts.begin(), texts.end());
            }
            return refusals;
          },
          [=](const Config& config) {
            std::vector<std::string> texts;
            for (const std::filesystem::path& one : field(config)) {
              texts.push_back(one.string());
            }
            return texts;
          },
          "list of paths", true};
}

// One of a few words, each standing for a value.
template <typename Config, typename Field, typename Value>
Access<Config> word(Field field, std::vector<std::pair<std::string_view, Value>> words) {
  std::string values;
  for (const auto& [name, value] : words) {
    values += (values.empty() ? "" : ", ") + std::string(name);
  }
  return single<Config>(
      values,
      [=](Config& config, std::string_view text) -> std::optional<std::string> {
        for (const auto& [name, value] : words) {
          if (name == text) {
            field(config) = value;
            return std::nullopt;
          }
        }
        return in_quotes(text) + " is not known here";
      },
      [=](const Config& config) -> std::string {
        for (const auto& [name, value] : words) {
          if (value == field(config)) {
            return std::string(name);
          }
        }
        return {};
      });
}

}  // namespace backsight::config
