// The disk, the book and the archive that a controller's service works with.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controller/archive/archive.h"
#include "controller/archive/layout.h"
#include "controller/journal/request_book.h"
#include "data_files.h"
#include "random_request.h"
#include "stubborn_disk.h"

namespace backsight::controller {

inline bool eventually(const std::function<bool()>& is_so) {
  using namespace std::chrono_literals;
  const auto ends = std::chrono::steady_clock::now() + 120s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > ends) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class ServiceRig {
 public:
  static constexpr std::uint64_t kNowUs = 1'767'225'600'000'000;

  ServiceRig() {
    ArchiveOptions archiving;
    archiving.directory = (folder.path() / "archive").string();
    archiving.retry_interval = std::chrono::milliseconds(1);
    archiving.files = &disk;
    const auto layout = ArchiveLayout::of(archiving.directory);
    BookOptions booking;
    booking.now_us = [] { return kNowUs; };
    auto opened = RequestBook::open(disk, {layout->journal_directory(), numbers()}, booking);
    EXPECT_TRUE(opened) << opened.error().sentence;
    book = std::move(opened->book);
    archiving.show = [this](std::span<const EndedRecord> ended) { book->show(ended); };
    auto archive_opened = Archive::open(archiving, {}, book->journal());
    EXPECT_TRUE(archive_opened) << archive_opened.error().sentence;
    archive = std::move(*archive_opened);
  }

  [[nodiscard]] std::string numbers() const { return (folder.path() / "numbers").string(); }
  [[nodiscard]] IdSource probe_ids() {
    auto ids = IdSource::open(disk, numbers(), "probes");
    EXPECT_TRUE(ids);
    return std::move(*ids);
  }
  static Request request(const char* src, const char* dst) {
    Request request;
    request.user = "alice";
    request.src = probes::parse_ipv4(src).value();
    request.dst = probes::parse_ipv4(dst).value();
    return request;
  }
  // The book has it, and nobody measures it yet.
  std::vector<Request> accepted(std::vector<Request> requests) {
    EXPECT_TRUE(book->accept(requests));
    return requests;
  }
  // How the request ended, by its words; empty: it has not.
  [[nodiscard]] std::string fail_reason(const Request& request) const {
    constexpr std::string_view kKey = R"("fail_reason":")";
    const auto progress = book->progress(request.batch, 0);
    for (const EndedPath& it : progress->ended) {
      if (it.id != request.id) continue;
      const std::size_t at = it.json.find(kKey) + kKey.size();
      return it.json.substr(at, it.json.find('"', at) - at);
    }
    return "";
  }

  DataFolder folder;
  StubbornDisk disk;
  std::unique_ptr<RequestBook> book;
  std::unique_ptr<Archive> archive;
};

}  // namespace backsight::controller
