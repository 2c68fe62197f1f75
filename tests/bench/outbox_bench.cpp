// Streams beside their floors: a raw file that is appended and synced, and the outbox as textbooks
// have it, a table with a status column. Run it by tools/bench; every figure is a median.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <thread>

#include "bench/bench.hpp"
#include "edgepost/gateway.hpp"
#include "support/temp_dir.hpp"
#include "support/watched_disk.hpp"

namespace edgepost::bench {
namespace {

constexpr int kRounds = 3;

std::unique_ptr<Gateway> open_gateway(const std::string& path, const std::string& vfs = {}) {
  GatewayOptions options;
  options.database = path;
  options.device_id = "bench";
  options.platform.vfs = vfs;
  auto gateway = Gateway::open(options);
  EDGEPOST_ASSERT(gateway.is_ok());
  EDGEPOST_ASSERT((*gateway)->create_stream({.name = "outbox"}).is_ok());
  EDGEPOST_ASSERT((*gateway)->route("#", "outbox").is_ok());
  return std::move(*gateway);
}

void publish_group(Gateway& gateway, std::size_t group, const std::string& data) {
  const Status status = gateway.transact([&](Transaction& transaction) -> Status {
    for (std::size_t i = 0; i < group; ++i) {
      auto receipt = transaction.publish({.topic = "plant/line4/temperature", .data = data});
      if (!receipt) return receipt.status();
    }
    return {};
  });
  EDGEPOST_ASSERT(status.is_ok());
}

std::uint64_t drain(Consumer& consumer) {
  std::uint64_t drained = 0;
  for (;;) {
    auto events = consumer.fetch({.events = 100, .bytes = 64 * 1024});
    EDGEPOST_ASSERT(events.is_ok());
    if (events->empty()) return drained;
    for (const Event& event : *events) {
      EDGEPOST_ASSERT(consumer.acknowledge(event.sequence).is_ok());
    }
    drained += events->size();
  }
}

// Appends `commits` blocks to a file, each synced; blocks per second.
double raw_file(const std::string& path, std::size_t commits, std::size_t block_bytes) {
  const std::string block(block_bytes, 'x');
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  EDGEPOST_ASSERT(file >= 0);
  const double time = seconds([&] {
    for (std::size_t i = 0; i < commits; ++i) {
      EDGEPOST_ASSERT(::write(file, block.data(), block.size()) ==
                      static_cast<ssize_t>(block.size()));
      EDGEPOST_ASSERT(::fdatasync(file) == 0);
    }
  });
  ::close(file);
  return static_cast<double>(commits) / time;
}

// The textbook outbox: a row per event with a status, updated when it was sent, then deleted.
class TextbookOutbox {
 public:
  TextbookOutbox(const std::string& path, const std::string& vfs) {
    EDGEPOST_ASSERT(sqlite3_initialize() == SQLITE_OK);
    EDGEPOST_ASSERT(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                    vfs.empty() ? nullptr : vfs.c_str()) == SQLITE_OK);
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=250;"
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, topic TEXT, data BLOB, status INTEGER);"
        "CREATE INDEX pending ON outbox (status, id)");
    insert_ = prepare("INSERT INTO outbox (topic, data, status) VALUES (?1, ?2, 0)");
    next_ = prepare("SELECT id FROM outbox WHERE status = 0 ORDER BY id LIMIT 1");
    mark_ = prepare("UPDATE outbox SET status = 1 WHERE id = ?1");
    remove_ = prepare("DELETE FROM outbox WHERE id = ?1");
  }
  ~TextbookOutbox() {
    for (sqlite3_stmt* statement : {insert_, next_, mark_, remove_})
      sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  TextbookOutbox(const TextbookOutbox&) = delete;
  TextbookOutbox& operator=(const TextbookOutbox&) = delete;

  void publish_group(std::size_t group, const std::string& data) {
    run("BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < group; ++i) {
      sqlite3_bind_text(insert_, 1, "plant/line4/temperature", -1, SQLITE_STATIC);
      sqlite3_bind_blob(insert_, 2, data.data(), static_cast<int>(data.size()), SQLITE_STATIC);
      step(insert_);
    }
    run("COMMIT");
  }

  void drain(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sqlite3_step(next_);
      const std::int64_t id = sqlite3_column_int64(next_, 0);
      sqlite3_reset(next_);
      sqlite3_bind_int64(mark_, 1, id);
      step(mark_);
      sqlite3_bind_int64(remove_, 1, id);
      step(remove_);
    }
  }

 private:
  void run(const char* sql) {
    EDGEPOST_ASSERT(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    EDGEPOST_ASSERT(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) == SQLITE_OK);
    return statement;
  }
  static void step(sqlite3_stmt* statement) {
    EDGEPOST_ASSERT(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_reset(statement);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* next_ = nullptr;
  sqlite3_stmt* mark_ = nullptr;
  sqlite3_stmt* remove_ = nullptr;
};

void append_rates(std::size_t data_bytes) {
  const std::string data(data_bytes, 'x');
  heading("append, " + std::to_string(data_bytes) + " B, events/s", "raw file");
  for (const std::size_t group : {1U, 10U, 100U, 1000U}) {
    const std::size_t commits = group == 1 ? 2'000 : std::max<std::size_t>(20'000 / group, 50);
    std::vector<double> ours, floor, textbook;
    for (int round = 0; round < kRounds; ++round) {
      const test::TempDir dir;
      auto gateway = open_gateway(dir.file("g.db"));
      ours.push_back(static_cast<double>(commits * group) / seconds([&] {
                       for (std::size_t i = 0; i < commits; ++i)
                         publish_group(*gateway, group, data);
                     }));
      floor.push_back(raw_file(dir.file("raw"), commits, group * data_bytes) *
                      static_cast<double>(group));
      TextbookOutbox outbox(dir.file("t.db"), {});
      textbook.push_back(static_cast<double>(commits * group) / seconds([&] {
                           for (std::size_t i = 0; i < commits; ++i)
                             outbox.publish_group(group, data);
                         }));
    }
    line("groups of " + std::to_string(group), quantile(ours), quantile(floor));
    line("  textbook outbox instead of the raw file", quantile(ours), quantile(textbook));
  }
}

void threads() {
  heading("stored publishes by threads, events/s", "1 thread");
  double one = 0;
  for (const std::size_t count : {1U, 4U, 16U}) {
    std::vector<double> rates, times;
    for (int round = 0; round < kRounds; ++round) {
      const test::TempDir dir;
      auto gateway = open_gateway(dir.file("g.db"));
      std::vector<std::vector<double>> each(count);
      const double total = seconds([&] {
        std::vector<std::thread> workers;
        for (std::size_t t = 0; t < count; ++t) {
          workers.emplace_back([&, t] {
            for (int i = 0; i < 1'000; ++i) {
              each[t].push_back(seconds([&] {
                EDGEPOST_ASSERT(
                    gateway->publish({.topic = "t", .data = std::string(100, 'x')}).is_ok());
              }));
            }
          });
        }
        for (std::thread& worker : workers)
          worker.join();
      });
      rates.push_back(static_cast<double>(count) * 1'000 / total);
      for (const auto& mine : each)
        times.insert(times.end(), mine.begin(), mine.end());
    }
    if (count == 1) one = quantile(rates);
    line(std::to_string(count) + " threads", quantile(rates), one);
    line("  p50, microseconds", quantile(times) * 1e6);
    line("  p99, microseconds", quantile(times, 0.99) * 1e6);
  }
}

// Bytes and syncs from a disk that counts, so these figures repeat exactly.
void wear(std::size_t data_bytes) {
  constexpr std::size_t kEvents = 20'000;
  constexpr std::size_t kGroup = 100;
  const std::string data(data_bytes, 'x');
  const test::TempDir dir;
  test::WatchedDisk ours, theirs;
  heading("bytes written, " + std::to_string(data_bytes) + " B, groups of 100", "textbook");
  auto gateway = open_gateway(dir.file("g.db"), ours.name());
  auto outbox = std::make_unique<TextbookOutbox>(dir.file("t.db"), theirs.name());
  const auto per_event = [](const test::WatchedDisk& disk, std::uint64_t before) {
    return static_cast<double>(disk.written_bytes - before) / static_cast<double>(kEvents);
  };
  std::uint64_t before = ours.written_bytes, their_before = theirs.written_bytes;
  const std::uint64_t syncs = ours.syncs;
  for (std::size_t i = 0; i < kEvents / kGroup; ++i) {
    publish_group(*gateway, kGroup, data);
    outbox->publish_group(kGroup, data);
  }
  line("append, bytes per event", per_event(ours, before), per_event(theirs, their_before));
  line("append, syncs per commit",
       static_cast<double>(ours.syncs - syncs) / (static_cast<double>(kEvents) / kGroup));
  before = ours.written_bytes, their_before = theirs.written_bytes;
  std::uint64_t drained = 0;
  double time = 0;
  {
    Consumer consumer = std::move(*gateway->consumer("outbox", {.name = "cloud"}));
    time = seconds([&] { drained = drain(consumer); });
    EDGEPOST_ASSERT(gateway->flush().is_ok());
  }
  constexpr std::size_t kDrained = 2'000;
  const double their_time = seconds([&] { outbox->drain(kDrained); });
  line("drain, bytes per event", per_event(ours, before),
       static_cast<double>(theirs.written_bytes - their_before) / kDrained);
  line("drain, events/s", static_cast<double>(drained) / time, kDrained / their_time);
  Consumer consumer = std::move(*gateway->consumer("outbox", {.name = "cloud"}));
  before = ours.written_bytes;
  for (std::size_t i = 0; i < kEvents / kGroup; ++i) {
    publish_group(*gateway, kGroup, data);
    drain(consumer);
  }
  line("publish and acknowledge together, bytes", per_event(ours, before));
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "RssAnon:") {
      std::size_t kib = 0;
      status >> kib;
      return kib;
    }
  }
  return 0;
}

void backlog() {
  heading("backlog of 100 B events", "empty");
  double empty_open = 0, empty_rss = 0;
  const std::string data(100, 'x');
  for (const std::size_t pending : {0U, 100'000U, 1'000'000U}) {
    const test::TempDir dir;
    auto gateway = open_gateway(dir.file("g.db"));
    for (std::size_t i = 0; i < pending / 1'000; ++i)
      publish_group(*gateway, 1'000, data);
    gateway.reset();
    const double open = median_of(9, [&] {
      gateway.reset();
      return seconds([&] { gateway = open_gateway(dir.file("g.db")); });
    });
    Consumer consumer = std::move(*gateway->consumer("outbox", {.name = "cloud"}));
    EDGEPOST_ASSERT(consumer.fetch({}).is_ok());
    const auto rss = static_cast<double>(resident_kib());
    if (pending == 0) empty_open = open, empty_rss = rss;
    const std::string name = std::to_string(pending) + " pending: ";
    line(name + "open, milliseconds", open * 1e3, empty_open * 1e3);
    line(name + "private memory, KiB", rss, empty_rss);
    consumer.rewind();
    const double time = seconds([&] { drain(consumer); });
    EDGEPOST_ASSERT(gateway->flush().is_ok());
    if (pending > 0) line(name + "drain, events/s", static_cast<double>(pending) / time);
    line(name + "file after draining, KiB",
         static_cast<double>(gateway->status().database_bytes) / 1024);
  }
}

}  // namespace
}  // namespace edgepost::bench

int main() {
  using namespace edgepost::bench;
  append_rates(100);
  append_rates(1'000);
  threads();
  wear(100);
  wear(1'000);
  backlog();
}
