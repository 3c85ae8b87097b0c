// Tables of metrics: each metric once, with its name, meaning, labels and where its figures are.
// From such a table the page /metrics is made, and the table of the manual.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backsight::daemon {

// Collects the samples of one row.
class MetricSamples {
 public:
  MetricSamples(std::span<const std::string_view> labels, prometheus::MetricFamily& family)
      : labels_(labels), family_(family) {}
  // REQUIRES: one value for each label of the row.
  void add(double value, std::initializer_list<std::string_view> label_values = {});
  // Of a histogram: how many values are in each bucket, by its upper bound, the last one infinite;
  // and their sum.
  void add_histogram(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                     double sum);

 private:
  std::span<const std::string_view> labels_;
  prometheus::MetricFamily& family_;
};

// What all tables have in common.
struct MetricHead {
  std::string_view name;  // in full
  std::string_view help;
  prometheus::MetricType type = prometheus::MetricType::Counter;
  std::vector<std::string_view> labels;
};

// `Sources` is what a row reads at one scrape.
template <typename Sources>
struct MetricRow : MetricHead {
  using Read = void (*)(const Sources& sources, MetricSamples& samples);

  Read read = nullptr;
};

template <typename Sources>
[[nodiscard]] prometheus::MetricFamily collect(const MetricRow<Sources>& row,
                                               const Sources& sources) {
  prometheus::MetricFamily family;
  family.name = row.name;
  family.help = row.help;
  family.type = row.type;
  MetricSamples samples(row.labels, family);
  row.read(sources, samples);
  return family;
}

template <typename Sources>
[[nodiscard]] std::vector<prometheus::MetricFamily> collect(
    std::span<const MetricRow<Sources>> rows, const Sources& sources) {
  std::vector<prometheus::MetricFamily> families;
  for (const MetricRow<Sources>& row : rows) families.push_back(collect(row, sources));
  return families;
}

// A Markdown table: metric, type, labels, meaning.
[[nodiscard]] std::string print_metrics_head();
[[nodiscard]] std::string print_metrics_line(const MetricHead& row);
template <typename Sources>
[[nodiscard]] std::string print_manual(std::span<const MetricRow<Sources>> rows) {
  std::string text = print_metrics_head();
  for (const MetricRow<Sources>& row : rows) text += print_metrics_line(row);
  return text;
}

}  // namespace backsight::daemon
