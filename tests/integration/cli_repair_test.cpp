// What `edgepost verify` says of a ruined database, and what --repair makes of it.
#include <doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "support/edgepost_command.hpp"

namespace edgepost::test {
namespace {

struct Ruined : EdgepostCommand {
  // Eighty events over many pages; then three pages are something else, in the middle where nobody
  // looks when opening, or those that everybody needs.
  void given_a_ruined_database(bool is_in_the_middle = true) const {
    std::string lines;
    for (int i = 1; i <= 80; ++i)
      lines += std::to_string(i) + std::string(2'000, 'x') + "\n";
    publish(lines);
    const std::uint64_t pages = std::filesystem::file_size(db) / 4096;
    std::fstream file(db, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>((is_in_the_middle ? pages / 2 : 1) * 4096));
    file << std::string(std::size_t{3} * 4096, '\xff');
  }
};

TEST_CASE_FIXTURE(Ruined, "verify: a ruined database is mended with --repair [P-06]") {
  given_a_ruined_database();
  const Outcome before = run("verify");
  CHECK(before.code == 1);
  CHECK(before.out.find("not sound: ") != std::string::npos);

  const Outcome repaired = run("verify", {"--repair"});
  INFO(repaired.out);
  CHECK(repaired.code == 0);
  CHECK(repaired.out.find(" events lost, ") != std::string::npos);
  CHECK(repaired.out.find("evidence: " + db + "-damaged-1\n") != std::string::npos);
  CHECK(repaired.out.find("\nsound: ") != std::string::npos);
  CHECK(std::filesystem::exists(db + "-damaged-1"));

  const Outcome after = run("verify");
  CHECK(after.code == 0);
  CHECK(after.out.starts_with("sound: "));
  CHECK(after.out.find(" lost before\n") != std::string::npos);
  const std::string status = run("status", {"--json"}).out;
  CHECK(status.find("\"evidence\":\"" + db + "-damaged-1\"") != std::string::npos);
  CHECK(run("status").out.find("evidence in " + db + "-damaged-1\n") != std::string::npos);
  CHECK(number_in(status, "next_sequence") == 81);
}

TEST_CASE_FIXTURE(Ruined, "commands: who opens a damaged database says what was lost, once") {
  using Call = std::pair<std::string, Words>;
  for (const auto& [word, options] :
       {Call{"publish", {"--topic", "t"}}, Call{"import", {}}, Call{"shrink", {}},
        Call{"sync", {"--to", "mqtt://127.0.0.1:1", "--timeout", "1ms"}}}) {
    CAPTURE(word);
    const TempDir fresh;
    db = fresh.file("gateway.db");
    given_a_ruined_database(false);
    const Outcome first = run(word, options);
    INFO(first.err);
    CHECK(first.code == (word == "sync" ? 1 : 0));
    CHECK(first.err.starts_with("edgepost: database " + db + " was damaged: "));
    CHECK(first.err.find(" events lost, ") != std::string::npos);
    CHECK(first.err.find("; evidence " + db + "-damaged-1\n") != std::string::npos);
    CHECK(run(word, options).err.find("was damaged") == std::string::npos);
  }
}

TEST_CASE_FIXTURE(Ruined, "export: what is damaged is told, what stands behind it is exported") {
  std::string lines;
  for (int i = 1; i <= 10; ++i)
    lines += std::to_string(i) + "\n";
  publish(lines, {"--batch", "2"});
  publish("a\n", {"--stream", "second", "--create-stream"});
  sqlite3* file = nullptr;
  REQUIRE(sqlite3_initialize() == SQLITE_OK);
  REQUIRE(sqlite3_open(db.c_str(), &file) == SQLITE_OK);
  CHECK(sqlite3_exec(file,
                     "UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq IN (4, 6, 10)",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(file);
  const Outcome outcome = run("export");
  CHECK(outcome.code == 1);
  const Words told = lines_of(outcome.err);
  REQUIRE(told.size() == 2);
  CHECK(told[0].starts_with("edgepost: stream outbox, sequences 3 to 4: "));
  CHECK(told[0].ends_with("; nothing is exported up to sequence 6"));
  CHECK(told[1].ends_with("; nothing is exported up to sequence 10"));
  std::vector<std::uint64_t> exported;
  for (const std::string& line : lines_of(outcome.out))
    exported.push_back(wire::parse_event(line)->sequence);
  CHECK(exported == std::vector<std::uint64_t>{1, 2, 7, 8, 1});
}

TEST_CASE_FIXTURE(Ruined, "verify: --repair says in JSON what was lost") {
  given_a_ruined_database();
  const Outcome repaired = run("verify", {"--repair", "--json"});
  CHECK(repaired.code == 0);
  CHECK(number_in(repaired.out, "lost") > 0);
  CHECK(number_in(repaired.out, "lost") + number_in(repaired.out, "salvaged") == 80);
  CHECK(number_in(repaired.out, "events") == number_in(repaired.out, "salvaged"));
}

TEST_CASE_FIXTURE(Ruined, "verify: --repair leaves what is sound, and what is not there") {
  const Outcome nothing = run("verify", {"--repair"});
  CHECK(nothing.code == 1);
  CHECK(nothing.err.find("does not exist") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(db));
  publish("1\n2\n");
  const Outcome sound = run("verify", {"--repair"});
  CHECK(sound.code == 0);
  CHECK(sound.out == "sound: 2 events checked\n");
  CHECK(run("verify", {"--repair=yes"}).code == 2);
}

}  // namespace
}  // namespace edgepost::test
