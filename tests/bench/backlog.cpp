#include "bench/backlog.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bench/peers.hpp"
#include "bench/workload.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::bench {
namespace {

constexpr std::size_t kGroup = 1'000;

// What one measured process said.
struct Backlog {
  double open_ms = 0;
  double cold_open_ms = 0;
  double bare_open_ms = 0;
  double opened_kib = 0;
  double drained_kib = 0;
  double drain_rate = 0;
};

double resident_kib() {
  std::ifstream memory("/proc/self/smaps_rollup");
  std::string word;
  while (memory >> word) {
    double kib = 0;
    if (word == "Rss:" && memory >> kib) return kib;
  }
  return 0;
}

double files_kib(const test::TempDir& dir) {
  double bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(dir.path()))
    bytes += static_cast<double>(file.file_size());
  return bytes / 1024;
}

// Takes the database's pages out of the system's cache, as after a start of the machine.
void cool(const std::string& database) {
  for (const char* suffix : {"", "-wal", "-owner"}) {
    const int file = ::open((database + suffix).c_str(), O_RDONLY);
    if (file < 0) continue;
    EDGEPOST_ASSERT(::fdatasync(file) == 0);
    EDGEPOST_ASSERT(::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(file);
  }
}

Backlog measured(const std::string& program, const std::string& database) {
  Backlog backlog;
  std::FILE* child = ::popen(("'" + program + "' --backlog '" + database + "'").c_str(), "r");
  EDGEPOST_ASSERT(child != nullptr);
  const int read = std::fscanf(child, "%lf %lf %lf %lf %lf %lf", &backlog.open_ms,
                               &backlog.cold_open_ms, &backlog.bare_open_ms, &backlog.opened_kib,
                               &backlog.drained_kib, &backlog.drain_rate);
  EDGEPOST_ASSERT(::pclose(child) == 0 && read == 6);
  return backlog;
}

double textbook_drain_rate(const Effort& effort) {
  const std::size_t drained = effort.of(1'000);
  const test::TempDir dir;
  TextbookOutbox outbox(dir.file("t.db"));
  for (int i = 0; i < 20; ++i)
    outbox.publish_group(kGroup, std::string(100, 'x'));
  return static_cast<double>(drained) / seconds([&] { outbox.drain(drained); });
}

void print(const Backlog& backlog, const Backlog& none, std::size_t pending) {
  line("open", backlog.open_ms, "ms");
  beside("bare SQLite, opened and read", backlog.open_ms, backlog.bare_open_ms);
  const bool is_none = pending == 0;
  if (!is_none) beside("open when empty", backlog.open_ms, none.open_ms, at_most(2));
  line("open, nothing of it cached", backlog.cold_open_ms, "ms");
  beside("open when empty, cached", backlog.cold_open_ms, none.open_ms,
         is_none ? Target{} : at_most(8));
  line("RSS when open", backlog.opened_kib, "KiB");
  if (!is_none)
    line("  more than with none", backlog.opened_kib - none.opened_kib, "KiB", at_most(256));
}

}  // namespace

int measure_backlog(const char* database) {
  constexpr int kOpens = 9;
  std::vector<double> cold, bare, warm;
  for (int i = 0; i < kOpens; ++i) {
    cool(database);
    cold.push_back(seconds([&] { open_gateway(database); }));
    bare.push_back(
        seconds([&] { const Database file(database, {}, "SELECT * FROM sqlite_schema"); }));
  }
  std::unique_ptr<Gateway> gateway;
  for (int i = 0; i < kOpens; ++i) {
    gateway.reset();
    warm.push_back(seconds([&] { gateway = open_gateway(database); }));
  }
  const double opened = resident_kib();
  Consumer consumer = open_consumer(*gateway);
  std::uint64_t fetches = 0, drained = 0;
  double memory = opened;
  const double time = seconds([&] {
    drained = drain(consumer, [&] {
      if (fetches++ % 1'000 == 0) memory = std::max(memory, resident_kib());
    });
    memory = std::max(memory, resident_kib());
  });
  std::printf("%f %f %f %f %f %f\n", quantile(warm) * 1e3, quantile(cold) * 1e3,
              quantile(bare) * 1e3, opened, memory, static_cast<double>(drained) / time);
  return 0;
}

void backlogs(const std::string& program, const Effort& effort) {
  const std::string data(100, 'x');
  const double textbook = textbook_drain_rate(effort);
  Backlog none, fewest;
  for (const std::size_t pending : effort.pending) {
    const test::TempDir dir;
    auto gateway = open_gateway(dir.file("g.db"));
    for (std::size_t i = 0; i < pending / kGroup; ++i)
      publish_group(*gateway, kGroup, data);
    gateway.reset();
    const Backlog backlog = measured(program, dir.file("g.db"));
    if (pending == 0) none = backlog;
    heading(std::to_string(pending) + " events pending, 100 B");
    print(backlog, none, pending);
    if (pending == 0) continue;
    line("RSS while draining", backlog.drained_kib, "KiB");
    if (fewest.drained_kib > 0) {
      line("  more than while draining the fewest", backlog.drained_kib - fewest.drained_kib, "KiB",
           at_most(256));
    } else {
      fewest = backlog;
    }
    line("drain from the store alone", backlog.drain_rate, "events/s");
    beside("the textbook outbox", backlog.drain_rate, textbook, at_least(100));
  }
}

void in_and_out(const Effort& effort) {
  const std::string data(100, 'x');
  const std::size_t groups = effort.of(1'000);
  const test::TempDir dir, peer;
  auto gateway = open_gateway(dir.file("g.db"));
  Consumer consumer = open_consumer(*gateway);
  const double before = files_kib(dir);
  TextbookOutbox outbox(peer.file("t.db"));
  for (std::size_t i = 0; i < groups; ++i) {
    publish_group(*gateway, kGroup, data);
    EDGEPOST_ASSERT(drain(consumer) == kGroup);
    outbox.publish_group(kGroup, data);
    outbox.drain_batch(kGroup);
  }
  EDGEPOST_ASSERT(gateway->flush().is_ok());
  heading(std::to_string(groups * kGroup) + " events of 100 B in and out, 1000 at a time");
  line("a group's data, the floor", static_cast<double>(kGroup * data.size()) / 1024, "KiB");
  line("all files before, log and reserve included", before, "KiB");
  line("all files after", files_kib(dir), "KiB");
  line("  more than before", files_kib(dir) - before, "KiB");
  line("the textbook outbox's files after", files_kib(peer), "KiB");
}

}  // namespace edgepost::bench
