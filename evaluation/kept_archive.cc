#include "evaluation/kept_archive.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "controller/archive/layout.h"

namespace backsight::evaluation {

KeptArchive::KeptArchive(controller::PrefixTable prefixes, std::uint64_t unix_us)
    : annotation_{std::make_shared<controller::PrefixTable>(std::move(prefixes)), nullptr},
      unix_us_(unix_us) {}

Expected<std::unique_ptr<KeptArchive>> KeptArchive::open(const std::string& directory,
                                                         controller::PrefixTable prefixes,
                                                         std::uint64_t unix_us) {
  std::unique_ptr<KeptArchive> kept(new KeptArchive(std::move(prefixes), unix_us));
  controller::ArchiveOptions options;
  options.directory = directory;
  options.archiver = {"evaluation", ""};
  options.tell = [](const std::string& sentence) {
    std::fprintf(stderr, "evaluate: archive: %s\n", sentence.c_str());
  };
  options.unix_us = [it = kept.get()] { return it->unix_us_.load(std::memory_order_relaxed); };
  const auto layout = controller::ArchiveLayout::of(directory);
  if (!layout) return tl::unexpected(layout.error());
  std::vector<std::string> complaints;
  auto journal = controller::Journal::open(*options.files, layout->journal_directory(), {}, nullptr,
                                           complaints);
  if (!journal) return tl::unexpected(journal.error());
  kept->journal_ = std::move(*journal);
  for (const std::string& it : complaints) options.tell(it);
  auto archive = controller::Archive::open(std::move(options), kept->annotation_, *kept->journal_);
  if (!archive) return tl::unexpected(archive.error());
  kept->archive_ = std::move(*archive);
  return kept;
}

void KeptArchive::take(const controller::BrainOutput& output, std::uint64_t unix_us) {
  unix_us_.store(unix_us, std::memory_order_relaxed);
  archive_->wait_for_room();
  for (const auto& it : output.pings) archive_->append(it);
  for (const auto& it : output.traces) archive_->append(it);
  for (const auto& it : output.rankings) archive_->append(it);
  for (const auto& it : output.ended) archive_->append(it);
}

Expected<KeptArchive::Figures> KeptArchive::close() {
  const auto closed = archive_->close();
  if (!closed) return tl::unexpected(closed.error());
  const controller::ArchiveStatus status = archive_->status();
  return Figures{status.appended, status.bundle_bytes};
}

}  // namespace backsight::evaluation
