#include "controller/metrics/controller_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace backsight::controller {

namespace {

using prometheus::MetricType;
using Figures = ControllerFigures;
using Samples = daemon::MetricSamples;
using Row = ControllerMetric;

constexpr double kSecondUs = 1e6;
constexpr std::array<std::string_view, 4> kStates = {"ready", "testing", "quarantined", "silent"};
constexpr std::array kHopTypes = {HopType::kDestination,        HopType::kAtlasTraceroute,
                                  HopType::kAtlasRecordRoute,   HopType::kRecordRoute,
                                  HopType::kSpoofedRecordRoute, HopType::kSymmetryWithinAs,
                                  HopType::kSymmetryAcrossAses};

// The label of a technique: M-Lab's number and a word.
std::string_view label_of(HopType type) {
  switch (type) {
    case HopType::kDestination:
      return "1_destination";
    case HopType::kAtlasTraceroute:
      return "3_atlas";
    case HopType::kAtlasRecordRoute:
      return "4_atlas_about";
    case HopType::kRecordRoute:
      return "5_record_route";
    case HopType::kSpoofedRecordRoute:
      return "6_spoofed_record_route";
    case HopType::kSymmetryWithinAs:
      return "11_symmetry_within_as";
    case HopType::kSymmetryAcrossAses:
      return "12_symmetry_across_ases";
  }
  return "unknown";
}

Row counter(std::string_view name, std::string_view help, Row::Read read,
            std::vector<std::string_view> labels = {}) {
  return {{name, help, MetricType::Counter, std::move(labels)}, read};
}

Row gauge(std::string_view name, std::string_view help, Row::Read read,
          std::vector<std::string_view> labels = {}) {
  return {{name, help, MetricType::Gauge, std::move(labels)}, read};
}

// One number of a part of the figures: part<&Figures::book, &BookHealth::accepted>.
template <auto Part, auto Member>
void part(const Figures& figures, Samples& samples) {
  samples.add(static_cast<double>(figures.*Part.*Member));
}
template <auto Member>
void brain(const Figures& figures, Samples& samples) {
  samples.add(static_cast<double>(figures.work.brain.*Member));
}
template <auto Member>
void prober(const Figures& figures, Samples& samples) {
  samples.add(static_cast<double>(figures.work.probing.*Member));
}
template <auto Member>
void work(const Figures& figures, Samples& samples) {
  samples.add(static_cast<double>(figures.work.*Member));
}
template <auto Member>
void each_source(const Figures& figures, Samples& samples) {
  for (const SourceInfo& source : figures.sources) {
    samples.add(static_cast<double>(source.*Member), {source.name});
  }
}

std::vector<Row> make_process_rows() {
  return {
      gauge("backsight_build_info", "Always 1; its labels say what runs.",
            [](const Figures& figures, Samples& samples) {
              samples.add(1, {figures.version, "g++ " __VERSION__});
            },
            {"version", "compiler"}),
      gauge("backsight_controller_start_time_seconds", "When the process started, in Unix time.",
            [](const Figures& figures, Samples& samples) {
              samples.add(static_cast<double>(figures.started_unix_seconds));
            }),
      gauge(
          "backsight_controller_ready", "1 if /readyz says so.",
          [](const Figures& figures, Samples& samples) { samples.add(figures.is_ready ? 1 : 0); }),
      gauge("backsight_controller_turn_age_seconds",
            "Since the thread that measures came by; many times a second it should.",
            [](const Figures& figures, Samples& samples) {
              samples.add(figures.since_last_turn_seconds);
            }),
      gauge("backsight_controller_clock_disbelieved_seconds",
            "How far the system's clock is ahead of the time that is gone by; 0: it is believed.",
            [](const Figures& figures, Samples& samples) {
              samples.add(figures.disbelieved_clock_seconds);
            }),
  };
}

std::vector<Row> make_request_rows() {
  using F = Figures;
  using B = BookHealth;
  using R = BrainFigures;
  return {
      counter("backsight_controller_requests_accepted_total", "Requests that are on the disk.",
              part<&F::book, &B::accepted>),
      counter("backsight_controller_requests_refused_by_disk_total",
              "Requests refused because the journal could not be written.",
              part<&F::book, &B::refused>),
      gauge("backsight_controller_requests_under_way", "Requests accepted and not ended.",
            part<&F::book, &B::under_way>),
      gauge("backsight_controller_requests_waiting",
            "Of these, those that have not begun: they wait for vantage points or for another's "
            "path.",
            work<&WorkFigures::waiting>),
      gauge("backsight_controller_requests_waiting_for_source",
            "Of these, those whose source cannot measure now.",
            [](const Figures& figures, Samples& samples) {
              samples.add(static_cast<double>(figures.work.waiting_for_source));
            }),
      gauge("backsight_controller_measuring_held",
            "1 while measuring stands still because its results could not be kept.",
            [](const Figures& figures, Samples& samples) {
              samples.add(figures.work.is_held ? 1 : 0);
            }),
      counter("backsight_controller_measurements_begun_total",
              "Reverse traceroutes begun, those that stand in for others included.",
              brain<&R::begun>),
      counter("backsight_controller_measurements_ended_total",
              "Reverse traceroutes ended, by why they failed; reached: they did not.",
              [](const Figures& figures, Samples& samples) {
                samples.add(static_cast<double>(figures.work.brain.reached), {"reached"});
                for (std::size_t i = 1; i < figures.work.brain.failed.size(); ++i) {
                  samples.add(static_cast<double>(figures.work.brain.failed[i]),
                              {name(static_cast<FailReason>(i))});
                }
              },
              {"reason"}),
      counter("backsight_controller_measurements_from_cache_total",
              "Of these, answered by a path that had been measured before.", brain<&R::from_cache>),
      counter("backsight_controller_stand_ins_total",
              "Measurements from a router of the AS of a destination that is silent.",
              brain<&R::stand_ins>),
      {{"backsight_controller_runtime_seconds",
        "How long reverse traceroutes took.",
        MetricType::Histogram,
        {}},
       [](const Figures& figures, Samples& samples) {
         std::array<double, kRuntimeBoundsUs.size()> bounds;
         std::ranges::transform(kRuntimeBoundsUs, bounds.begin(), [](std::uint64_t us) {
           return static_cast<double>(us) / kSecondUs;
         });
         samples.add_histogram(bounds, figures.book.runtimes,
                               static_cast<double>(figures.book.runtime_us) / kSecondUs);
       }},
      counter("backsight_controller_hops_total", "Hops of paths, by how they were found.",
              [](const Figures& figures, Samples& samples) {
                for (const HopType type : kHopTypes) {
                  const auto number = static_cast<std::size_t>(type);
                  samples.add(static_cast<double>(figures.work.brain.hops[number]),
                              {label_of(type)});
                }
              },
              {"technique"}),
  };
}

std::vector<Row> make_probe_rows() {
  using P = ProberFigures;
  using W = WorkFigures;
  return {
      counter("backsight_controller_measurement_probes_total", "Probes sent for measurements.",
              brain<&BrainFigures::probes>),
      counter("backsight_controller_surveys_total",
              "Probes sent to learn which vantage point is near what.",
              brain<&BrainFigures::surveys>),
      counter("backsight_controller_questions_total", "Pings and traces that somebody wanted.",
              prober<&P::asked>),
      counter("backsight_controller_questions_from_cache_total",
              "Of these, answered by what was known.", prober<&P::from_cache>),
      counter("backsight_controller_questions_coalesced_total",
              "Of these, answered by a probe that was under way for another.",
              prober<&P::coalesced>),
      counter("backsight_controller_tasks_total", "Tasks handed to vantage points.",
              prober<&P::tasks>),
      counter("backsight_controller_tasks_ended_total", "Tasks that ended, by how.",
              [](const Figures& figures, Samples& samples) {
                const ProberFigures& probing = figures.work.probing;
                samples.add(static_cast<double>(probing.answered), {"answered"});
                samples.add(static_cast<double>(probing.silent), {"silent"});
                samples.add(static_cast<double>(probing.failed), {"failed"});
              },
              {"outcome"}),
      counter("backsight_controller_results_unexpected_total",
              "Results and observations that answer no probe of this controller.",
              prober<&P::unexpected>),
      counter("backsight_controller_results_duplicate_total", "Those that answer one again.",
              prober<&P::duplicates>),
      counter(
          "backsight_controller_questions_denied_total",
          "Of these, not asked: the deny list has the destination, or whom it would be asked for.",
          prober<&P::denied>),
      gauge("backsight_controller_questions_held_back",
            "Questions that wait for limits.probes_per_second or for what vantage points can send.",
            prober<&P::held_back>),
      gauge("backsight_controller_packets_in_hand",
            "Packets that vantage points hold and are not known to have sent.",
            prober<&P::in_hand>),
      gauge("backsight_controller_answers_kept", "Answers in memory, for who asks the same.",
            prober<&P::kept>),
      gauge("backsight_controller_circuits_open",
            "Prefixes and ASes that are left alone because nothing there answers.",
            work<&W::open_circuits>),
      gauge("backsight_controller_atlas_contradicted",
            "Traceroutes to sources that a measurement contradicted.", work<&W::contradicted>),
  };
}

std::vector<Row> make_fleet_rows() {
  using S = SourceInfo;
  return {
      gauge("backsight_controller_vantage_points", "Vantage points, by state.",
            [](const Figures& figures, Samples& samples) {
              for (const std::string_view state : kStates) {
                samples.add(static_cast<double>(std::ranges::count(figures.vantage_points, state,
                                                                   &VantagePointInfo::state)),
                            {state});
              }
            },
            {"state"}),
      gauge("backsight_controller_queue_troubles",
            "What keeps queues from working; /readyz has it.",
            [](const Figures& figures, Samples& samples) {
              samples.add(static_cast<double>(figures.work.queue_troubles));
            }),
      counter("backsight_controller_tasks_dropped_total",
              "Tasks that no queue took; they count as not asked.",
              [](const Figures& figures, Samples& samples) {
                samples.add(static_cast<double>(figures.work.tasks_dropped));
              }),
      gauge("backsight_controller_statuses_left_out",
            "Vantage points whose announcement cannot be read or claims what is another's.",
            [](const Figures& figures, Samples& samples) {
              samples.add(static_cast<double>(figures.work.statuses_left_out));
            }),
      gauge("backsight_controller_source_ready", "1 if paths can be measured to the source.",
            each_source<&S::is_ready>, {"source"}),
      gauge("backsight_controller_atlas_traceroutes", "Traceroutes to the source that are known.",
            each_source<&S::atlas_traceroutes>, {"source"}),
      gauge("backsight_controller_atlas_imported",
            "Traceroutes to the source that were taken from files.",
            each_source<&S::atlas_imported>, {"source"}),
      gauge("backsight_controller_atlas_hops", "Hops of these, each once.",
            each_source<&S::atlas_hops>, {"source"}),
      gauge("backsight_controller_atlas_age_seconds", "Age of the oldest of these.",
            [](const Figures& figures, Samples& samples) {
              for (const SourceInfo& source : figures.sources) {
                if (source.atlas_oldest_unix_us == 0) continue;
                const auto now = static_cast<double>(figures.now_unix_us);
                const auto then = static_cast<double>(source.atlas_oldest_unix_us);
                samples.add(std::max(0.0, now - then) / kSecondUs, {source.name});
              }
            },
            {"source"}),
  };
}

std::vector<Row> make_keeping_rows() {
  using F = Figures;
  using B = BookHealth;
  using A = ArchiveStatus;
  return {
      gauge("backsight_controller_journal_writable", "1 if requests can be accepted.",
            [](const Figures& figures, Samples& samples) {
              samples.add(figures.book.why_not_writable.empty() ? 1 : 0);
            }),
      gauge("backsight_controller_journal_bytes", "The journal on the disk.",
            part<&F::book, &B::bytes>),
      gauge("backsight_controller_journal_batches", "Batches that can be asked for.",
            part<&F::book, &B::batches>),
      gauge("backsight_controller_journal_unwritten",
            "Ends that are in memory alone and not shown, until the disk takes them.",
            part<&F::book, &B::unwritten>),
      gauge("backsight_controller_archive_writable", "1 if the archive can be written.",
            [](const Figures& figures, Samples& samples) {
              samples.add(figures.archive.failing.empty() ? 1 : 0);
            }),
      counter("backsight_controller_archive_rows_total", "Rows written, by table.",
              [](const Figures& figures, Samples& samples) {
                for (const Datatype datatype : kAllDatatypes) {
                  const auto number = static_cast<std::size_t>(datatype);
                  samples.add(static_cast<double>(figures.archive.rows[number]), {name(datatype)});
                }
              },
              {"table"}),
      counter("backsight_controller_archive_rows_rejected_total",
              "Rows that did not fit their table's schema, and were left out.",
              part<&F::archive, &A::rejected_rows>),
      counter("backsight_controller_archive_bundles_total", "Bundles made.",
              part<&F::archive, &A::bundles>),
      counter("backsight_controller_archive_bundle_bytes_total", "Their size, packed.",
              part<&F::archive, &A::bundle_bytes>),
      gauge("backsight_controller_archive_queued_bytes", "Records that wait to be written.",
            part<&F::archive, &A::queued_bytes>),
      gauge("backsight_controller_archive_spools",
            "Records of the journal that wait to be bundled.",
            part<&F::archive, &A::records_to_bundle>),
      counter("backsight_controller_http_answers_total", "Answers of the API, by class.",
              [](const Figures& figures, Samples& samples) {
                samples.add(static_cast<double>(figures.api.answers_2xx), {"2xx"});
                samples.add(static_cast<double>(figures.api.answers_4xx), {"4xx"});
                samples.add(static_cast<double>(figures.api.answers_5xx), {"5xx"});
              },
              {"code"}),
      gauge("backsight_controller_event_streams", "Batches that are being followed.",
            part<&F::api, &ApiFigures::event_streams>),
  };
}

}  // namespace

std::span<const ControllerMetric> controller_metrics() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    for (auto make : {make_process_rows, make_request_rows, make_probe_rows, make_fleet_rows,
                      make_keeping_rows}) {
      std::vector<Row> some = make();
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace backsight::controller
