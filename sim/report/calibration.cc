#include "sim/report/calibration.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/report/survey.h"

namespace backsight::sim {
namespace {

constexpr double kPoints = 3;  // of a share

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

constexpr std::string_view kNanog = "NANOG list, Feb 2023 (Katz-Bassett); also IMC'17";
constexpr std::string_view kReach = "NANOG list, Feb 2023: 63; IMC'17: 66";
constexpr std::string_view kSymmetry = "revtrvp README, citing IMC'22, section 4.4";
constexpr std::string_view kFound =
    "not comparable: NSDI'10 found 38 with the aliases known then; here all are known";
constexpr std::string_view kArk = "CAIDA Ark, statistics of monitors";

std::vector<double> column(const std::vector<PathSample>& samples,
                           double (*of)(const PathSample&)) {
  std::vector<double> values;
  for (const PathSample& sample : samples) values.push_back(of(sample));
  return values;
}

std::vector<Figure> figures_of(const Responses& responses, const std::vector<PathSample>& samples,
                               const Assumptions& assumptions) {
  const auto as_lengths =
      column(samples, [](const PathSample& it) { return static_cast<double>(it.as_length); });
  const auto lengths =
      column(samples, [](const PathSample& it) { return static_cast<double>(it.router_length); });
  const auto rtts = column(samples, [](const PathSample& it) { return it.rtt_ms; });
  const auto found = column(samples, [](const PathSample& it) { return 100 * it.found; });
  const auto symmetric = static_cast<std::uint64_t>(std::count_if(
      samples.begin(), samples.end(), [](const PathSample& it) { return it.is_as_symmetric; }));
  return {
      {"pingable hosts that answer Record Route", "rr_responsive", "%",
       percent(responses.record, responses.pingable), 75, 75, kPoints, kNanog, true},
      {"of those, within 8 stamps of a vantage point", "in_reach", "%",
       percent(responses.in_reach, responses.record), 63, 66, kPoints, kReach, true},
      {"symmetry assumed within an AS is right", "symmetry_within", "%",
       percent(assumptions.within_right, assumptions.within), 90, 90, kPoints, kSymmetry, true},
      {"symmetry assumed across ASes is right", "symmetry_across", "%",
       percent(assumptions.across_right, assumptions.across), 57, 57, kPoints, kSymmetry, true},
      {"routers back that are on the way there, median", "routers_shared", "%",
       quantile(found, 0.5), 38, 38, kPoints, kFound, false},
      {"paths with the same ASes both ways", "as_symmetric", "%",
       percent(symmetric, samples.size()), 0, 100, 0,
       "not comparable: 86 of academic paths in 2004 (He), most not in 2015 (AIMS)", false},
      {"ASes on a path, median", "as_length_median", "ASes", quantile(as_lengths, 0.5), 3, 5, 0,
       kArk, true},
      {"ASes on a path, 90th percentile", "as_length_p90", "ASes", quantile(as_lengths, 0.9), 5, 7,
       0, kArk, true},
      {"hops of a traceroute, 10th percentile", "hops_p10", "hops", quantile(lengths, 0.1), 7, 9, 0,
       kArk, true},
      {"hops of a traceroute, median", "hops_median", "hops", quantile(lengths, 0.5), 11, 13, 0,
       kArk, true},
      {"hops of a traceroute, 90th percentile", "hops_p90", "hops", quantile(lengths, 0.9), 16, 18,
       0, kArk, true},
      {"round trip, 10th percentile", "rtt_p10", "ms", quantile(rtts, 0.1), 27, 63, 0, kArk, true},
      {"round trip, median", "rtt_median", "ms", quantile(rtts, 0.5), 132, 187, 0, kArk, true},
      {"round trip, 90th percentile", "rtt_p90", "ms", quantile(rtts, 0.9), 222, 353, 0, kArk,
       true},
  };
}

std::string published(const Figure& figure) {
  if (!figure.is_held) return "-";
  if (figure.published_low == figure.published_high)
    return fmt::format("{:g}", figure.published_low);
  return fmt::format("{:g} to {:g}", figure.published_low, figure.published_high);
}

}  // namespace

std::vector<Figure> calibrate(World& world, std::uint32_t hosts,
                              const std::function<void(double)>& progress) {
  Survey survey(world);
  Responses responses;
  Assumptions assumptions;
  std::vector<PathSample> samples;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    survey.ask(i, responses);
    PathSample sample;
    if (survey.sample_path(hosts + i, sample, assumptions)) samples.push_back(sample);
    if (i % 64 == 0) progress(static_cast<double>(i) / hosts);
  }
  return figures_of(responses, samples, assumptions);
}

std::string calibration_table(const World& world, const std::vector<Figure>& figures) {
  const Internet& internet = world.internet();
  std::string table = fmt::format(
      "{} ASes, {} routers, {} links between ASes, {} prefixes, {} vantage points\n\n"
      "{:<48} {:>9} {:>11} {:<5}     {}\n",
      internet.ases.size(), internet.group_of_router.size(), internet.links.size() / 2,
      internet.prefixes.size(), internet.vantage_points.size(), "FIGURE", "SIMULATED", "PUBLISHED",
      "UNIT", "SOURCE");
  for (const Figure& it : figures) {
    table += fmt::format("{:<48} {:>9.1f} {:>11} {:<5} {:<3} {}\n", it.name, it.simulated,
                         published(it), it.unit,
                         !it.is_held ? ""
                         : it.fits() ? "="
                                     : "!",
                         it.source);
  }
  return table;
}

std::string calibration_json(const World& world, const std::vector<Figure>& figures) {
  const Internet& internet = world.internet();
  std::string json = fmt::format(
      R"({{"ases":{},"routers":{},"links":{},"prefixes":{},"vantage_points":{},"figures":[)",
      internet.ases.size(), internet.group_of_router.size(), internet.links.size() / 2,
      internet.prefixes.size(), internet.vantage_points.size());
  for (const Figure& it : figures) {
    if (&it != &figures.front()) json += ',';
    json += fmt::format(R"({{"key":"{}","unit":"{}","simulated":{:.3f})", it.key, it.unit,
                        it.simulated);
    if (it.is_held) {
      json +=
          fmt::format(R"(,"published_low":{:g},"published_high":{:g},"tolerance":{:g},"fits":{})",
                      it.published_low, it.published_high, it.tolerance, it.fits());
    }
    json += fmt::format(R"(,"source":"{}"}})", it.source);
  }
  return json + "]}\n";
}

}  // namespace backsight::sim
