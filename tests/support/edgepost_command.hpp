#pragma once

#include <doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"
#include "wire/parse.hpp"

namespace edgepost::test {

/// The number that follows `"name":` in JSON text; 0 when it is not there.
inline std::uint64_t number_in(std::string_view json, std::string_view name) {
  const std::string wanted = "\"" + std::string(name) + "\":";
  const auto found = json.find(wanted);
  if (found == std::string_view::npos) return 0;
  std::uint64_t number = 0;
  for (const char c : json.substr(found + wanted.size())) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

/// The lines of `text`.
inline Words lines_of(std::string_view text) {
  Words lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The `edgepost` command on a database of its own.
struct EdgepostCommand {
  TempDir dir;
  std::string db = dir.file("gateway.db");

  /// `edgepost WORD --db DB OPTIONS…`, to start or to run.
  [[nodiscard]] Words words(const std::string& word, const Words& options = {}) const {
    Words all{EDGEPOST_COMMAND, word, "--db", db};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }

  [[nodiscard]] Outcome run(const std::string& word, const Words& options = {},
                            std::string_view input = {}) const {
    return test::run(words(word, options), input);
  }

  /// Publishes lines, which must succeed.
  void publish(std::string_view lines, const Words& options = {}) const {
    Words all{"--topic", "sensor/1"};
    all.insert(all.end(), options.begin(), options.end());
    const Outcome outcome = run("publish", all, lines);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
  }

  /// The sequence that the next event of the stream `outbox` will get; 1 without a database.
  [[nodiscard]] std::uint64_t next_sequence() const {
    return std::max<std::uint64_t>(1, number_in(run("status", {"--json"}).out, "next_sequence"));
  }

  /// What `edgepost tail` shows.
  [[nodiscard]] std::vector<Event> events(const Words& options = {}) const {
    std::vector<Event> events;
    for (const std::string& line : lines_of(run("tail", options).out)) {
      auto event = wire::parse_event(line);
      INFO(line);
      REQUIRE(event.is_ok());
      events.push_back(std::move(*event));
    }
    return events;
  }

  [[nodiscard]] bool is_sound() const { return run("verify").code == 0; }
};

}  // namespace edgepost::test
