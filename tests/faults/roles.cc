#include "roles.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "queue/client.h"
#include "queue/vp_queue.h"

namespace backsight::faults {

namespace {

using namespace std::chrono_literals;

queue::QueueAddress address_of(const RoleOptions& options) {
  queue::QueueAddress address(options.url);
  address.spool = options.folder + "/spool";
  address.state = options.folder + "/state";
  address.spool_limit_bytes = 4 << 20;
  return address;
}

tasks::ProbeResult answer_to(const tasks::QueuedTask& task) {
  tasks::ProbeResult result;
  result.task = task.task.id;
  result.position = task.position;
  result.dst = task.task.dst;
  return result;
}

std::string name_of(const queue::StoredResults& stored) {
  return fmt::format("{:016x}.{}.{}", stored.message.head.log, stored.message.head.boot_epoch,
                     stored.message.head.batch);
}

// The names of batches that stand whole in the file; a torn end is cut off.
std::set<std::string> read_back(const std::string& path) {
  std::set<std::string> names;
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::size_t whole = 0;
  while (std::getline(in, line) && !in.eof()) {
    whole += line.size() + 1;
    names.insert(line.substr(0, line.find(' ')));
  }
  if (::truncate(path.c_str(), static_cast<off_t>(whole)) != 0) return names;
  return names;
}

bool append(int file, const std::string& text) {
  const off_t begin = ::lseek(file, 0, SEEK_END);
  const bool is_written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fdatasync(file) == 0;
  if (!is_written) (void)!::ftruncate(file, begin);
  return is_written;
}

void say(const std::vector<std::string>& complaints) {
  for (const std::string& complaint : complaints) fmt::print(stderr, "{}\n", complaint);
}

}  // namespace

int run_vantage_point(const RoleOptions& options) {
  follow_clock(options.clock_file);
  auto opened = queue::open_vp_queue(address_of(options), "ams01");
  if (!opened) {
    say({opened.error().sentence});
    return 1;
  }
  queue::VpQueue& vp = **opened;
  tasks::ResultBatch batch;
  auto announce_at = std::chrono::steady_clock::now();
  while (true) {
    std::vector<tasks::QueuedTask> tasks;
    std::vector<std::string> complaints;
    const auto taken = vp.take(300, tasks, complaints);
    say(complaints);
    if (!taken) say({taken.error().sentence});
    for (const tasks::QueuedTask& task : tasks) batch.probes.push_back(answer_to(task));
    if (batch.size() > 0) {
      if (const auto put = vp.put(batch)) {
        batch.clear();
      } else {
        say({put.error().sentence});
        std::this_thread::sleep_for(20ms);
      }
    }
    if (std::chrono::steady_clock::now() >= announce_at) {
      announce_at = std::chrono::steady_clock::now() + 200ms;
      (void)vp.announce(fmt::format("{{\"spool\":{}}}", vp.spool().results));
    }
    std::this_thread::sleep_for(1ms);
  }
}

int run_consumer(const RoleOptions& options) {
  follow_clock(options.clock_file);
  const std::string& path = options.results;
  std::set<std::string> names = read_back(path);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  std::set<std::string> given;  // in this life
  std::unique_ptr<queue::QueueClient> access;
  std::unique_ptr<queue::ResultSource> source;
  while (true) {
    std::this_thread::sleep_for(1ms);
    if (source == nullptr) {
      auto opened = queue::open_queue(address_of(options));
      if (!opened) continue;
      access = std::move(*opened);
      auto found = access->open_source("ams01");
      if (!found) {
        say({found.error().sentence});
        std::this_thread::sleep_for(50ms);
        continue;
      }
      source = std::move(*found);
    }
    std::vector<std::string> complaints;
    std::string text;
    std::vector<std::string> written;
    for (int i = 0; i < 50; ++i) {
      const auto stored = source->next(complaints);
      if (!stored) {
        say({stored.error().sentence});
        return 1;
      }
      if (!*stored) break;
      const std::string name = name_of(**stored);
      if (!given.insert(name).second) {
        say({"the queue gave batch " + name + " twice"});
        return kGivenTwice;
      }
      if (names.contains(name)) continue;  // written, and not committed before the last death
      text += name;
      for (const auto& result : (*stored)->message.results.probes) {
        text += fmt::format(" {}", result.task);
      }
      text += '\n';
      written.push_back(name);
    }
    say(complaints);
    if (!text.empty() && !append(file, text)) {
      say({"the consumer's disk refuses"});
      return 1;  // begins anew, with what stands in the book
    }
    names.insert(written.begin(), written.end());
    if (const auto committed = source->commit(); !committed) {
      say({committed.error().sentence});
      return 1;
    }
  }
}

}  // namespace backsight::faults
