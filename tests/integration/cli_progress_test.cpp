// The progress bar of the edgepost command, on a real terminal and off it.
#include <doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

constexpr std::string_view kErase = "\r\033[K";

/// A pseudo terminal: what a person would sit at.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(master_ >= 0);
    REQUIRE(grantpt(master_) == 0);
    REQUIRE(unlockpt(master_) == 0);
    path_ = ptsname(master_);
    slave_ = open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(slave_ >= 0);
  }
  ~Terminal() {
    close(slave_);
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  /// All that was drawn so far.
  const std::string& screen() {
    pollfd wanted{.fd = master_, .events = POLLIN, .revents = 0};
    std::array<char, 4096> chunk;
    while (poll(&wanted, 1, 0) > 0) {
      const ssize_t got = read(master_, chunk.data(), chunk.size());
      if (got <= 0) break;
      screen_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return screen_;
  }

 private:
  int master_;
  int slave_ = -1;  // held, so that what the command wrote stays after its end
  std::string path_;
  std::string screen_;
};

struct ProgressFixture : EdgepostCommand {
  Terminal terminal;
  std::string input = dir.file("input");

  /// Runs the command with the file `input` before it and standard error on the terminal.
  std::string run_on_terminal(const std::string& word, const Words& options) {
    const int file = open(input.c_str(), O_RDONLY | O_CLOEXEC);
    Process process(words(word, options),
                    {.input = file, .output = dir.file("out"), .error = terminal.path()});
    close(file);
    CHECK(process.wait() == 0);
    return terminal.screen();
  }

  void write_input(std::size_t lines) const {
    std::string text;
    for (std::size_t i = 0; i < lines; ++i)
      text += "a reading\n";
    write_file(input, text);
  }

  /// Every drawing fits the terminal and the last one takes the bar away.
  static void check_drawings(std::string_view screen) {
    CAPTURE(screen);
    CHECK(screen.ends_with(kErase));
    for (std::size_t at = 0; at < screen.size();) {
      REQUIRE(screen[at] == '\r');
      const std::size_t end = std::min(screen.find('\r', at + 1), screen.size());
      CHECK(end - at - kErase.size() < 80);
      at = end;
    }
  }
};

TEST_CASE_FIXTURE(ProgressFixture,
                  "publish: a terminal sees a bar that fills as the file is read") {
  write_input(20'000);
  const std::string screen = run_on_terminal("publish", {"--topic", "t"});
  check_drawings(screen);
  CHECK(screen.starts_with("\r[..............................]   0 %  1 events  "));
  CHECK(read_file(dir.file("out")) == "published 20000 events, sequences 1 to 20000\n");
}

TEST_CASE_FIXTURE(ProgressFixture, "import: a terminal sees a bar that fills as the file is read") {
  write_input(20'000);
  publish(read_file(input));
  write_file(input, run("export").out);
  const std::string screen = run_on_terminal("import", {"--stream", "copy"});
  check_drawings(screen);
  CHECK(screen.starts_with("\r[..............................]   0 %  1 events  "));
  CHECK(read_file(dir.file("out")) == "imported 20000 events, skipped 0\n");
}

TEST_CASE_FIXTURE(ProgressFixture, "publish: a terminal sees a counter when the input is a pipe") {
  Process process(words("publish", {"--topic", "t"}),
                  {.has_input_pipe = true, .error = terminal.path()});
  process.write("one\ntwo\n");
  process.end_input();
  CHECK(process.wait() == 0);
  check_drawings(terminal.screen());
  CHECK(terminal.screen().starts_with("\r1 events  "));
  CHECK(terminal.screen().find('%') == std::string::npos);
}

TEST_CASE_FIXTURE(ProgressFixture, "sync: a terminal sees how much of the backlog is done") {
  write_input(0);
  publish([] {
    std::string lines;
    for (int i = 0; i < 3'000; ++i)
      lines += "a reading\n";
    return lines;
  }());
  const Mosquitto broker;
  const std::string screen = run_on_terminal("sync", {"--to", broker.url(), "--until-empty"});
  check_drawings(screen);
  CHECK(screen.find(" %  ") != std::string::npos);
  CHECK(screen.find("/3,000  ") != std::string::npos);
}

TEST_CASE_FIXTURE(ProgressFixture, "edgepost: without a terminal nothing is drawn") {
  const Outcome published = run("publish", {"--topic", "t"}, "one\ntwo\n");
  CHECK(published.code == 0);
  CHECK(published.err.empty());
  const Mosquitto broker;
  const Outcome synced = run("sync", {"--to", broker.url(), "--until-empty"});
  CHECK(synced.code == 0);
  CHECK(synced.err.empty());
  // Through a pipe, as under `| tee`.
  Process piped(words("publish", {"--topic", "t"}), {.has_input_pipe = true, .merges_error = true});
  piped.write("three\n");
  piped.end_input();
  CHECK(piped.line(std::chrono::seconds(10)) == "published 1 events, sequences 3 to 3");
  CHECK(!piped.line(std::chrono::seconds(10)));
  CHECK(piped.wait() == 0);
}

TEST_CASE_FIXTURE(ProgressFixture, "publish: --progress-lines takes the place of the bar") {
  write_input(10);
  CHECK(run_on_terminal("publish", {"--topic", "t", "--progress-lines"}).empty());
  CHECK(read_file(dir.file("out")) == "{\"last\":10}\n");
}

}  // namespace
}  // namespace edgepost::test
