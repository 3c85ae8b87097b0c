#include "controller/service/data_watch.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <new>
#include <utility>

namespace backsight::controller {

namespace {
constexpr std::chrono::seconds kLookEvery{2};
}  // namespace

std::optional<ReadData> DataLook::look() {
  const auto files = data_files(config_);
  if (!files_.has_news(files)) return std::nullopt;
  const std::uint64_t first = next_import_;
  ReadData read = read_data(config_, next_import_);
  if (files_.settle(data_files(config_))) return read;
  next_import_ = first;
  return std::nullopt;
}

ReadData DataLook::read() {
  files_.know(data_files(config_));
  return read_data(config_, next_import_);
}

DataWatch::DataWatch(DataLook look, config::FileLook::Files settings, Calls calls)
    : look_(std::move(look)), settings_(std::move(settings)), calls_(std::move(calls)) {
  settings_look_.know(settings_);
  thread_ = std::thread([this] { run(); });
}

DataWatch::~DataWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  has_come_.notify_one();
  thread_.join();
}

void DataWatch::read_now() {
  {
    const std::lock_guard lock(mutex_);
    wants_reading_ = true;
  }
  has_come_.notify_one();
}

void DataWatch::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    has_come_.wait_for(lock, kLookEvery, [this] { return is_stopping_ || wants_reading_; });
    if (is_stopping_) return;
    const bool reads_all = std::exchange(wants_reading_, false);
    lock.unlock();
    if (settings_look_.has_news(settings_) && settings_look_.settle(settings_)) {
      calls_.settings_changed();
    }
    try {
      if (reads_all) {
        take_up(look_.read());
      } else if (auto read = look_.look()) {
        take_up(std::move(*read));
      }
    } catch (const std::bad_alloc&) {
      spdlog::error("files of data are not taken up: there is not enough memory for them");
    }
    lock.lock();
  }
}

void DataWatch::take_up(ReadData read) {
  for (const std::string& it : read.served) spdlog::info("{}", it);
  for (const std::string& it : read.complaints) spdlog::warn("{}", it);
  for (const Error& it : read.faults) {
    spdlog::error("not taken up, what was read before goes on: {}", it.sentence);
  }
  calls_.take(std::move(read.files));
}

}  // namespace backsight::controller
