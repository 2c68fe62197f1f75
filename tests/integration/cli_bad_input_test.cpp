// What the edgepost command does with bad input: a clear message, the right exit code, and no
// half-written state.
#include <doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

/// Runs SQL on a database as some other program would.
void run_sql(const std::string& path, const char* sql) {
  REQUIRE(sqlite3_initialize() == SQLITE_OK);  // the bundled SQLite does not do it by itself
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(database) == SQLITE_OK);
}

struct BadInput : EdgepostCommand {
  /// Checks code and message, and that standard output stays empty.
  static void expect(const Outcome& outcome, int code, std::string_view message) {
    CAPTURE(outcome.err);
    CAPTURE(message);
    CHECK(outcome.code == code);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("edgepost: "));
    CHECK(outcome.err.find(message) != std::string::npos);
  }

  void expect_refused_topic(const std::string& topic, std::string_view message) const {
    expect(run("publish", {"--topic", topic}, "x\n"), 2, message);
  }

  /// Every command that opens the database fails with `message` and leaves its bytes alone.
  void expect_unusable(std::string_view message) const {
    const std::string before = read_file(db);
    expect(run("publish", {"--topic", "t"}, "x\n"), 1, message);
    expect(run("sync", {"--to", "mqtt://127.0.0.1:1", "--until-empty"}), 1, message);
    for (const char* word : {"status", "tail", "verify"})
      expect(run(word), 1, message);
    CHECK(read_file(db) == before);
  }

  [[nodiscard]] bool has_database() const { return std::filesystem::exists(db); }
};

TEST_CASE_FIXTURE(BadInput, "edgepost: bad usage ends with 2 and touches no database") {
  const auto edgepost = [](Words words) {
    words.insert(words.begin(), EDGEPOST_COMMAND);
    return test::run(words, "x\n", {"EDGEPOST_DB="});
  };
  expect(edgepost({}), 2, "a command is missing");
  expect(edgepost({"walk"}), 2, "unknown command 'walk'");
  expect(edgepost({"--frobnicate"}), 2, "unknown option '--frobnicate'");
  expect(edgepost({"status"}), 2, "option --db: it is missing");
  expect(run("publish", {"--topic", "t", "--frobnicate"}), 2, "unknown option --frobnicate");
  expect(run("publish", {"t"}), 2, "unexpected 't'");
  expect(run("publish"), 2, "option --topic: it is missing");
  expect(run("publish", {"--jsonl", "--topic", "t"}), 2, "option --topic: not with --jsonl");
  expect(run("publish", {"--jsonl", "--file", "f"}), 2, "option --file: not with --jsonl");
  expect(run("publish", {"--topic", "t", "--batch", "0"}), 2, "from 1 to 10000");
  expect(run("publish", {"--topic", "t", "--batch", "many"}), 2, "option --batch: 'many'");
  expect(run("publish", {"--topic", "t", "--ttl", "5 minutes"}), 2, "option --ttl: '5 minutes'");
  expect(run("publish", {"--topic", "t", "--durability", "none"}), 2, "stored|buffered");
  expect(run("tail", {"--from", "0"}), 2, "option --from: '0'");
  expect(run("sync", {"--to", "mqtt://h", "--batch", "1", "--batch", "2"}), 2,
         "option --batch: it is given twice");
  CHECK(!has_database());
}

TEST_CASE_FIXTURE(BadInput, "publish: a topic that is no topic is bad usage") {
  expect_refused_topic("", "topic");
  expect_refused_topic(std::string(513, 'x'), "topic");
  expect_refused_topic("a/+/b", "topic");
  expect_refused_topic("a/#", "topic");
  expect_refused_topic("a/\x01", "topic");
  expect_refused_topic("a/\xff", "topic");
  expect_refused_topic("$SYS/a", "topic: byte 0");
  expect(run("publish", {"--topic", "t", "--key", std::string(256, 'k')}), 2, "key");
  CHECK(!has_database());
}

TEST_CASE_FIXTURE(BadInput, "edgepost: what can be refused is refused before a database is made") {
  const auto publish_with = [&](const Words& options) { return run("publish", options, "x\n"); };
  expect(publish_with({"--topic", "t", "--stream", "No!", "--create-stream"}), 2,
         "option --stream: byte 0");
  expect(publish_with({"--topic", "t", "--type", std::string(256, 't')}), 2, "type");
  expect(publish_with({"--topic", "t", "--source", "a b"}), 2, "source");
  expect(publish_with({"--topic", "t", "--content-type", "text"}), 2, "content_type");
  expect(publish_with({"--topic", "t", "--file", dir.file("none")}), 1, dir.file("none"));
  write_file(dir.file("large"), std::string(256 * 1024 + 1, 'x'));
  expect(publish_with({"--topic", "t", "--file", dir.file("large")}), 1, dir.file("large"));
  expect(run("sync", {"--to", "mqtt://127.0.0.1:1", "--retry-max", "25h"}), 2, "--retry-max");
  // Nothing but the file of this test, no -owner and no -wal either.
  const std::filesystem::directory_iterator files(dir.path());
  CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE_FIXTURE(BadInput, "edgepost: a database in memory is refused by every command") {
  for (const char* word : {"publish", "sync", "status", "tail", "verify"}) {
    Words all{EDGEPOST_COMMAND, word, "--db", ":memory:"};
    if (word == std::string("publish")) all.insert(all.end(), {"--topic", "t"});
    if (word == std::string("sync")) all.insert(all.end(), {"--to", "mqtt://127.0.0.1:1"});
    expect(test::run(all, "x\n"), 2, "option --db: ':memory:'");
  }
}

TEST_CASE_FIXTURE(BadInput, "publish: the first bad line ends it and the lines before it stand") {
  const std::string good = "{\"topic\":\"t\",\"data\":1}\n";
  struct {
    std::string line;
    std::string_view message;
  } const cases[] = {
      {"{\"topic\":\"a\\u0000b\"}", "topic"},
      {"{\"topic\":\"\"}", "topic"},
      {"{\"topic\":\"a/#\"}", "topic"},
      {"{\"topic\":\"$SYS/a\"}", "topic"},
      {"{\"topic\":\"" + std::string(513, 'x') + "\"}", "topic"},
      {"{\"data\":1}", "subject"},
      {"{\"topic\":\"t\"", "byte"},
      {"not JSON", "byte"},
      {"", "byte"},
      {"{\"topic\":\"t\",\"data\":\"" + std::string(256 * 1024 + 1, 'x') + "\"}", "data"},
      {"{\"topic\":\"t\",\"data\":\"" + std::string(2'000'000, 'x') + "\"}", "longer"},
  };
  std::uint64_t stored = 0;
  for (const auto& [line, message] : cases) {
    const Outcome outcome = run("publish", {"--jsonl", "--json"}, good + good + line + "\n" + good);
    CAPTURE(line.substr(0, 100));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(outcome.err.find("line 3: ") != std::string::npos);
    CHECK(outcome.err.find(message) != std::string::npos);
    CHECK(number_in(outcome.out, "published") == 2);
    stored += 2;
    CHECK(next_sequence() == stored + 1);
  }
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "publish: a line that fails only when it is stored is a bad line too") {
  // Its end depends on the time of publishing: in the year 9999 when that is 1970, later now.
  const std::string late = "{\"topic\":\"t\",\"data\":1,\"ttl_ms\":253000000000000}\n";
  const std::string good = "{\"topic\":\"t\",\"data\":1}\n";
  std::uint64_t stored = 0;
  for (const std::string durability : {"stored", "buffered"}) {
    for (const std::string batch : {"1", "2", "3", "100"}) {
      CAPTURE(durability + " " + batch);
      const Outcome outcome =
          run("publish", {"--jsonl", "--json", "--durability", durability, "--batch", batch},
              good + good + good + late + good + late);
      CHECK(outcome.code == 1);
      CHECK(outcome.err.starts_with("edgepost: line 4: expires_after"));
      CHECK(number_in(outcome.out, "published") == 3);
      stored += 3;
      CHECK(next_sequence() == stored + 1);
    }
  }
  CHECK(run("publish", {"--jsonl", "--json"}, late + good).out ==
        "{\"published\":0,\"first\":null,\"last\":null}\n");
  CHECK(events().size() == stored);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "publish: a line over 256 KiB is refused, however long it is") {
  for (const std::size_t size : {256U * 1024 + 1, 5U * 1024 * 1024}) {
    const Outcome outcome =
        run("publish", {"--topic", "t", "--progress-lines"}, "x\n" + std::string(size, 'y'));
    CHECK(outcome.code == 1);
    CHECK(lines_of(outcome.out).size() == 1);
    CHECK(outcome.err == "edgepost: line 2: the line is longer than 262144 bytes\n");
  }
  CHECK(run("publish", {"--topic", "t"}, std::string(256 * 1024, 'y')).code == 0);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "edgepost: an unknown stream is named, and none is made") {
  const Words missing{"--topic", "t", "--stream", "nowhere"};
  expect(run("publish", missing, "x\n"), 1, "unknown stream 'nowhere'");
  CHECK(!has_database());
  publish("x\n");
  expect(run("publish", missing, "x\n"), 1, "unknown stream 'nowhere'");
  expect(run("tail", {"--stream", "nowhere"}), 1, "nowhere");
  CHECK(run("status", {"--json"}).out.find("nowhere") == std::string::npos);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "edgepost: a missing database is made by publish alone") {
  for (const char* word : {"status", "tail", "verify"})
    expect(run(word), 1, db);
  expect(run("sync", {"--to", "mqtt://127.0.0.1:1", "--until-empty"}), 1, db);
  CHECK(!has_database());
  write_file(db, "");
  expect(run("sync", {"--to", "mqtt://127.0.0.1:1", "--until-empty"}), 1, db + " is empty");
  CHECK(read_file(db).empty());
}

TEST_CASE_FIXTURE(BadInput, "edgepost: a file that is no database is refused and left alone") {
  write_file(db, "timestamp,value\n" + std::string(10'000, 'x'));
  expect_unusable("not a database");
}

TEST_CASE_FIXTURE(BadInput, "edgepost: another program's database is refused and left alone") {
  run_sql(db, "CREATE TABLE contacts(name TEXT); INSERT INTO contacts VALUES('Ada');");
  expect_unusable("edgepost");
}

TEST_CASE_FIXTURE(BadInput, "edgepost: a newer edgepost's database is refused and left alone") {
  publish("x\n");
  run_sql(db, "PRAGMA user_version = 9999; PRAGMA wal_checkpoint(TRUNCATE);");
  expect_unusable("upgrade");
}

TEST_CASE_FIXTURE(BadInput, "verify: a changed byte of an event is found [P-06]") {
  publish("a reading that is easy to find\n");
  run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE);");
  std::string bytes = read_file(db);
  const auto found = bytes.find("easy to find");
  REQUIRE(found != std::string::npos);
  bytes[found] = 'E';
  write_file(db, bytes);
  const Outcome outcome = run("verify", {"--json"});
  CHECK(outcome.code == 1);
  CHECK(outcome.out.starts_with("{\"sound\":false,"));
  CHECK(outcome.out.find("outbox") != std::string::npos);
  expect(run("tail"), 1, "outbox");
}

TEST_CASE_FIXTURE(BadInput, "edgepost: a second owner is refused and told the first one's pid") {
  Process owner(words("publish", {"--topic", "t", "--progress-lines"}), {.has_input_pipe = true});
  owner.write("one\n");
  REQUIRE(owner.line(20s) == "{\"last\":1}");
  const std::string pid = std::to_string(owner.pid());
  expect(run("publish", {"--topic", "t"}, "x\n"), 1, pid);
  expect(run("sync", {"--to", "mqtt://127.0.0.1:1", "--until-empty"}), 1, pid);
  owner.end_input();
  CHECK(owner.wait() == 0);
  CHECK(events().size() == 1);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "publish: a directory that cannot be written to is named") {
  write_file(dir.file("file"), "");
  for (const std::string& path :
       {dir.file("file") + "/x.db", dir.file("none") + "/x.db", std::string("/proc/x.db")}) {
    db = path;
    expect(run("publish", {"--topic", "t"}, "x\n"), 1, path);
  }
}

TEST_CASE_FIXTURE(BadInput, "sync: a URL that cannot be used is refused before anything happens") {
  const auto sync = [&](const std::string& url) {
    return run("sync", {"--to", url, "--until-empty", "--timeout", "5s"});
  };
  for (const char* url : {"localhost", "mqtt://", "mqtt://host:port", "mqtt://host:0",
                          "mqtt://host:65536", "mqtt://user@host", "amqp://host", "mqtt+unix:"}) {
    CAPTURE(url);
    expect(sync(url), 2, "option --to: ");
  }
  expect(run("sync", {"--to", "mqtt://h", "--topic-template", "{nonsense}"}), 2, "template");
  expect(run("sync", {"--to", "mqtt://h", "--mode", "binary", "--mqtt-version", "3.1.1"}), 2,
         "binary");
  expect(run("sync", {"--to", "mqtt://h", "--password-file", dir.file("none")}), 1,
         "--password-file");
  CHECK(!has_database());
}

TEST_CASE_FIXTURE(BadInput, "edgepost: output that cannot be written is a failure") {
  publish("x\n");
  for (const char* word : {"status", "tail", "verify"}) {
    Process process(words(word), {.output = "/dev/full", .error = dir.file("err")});
    CHECK(process.wait() == 1);
    CHECK(read_file(dir.file("err")).find("standard output") != std::string::npos);
  }
}

/// A directory on a disk of its own, small and soon full.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    REQUIRE(mkdir(path.c_str(), 0700) == 0);
    is_mounted_ = mount("tmpfs", path.c_str(), "tmpfs", 0, "size=4m") == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool is_mounted() const { return is_mounted_; }

 private:
  std::string path_;
  bool is_mounted_ = false;
};

TEST_CASE_FIXTURE(BadInput,
                  "publish: on a full disk what was told is stored and the rest refused "
                  "[P-01] [P-04]") {
  const SmallDisk disk(dir.file("disk"));
  if (disk.is_mounted()) db = dir.file("disk/gateway.db");
  Words limited = words("publish", {"--topic", "t", "--progress-lines", "--batch", "10"});
  // Where no disk can be mounted, a limit on the size of files must do.
  const char* const limit =
      disk.is_mounted() ? "exec \"$@\"" : "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
  limited.insert(limited.begin(), {"bash", "-c", limit, "bash"});
  const Outcome outcome = test::run(limited, [] {
    std::string lines;
    for (int i = 0; i < 8'000; ++i)
      lines += std::string(1'000, 'x') + "\n";
    return lines;
  }());
  CAPTURE(outcome.err);
  CHECK(outcome.code == 1);
  CHECK(outcome.err.starts_with("edgepost: "));
  if (disk.is_mounted()) CHECK(outcome.err.find("full") != std::string::npos);
  const Words told = lines_of(outcome.out);
  REQUIRE(!told.empty());
  const std::uint64_t last = number_in(told.back(), "last");
  CHECK(last < 8'000);
  CHECK(next_sequence() == last + 1);
  CHECK(events().size() == last);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(BadInput, "sync: acknowledgements that cannot be stored are a failure") {
  publish("1\n2\n");
  Mosquitto broker;
  broker.stop();
  Process sync(words("sync", {"--to", broker.url(), "--until-empty"}), {.merges_error = true});
  const auto told = sync.line(20s);
  REQUIRE(told);
  CHECK(told->ends_with("trying again"));
  // What opening it as another owner leaves: whoever owned it until then stores nothing any more.
  run_sql(db, "UPDATE edgepost_meta SET incarnation = incarnation + 1;");
  broker.start();
  Words lines;
  while (auto line = sync.line(20s))
    lines.push_back(std::move(*line));
  CHECK(sync.wait() == 1);
  REQUIRE(lines.size() >= 2);
  CHECK(lines[lines.size() - 2] == "acknowledged 2 events, sent 2, lag 0");
  CHECK(lines.back().starts_with("edgepost: cannot store what was acknowledged; "));
  CHECK(run("sync", {"--to", broker.url(), "--until-empty"}).code == 0);
  CHECK(number_in(run("status", {"--json"}).out, "acknowledged") == 2);
  CHECK(is_sound());
}

}  // namespace
}  // namespace edgepost::test
