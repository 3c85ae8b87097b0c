#include "world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "queue/nats/broker/connection.h"
#include "queue/nats/consumer/nats_client.h"
#include "queue/nats/wire/subjects.h"
#include "roles.h"

extern char** environ;

namespace backsight::faults {

namespace {

using namespace std::chrono_literals;

constexpr auto kSettleTime = 60s;
constexpr const char* kBrokerDamage = "bit flipped in the broker's results";
constexpr std::size_t kTasksOfARound = 400;
constexpr const char* kSmallDisk = "size=24m";

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

tasks::Task task_of(std::uint64_t id) {
  tasks::Task task;
  task.id = id;
  task.dst = {static_cast<std::uint32_t>(0xc6120000 + id % 65536)};
  task.timeout_ms = 20;
  return task;
}

}  // namespace

// --- processes ---------------------------------------------------------------------------------

void Mortal::live() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) ended_with_ = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ended_with_ = 128 + WTERMSIG(status);
  }
  if (pid_ > 0) return;
  std::vector<char*> argv;
  for (std::string& word : command_) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const std::string errors = said_ + ".err";
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, said_.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&files);
}

void Mortal::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Mortal::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// --- the world ---------------------------------------------------------------------------------

World::World(std::uint64_t seed, std::string real_programs)
    : random_(seed), is_real_(!real_programs.empty()), proxy_(broker_.port()) {
  folder_ = broker_.folder() / "world";
  std::filesystem::create_directories(folder_);
  mount_small_disk();
  std::ofstream(folder_ / "clock", std::ios::binary) << std::string(8, '\0');
  make_processes(real_programs);
}

World::~World() {
  if (vantage_point_ != nullptr) vantage_point_->kill();
  if (consumer_ != nullptr) consumer_->kill();
  if (has_small_disk_) umount2(folder_.c_str(), MNT_DETACH);
}

// A disk that can be filled; needs root, and a mount namespace of our own.
void World::mount_small_disk() {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) return;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
  has_small_disk_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, kSmallDisk) == 0;
}

void World::make_processes(const std::string& real_programs) {
  const std::string url = fmt::format("nats://127.0.0.1:{}", proxy_.port());
  const std::string folder = folder_.string();
  const auto said = [&](const char* who) { return (broker_.folder() / who).string(); };
  if (!is_real_) {
    const auto role = [&](const char* name) {
      return std::vector<std::string>{own_program(),   "--role",         name, url, folder,
                                      said("results"), folder + "/clock"};
    };
    vantage_point_ = std::make_unique<Mortal>(role("vp"), said("vp"));
    consumer_ = std::make_unique<Mortal>(role("consumer"), said("consumer"));
    return;
  }
  std::ofstream(folder_ / "fleet.key") << std::string(64, 'a') << "\n";
  std::filesystem::permissions(folder_ / "fleet.key", std::filesystem::perms::owner_read);
  std::ofstream(folder_ / "vp.yaml") << fmt::format(
      "name: ams01\nid: 1\n"
      "ports: [{{device: 'net_null0,no-rx=1', address: 192.0.2.10/24, gateway: 192.0.2.1, "
      "gateway_mac: '02:00:00:00:00:01'}}]\n"
      "engine: {{workers: [1], control: 0, idle: adaptive, hugepages: off, inflight: 4096, "
      "waiting: 4096, traces: 64}}\n"
      "rates: {{per_destination_pps: 0, per_prefix24_pps: 0}}\n"
      "identity: {{key_file: fleet.key}}\n"
      "queue: {{url: '{}', spool: spool, spool_limit_mib: 4}}\n"
      "metrics: {{listen: off}}\n",
      url);
  vantage_point_ = std::make_unique<Mortal>(
      std::vector<std::string>{real_programs + "/backsight-vp", "--config", folder + "/vp.yaml"},
      said("vp"));
  consumer_ = std::make_unique<Mortal>(
      std::vector<std::string>{real_programs + "/backsight", "queue", "get", "--queue", url, "--vp",
                               "ams01", "--state", folder + "/state", "--idle-ms", "100000000"},
      said("results"));
}

// --- faults ------------------------------------------------------------------------------------

void World::nap(unsigned most_ms) {
  std::this_thread::sleep_for(std::chrono::microseconds(random_() % (1000ULL * most_ms + 1)));
}

std::vector<World::Fault> World::faults() {
  std::vector<Fault> all{
      {"vantage point killed", [&] { vantage_point_->kill(); }},
      {"broker killed",
       [&] {
         broker_.kill();
         nap(100);
         broker_.start();
       }},
      {"broker stopped",
       [&] {
         broker_.send(SIGSTOP);
         nap(random_() % 20 == 0 ? 7000 : 300);
         broker_.send(SIGCONT);
       }},
      {"wire cut", [&] { proxy_.cut(); }},
      {"wire silent",
       [&] {
         proxy_.swallow(true);
         nap(random_() % 20 == 0 ? 7000 : 300);
         if (random_() % 2 == 0) proxy_.cut();
         proxy_.swallow(false);
       }},
      {"consumer stopped", [&] { consumer_->stop(); }},
  };
  if (has_small_disk_) {
    all.push_back({"disk full", [&] {
                     fill_disk(true);
                     nap(300);
                     fill_disk(false);
                   }});
  }
  if (is_real_) return all;
  all.push_back({"consumer killed", [&] { consumer_->kill(); }});
  all.push_back({kBrokerDamage, [&] {
                   consumer_->kill();
                   vantage_point_->live();
                   nap(200);  // results gather there
                   broker_.kill();
                   damage_broker();
                   broker_.start();
                 }});
  all.push_back({"torn end of results", [&] {
                   vantage_point_->kill();
                   damage_end_of_results();
                 }});
  all.push_back({"bit flipped in tasks", [&] {
                   vantage_point_->kill();
                   damage_tasks();
                 }});
  all.push_back({"clock stepped", [&] { step_clock(); }});
  return all;
}

void World::fill_disk(bool is_full) {
  const auto ballast = folder_ / "ballast";
  if (!is_full) {
    std::filesystem::remove(ballast);
    return;
  }
  std::ofstream out(ballast, std::ios::binary);
  const std::string block(64 << 10, 'x');
  while (out.write(block.data(), static_cast<std::streamsize>(block.size())) && out.flush()) {
  }
}

void World::step_clock() {
  const auto seconds = static_cast<std::int64_t>(random_() % 2'000'000) - 1'000'000;
  std::fstream out(folder_ / "clock", std::ios::binary | std::ios::in | std::ios::out);
  out.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
}

namespace {

std::filesystem::path newest(const std::filesystem::path& folder, const char* extension) {
  std::filesystem::path last;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == extension && entry.path() > last) last = entry.path();
  }
  return last;
}

// Any bit of the file, if there is one.
template <typename Random>
void flip_bit(const std::filesystem::path& file, Random& random) {
  if (file.empty() || std::filesystem::file_size(file) == 0) return;
  const std::uint64_t bit = random() % (std::filesystem::file_size(file) * 8);
  std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
  bytes.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = bytes.get();
  if (byte == EOF) return;
  bytes.seekp(static_cast<std::streamoff>(bit / 8));
  bytes.put(static_cast<char>(byte ^ 1 << bit % 8));
}

}  // namespace

// What a write that was under way when the machine died leaves behind the durable end.
void World::damage_end_of_results() {
  const auto segment = newest(folder_ / "spool/ams01/results", ".log");
  if (segment.empty()) return;
  std::ofstream out(segment, std::ios::binary | std::ios::app);
  for (std::uint64_t i = 0; i < 1 + random_() % 3000; ++i) {
    out.put(static_cast<char>(random_() % 3 == 0 ? 0 : random_()));
  }
}

// The broker still has them, unless all are done.
void World::damage_tasks() { flip_bit(newest(folder_ / "spool/ams01/tasks", ".log"), random_); }

// In results that the vantage point keeps.
void World::damage_broker() {
  const auto messages = broker_.folder() / "store/jetstream/$G/streams/BACKSIGHT_RESULTS/msgs";
  flip_bit(newest(messages, ".blk"), random_);
}

// --- rounds ------------------------------------------------------------------------------------

void World::put_tasks() {
  std::vector<tasks::Task> tasks(1 + random_() % kTasksOfARound);
  for (tasks::Task& task : tasks) task = task_of(next_id_++);
  if (producer_ == nullptr) {
    auto opened = queue::open_queue(broker_.url());
    if (!opened) return;
    producer_ = std::move(*opened);
  }
  const bool is_put = producer_->put_tasks("ams01", tasks).has_value();
  for (const tasks::Task& task : tasks) (is_put ? accepted_ : maybe_).insert(task.id);
  if (is_put) counts_.tasks += tasks.size();
}

bool World::round() {
  ++counts_.rounds;
  vantage_point_->live();
  consumer_->live();
  put_tasks();
  const auto all = faults();
  for (std::uint64_t i = 0; i < 1 + random_() % 3; ++i) {
    nap(120);
    const Fault& fault = all[random_() % all.size()];
    ++counts_.faults[fault.name];
    fault.happen();
    if (random_() % 2 == 0) {
      vantage_point_->live();
      consumer_->live();
    }
  }
  read_results();
  return is_sane();
}

bool World::is_sane() {
  if (consumer_->ended_with() == kGivenTwice) {
    fmt::print(stderr, "faults: the consumer was given a batch twice\n");
    return false;
  }
  if (counts_.twice > 0) fmt::print(stderr, "faults: {} tasks answered twice\n", counts_.twice);
  return counts_.twice == 0;
}

// Small programs write "BATCH TASK TASK...", the real one JSON lines.
void World::read_results() {
  std::ifstream in(broker_.folder() / "results", std::ios::binary);
  in.seekg(static_cast<std::streamoff>(read_to_));
  std::string line;
  while (std::getline(in, line) && !in.eof()) {
    read_to_ += line.size() + 1;
    const auto count = [&](std::uint64_t task) {
      if (++answered_[task] == 2) {
        ++counts_.twice;
        fmt::print(stderr, "faults: task {} answered twice\n", task);
      }
    };
    if (is_real_) {
      const std::size_t at = line.find("\"task\":");
      if (at != std::string::npos) count(std::strtoull(line.c_str() + at + 7, nullptr, 10));
      continue;
    }
    for (std::size_t at = line.find(' '); at != std::string::npos; at = line.find(' ', at + 1)) {
      count(std::strtoull(line.c_str() + at + 1, nullptr, 10));
    }
  }
}

// What the processes said at last, and what the broker holds.
void World::tell_last_words() const {
  for (const std::uint64_t task : accepted_) {
    if (answered_.contains(task)) continue;
    fmt::print(stderr, "the first without an answer: task {}\n", task);
    break;
  }
  if (const auto connection = queue::nats::Connection::open(broker_.url(), "test", "faults")) {
    for (const char* stream : {queue::nats::kTaskStream, queue::nats::kResultStream}) {
      jsStreamInfo* got = nullptr;
      js_GetStreamInfo(&got, (*connection)->jet_stream(), stream, nullptr, nullptr);
      const queue::nats::StreamInfo info(got);
      jsConsumerInfo* found = nullptr;
      js_GetConsumerInfo(&found, (*connection)->jet_stream(), stream, "ams01", nullptr, nullptr);
      const queue::nats::ConsumerInfo consumer(found);
      if (info == nullptr || consumer == nullptr) continue;
      fmt::print(stderr, "{}: {} messages, {} to {}; {} handed out, {} to come, {} waiting\n",
                 stream, info->State.Msgs, info->State.FirstSeq, info->State.LastSeq,
                 consumer->NumAckPending, consumer->NumPending, consumer->NumWaiting);
    }
  }
  std::ifstream book(folder_ / "state/ams01/committed");
  fmt::print(stderr, "{}", std::string{std::istreambuf_iterator<char>(book), {}});
  for (const char* who : {"vp.err", "consumer.err", "said.txt"}) {
    std::ifstream in(broker_.folder() / who, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    fmt::print(stderr, "--- {}\n{}\n", who,
               text.substr(text.size() - std::min<std::size_t>(text.size(), 3000)));
  }
}

bool World::settle() {
  fill_disk(false);
  const auto ends = std::chrono::steady_clock::now() + kSettleTime;
  // nats-server 2.9.10 may give nothing more of a store whose bytes were flipped; what the
  // consumer's complaint asks of a person is done then.
  bool may_renew = counts_.faults.contains(kBrokerDamage);
  while (true) {
    vantage_point_->live();
    consumer_->live();
    read_results();
    if (!is_sane()) return false;
    counts_.lost = static_cast<std::uint64_t>(std::ranges::count_if(
        accepted_, [&](std::uint64_t task) { return !answered_.contains(task); }));
    if (counts_.lost == 0) return true;
    if (may_renew && std::chrono::steady_clock::now() > ends - kSettleTime / 2) {
      may_renew = false;
      ++counts_.faults["stream of results renewed for that, by hand"];
      (void)queue::nats::renew_results(broker_.url(), {});
    }
    if (std::chrono::steady_clock::now() > ends) {
      fmt::print(stderr, "faults: {} accepted tasks have no answer\n", counts_.lost);
      tell_last_words();
      return false;
    }
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace backsight::faults
