// Streams beside their floors and peers of the same run. Run it by tools/bench; every rate is a
// median of some rounds, which take turns with the floor's and the peers'. What is written and
// synced is counted by a disk that watches, for us and for the textbook outbox alike.
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>

#include "bench/backlog.hpp"
#include "bench/bench.hpp"
#include "bench/peers.hpp"
#include "bench/workload.hpp"
#include "support/temp_dir.hpp"
#include "support/watched_disk.hpp"

namespace edgepost::bench {
namespace {

std::string bytes_of(std::size_t bytes) { return std::to_string(bytes) + " B"; }

// Events per second when `commit` is called `commits` times for `group` events each.
double rate(std::size_t commits, std::size_t group, const std::function<void()>& commit) {
  return static_cast<double>(commits * group) / seconds([&] {
           for (std::size_t i = 0; i < commits; ++i)
             commit();
         });
}

double per(std::uint64_t amount, std::uint64_t count) {
  return static_cast<double>(amount) / static_cast<double>(count);
}

struct Written {
  std::uint64_t bytes = 0, syncs = 0;
};
Written written(const test::WatchedDisk& disk) { return {disk.written_bytes, disk.syncs}; }
Written operator-(const Written& now, const Written& before) {
  return {now.bytes - before.bytes, now.syncs - before.syncs};
}

void append(const Effort& effort, std::size_t group, std::size_t data_bytes, double paho) {
  const std::string data(data_bytes, 'x');
  const std::size_t commits = effort.of(std::clamp<std::size_t>(20'000 / group, 50, 1'000));
  const std::uint64_t events = commits * group;
  std::vector<double> ours, raw, bare, textbook;
  Written our_writes, textbook_writes;
  for (int round = 0; round < effort.rounds; ++round) {
    const test::TempDir dir;
    test::WatchedDisk disk;
    auto gateway = open_gateway(dir.file("g.db"), disk.name());
    Written before = written(disk);
    ours.push_back(rate(commits, group, [&] { publish_group(*gateway, group, data); }));
    our_writes = written(disk) - before;
    RawFile file(dir.file("raw"));
    raw.push_back(rate(commits, group, [&] { file.append(group * data_bytes); }));
    BareTable table(dir.file("b.db"));
    bare.push_back(rate(commits, group, [&] { table.publish_group(group, data); }));
    TextbookOutbox outbox(dir.file("t.db"), disk.name());
    before = written(disk);
    textbook.push_back(rate(commits, group, [&] { outbox.publish_group(group, data); }));
    textbook_writes = written(disk) - before;
  }
  const double median = quantile(ours);
  const bool is_small = group * data_bytes <= 10'000;
  line("groups of " + std::to_string(group), median, "events/s");
  beside("a raw file, synced", median, quantile(raw), is_small ? at_least(0.95) : Target{});
  beside("bare SQLite, same table", median, quantile(bare),
         group == 100 ? at_least(0.9) : Target{});
  beside("the textbook outbox", median, quantile(textbook));
  const Target far = group == 1 ? at_least(1.5) : group == 100 ? at_least(100) : Target{};
  beside("Paho C's files, not synced", median, paho, far);
  line("  bytes written", per(our_writes.bytes, events), "B/event");
  beside("the textbook outbox", per(our_writes.bytes, events), per(textbook_writes.bytes, events));
  line("  syncs", per(our_writes.syncs, events), "1/event");
  line("  syncs for each commit", per(our_writes.syncs, commits), "1/commit",
       group * data_bytes <= 4'000 ? at_most(1.03) : Target{});
}

void appends(const Effort& effort) {
  heading("Append, 100 B");
  double paho = 0;
  if (has_paho()) {
    const test::TempDir dir;
    paho = paho_offline_rate(dir.path(), effort.of(2'000), std::string(100, 'x'));
    line("Paho C offline, one file for each message", paho, "messages/s");
  } else {
    std::printf(
        "  built without Paho C (libpaho-mqtt-dev, see tools/setup --bench): not compared\n");
  }
  for (const std::size_t group : {1U, 10U, 100U, 1000U})
    append(effort, group, 100, paho);
  heading("Append, 1000 B");
  append(effort, 100, 1'000, 0);
}

// One event in flight for each thread.
void closed_loop(const Effort& effort, std::size_t count, double& one_thread, double sync) {
  const std::size_t each = effort.of(count == 1 ? 2'000 : 8'000 / count);
  std::vector<double> rates, times;
  for (int round = 0; round < effort.rounds; ++round) {
    const test::TempDir dir;
    auto gateway = open_gateway(dir.file("g.db"));
    std::vector<std::vector<double>> took(count);
    const double total = seconds([&] {
      std::vector<std::thread> workers;
      for (std::size_t t = 0; t < count; ++t) {
        workers.emplace_back([&, t] {
          for (std::size_t i = 0; i < each; ++i) {
            took[t].push_back(seconds([&] {
              EDGEPOST_ASSERT(
                  gateway->publish({.topic = "t", .data = std::string(100, 'x')}).is_ok());
            }));
          }
        });
      }
      for (std::thread& worker : workers)
        worker.join();
    });
    rates.push_back(static_cast<double>(count * each) / total);
    for (const auto& mine : took)
      times.insert(times.end(), mine.begin(), mine.end());
  }
  const double median = quantile(rates);
  if (count == 1) one_thread = median;
  line(std::to_string(count) + (count == 1 ? " thread" : " threads"), median, "events/s");
  if (count > 1) beside("one thread", median, one_thread, at_least(count == 4 ? 2 : 6));
  line("  publish to stored, p50", quantile(times) * 1e6, "us");
  const double p99 = quantile(times, 0.99);
  line("  publish to stored, p99", p99 * 1e6, "us");
  beside("one sync of a raw file, p50", p99, sync, count == 4 ? at_most(3) : Target{});
}

void threads(const Effort& effort) {
  const test::TempDir dir;
  RawFile file(dir.file("raw"));
  std::vector<double> syncs;
  for (std::size_t i = 0; i < effort.of(1'000); ++i)
    syncs.push_back(seconds([&] { file.append(100); }));
  heading("Stored publishes, 100 B, one in flight per thread");
  line("one sync of a raw file, p50", quantile(syncs) * 1e6, "us");
  line("one sync of a raw file, p99", quantile(syncs, 0.99) * 1e6, "us");
  double one_thread = 0;
  for (const std::size_t count : {1U, 4U, 16U})
    closed_loop(effort, count, one_thread, quantile(syncs));
}

void online(const Effort& effort) {
  constexpr std::size_t kGroup = 100;
  const std::size_t commits = effort.of(200);
  const std::string data(100, 'x');
  std::vector<double> ours, raw, textbook;
  for (int round = 0; round < effort.rounds; ++round) {
    const test::TempDir dir;
    auto gateway = open_gateway(dir.file("g.db"));
    Consumer consumer = open_consumer(*gateway);
    ours.push_back(rate(commits, kGroup, [&] {
      publish_group(*gateway, kGroup, data);
      EDGEPOST_ASSERT(drain(consumer) == kGroup);
    }));
    RawFile file(dir.file("raw")), cursor(dir.file("cursor"));
    raw.push_back(rate(commits, kGroup, [&] {
      file.append(kGroup * data.size());
      cursor.overwrite();
    }));
    TextbookOutbox outbox(dir.file("t.db"));
    textbook.push_back(rate(commits, kGroup, [&] {
      outbox.publish_group(kGroup, data);
      outbox.drain_batch(kGroup);
    }));
  }
  heading("Publish and acknowledge together, 100 B, groups of 100");
  const double median = quantile(ours);
  line("in and out", median, "events/s");
  beside("raw file and cursor file, synced", median, quantile(raw), at_least(1.2));
  beside("the textbook outbox, batched", median, quantile(textbook), at_least(2.5));
}

struct WearTargets {
  Target catching_up, steady;
};

// Enough events that a write-ahead log which is carried over a little sooner or later hardly shows.
void wear(const Effort& effort, std::size_t data_bytes, const WearTargets& targets) {
  constexpr std::size_t kGroup = 100;
  const std::size_t commits = effort.of(data_bytes <= 200 ? 1'000 : 250);
  const std::uint64_t events = commits * kGroup;
  const std::string data(data_bytes, 'x');
  const test::TempDir dir;
  test::WatchedDisk disk;
  auto gateway = open_gateway(dir.file("g.db"), disk.name());
  Consumer consumer = open_consumer(*gateway);
  const Written begin = written(disk);
  for (std::size_t i = 0; i < commits; ++i)
    publish_group(*gateway, kGroup, data);
  const Written appended = written(disk);
  EDGEPOST_ASSERT(drain(consumer) == events);
  const Written drained = written(disk);
  EDGEPOST_ASSERT(gateway->flush().is_ok());
  const Written flushed = written(disk);
  for (std::size_t i = 0; i < commits; ++i) {
    publish_group(*gateway, kGroup, data);
    drain(consumer);
  }
  const Written end = written(disk);
  heading("Written to flash, " + bytes_of(data_bytes) + ", groups of 100");
  line("append", per((appended - begin).bytes, events), "B/event");
  line("drain, and flush at its end", per((flushed - appended).bytes, events), "B/event");
  const double together = per((flushed - begin).bytes, events);
  line("append and drain", together, "B/event", targets.catching_up);
  beside("the data itself, once", together, static_cast<double>(data_bytes));
  line("publish and acknowledge together", per((end - flushed).bytes, events), "B/event",
       targets.steady);
  line("syncs while draining", per((drained - appended).syncs, events), "1/event", at_most(0));
}

void textbook_wear(const Effort& effort) {
  constexpr std::size_t kGroup = 100;
  const std::size_t commits = effort.of(200);
  const std::size_t drained = effort.of(1'000);
  const test::TempDir dir;
  test::WatchedDisk disk;
  TextbookOutbox outbox(dir.file("t.db"), disk.name());
  const Written begin = written(disk);
  for (std::size_t i = 0; i < commits; ++i)
    outbox.publish_group(kGroup, std::string(100, 'x'));
  const Written appended = written(disk);
  outbox.drain(drained);
  const Written end = written(disk);
  heading("Written to flash by the textbook outbox, 100 B, groups of 100");
  line("append", per((appended - begin).bytes, commits * kGroup), "B/event");
  line("drain", per((end - appended).bytes, drained), "B/event");
  line("syncs while draining", per((end - appended).syncs, drained), "1/event");
}

}  // namespace
}  // namespace edgepost::bench

int main(int count, char** arguments) {
  using namespace edgepost::bench;
  if (count == 3 && std::strcmp(arguments[1], "--backlog") == 0)
    return measure_backlog(arguments[2]);
  Effort effort;
  const std::string_view option = count == 2 ? arguments[1] : "";
  if (option == "--quick") effort = {.rounds = 1, .divisor = 10, .pending = {0, 1'000, 100'000}};
  if (option == "--long") effort.pending.push_back(5'000'000);
  if (count > 1 && option != "--quick" && option != "--long") {
    std::fprintf(stderr, "usage: %s [--quick | --long]\n", arguments[0]);
    return 2;
  }
  appends(effort);
  threads(effort);
  online(effort);
  wear(effort, 100, {at_most(380), at_most(190)});
  wear(effort, 200, {at_most(1'000), {}});
  wear(effort, 1'000, {at_most(2'350), at_most(1'300)});
  textbook_wear(effort);
  backlogs(arguments[0], effort);
  in_and_out(effort);
}
