#include "controller/running/data_watch.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <utility>

namespace backsight::controller {

namespace {
constexpr std::chrono::seconds kLookEvery{2};

std::int64_t ns_of(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

}  // namespace

DataLook::Signatures DataLook::now() const {
  Signatures found;
  for (const auto& file : data_files(config_)) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) continue;
    found[file.string()] = {status.st_dev, status.st_ino, status.st_size, ns_of(status.st_mtim),
                            ns_of(status.st_ctim)};
  }
  return found;
}

std::optional<ReadData> DataLook::look() {
  Signatures current = now();
  const bool lies_still = current == std::exchange(seen_, current);
  if (current == read_ || !lies_still) return std::nullopt;
  const std::uint64_t first = next_import_;
  ReadData read = read_data(config_, next_import_);
  if (now() != current) {
    next_import_ = first;
    return std::nullopt;
  }
  read_ = std::move(current);
  return read;
}

ReadData DataLook::read() {
  read_ = seen_ = now();
  return read_data(config_, next_import_);
}

DataWatch::DataWatch(DataLook look, std::function<void(DataFiles)> take)
    : look_(std::move(look)), take_(std::move(take)), thread_([this] { run(); }) {}

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
  take_(std::move(read.files));
}

}  // namespace backsight::controller
