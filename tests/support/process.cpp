#include "support/process.hpp"

#include <doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "edgepost/status.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {
namespace {

/// A pipe whose ends no other child inherits.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0); }
};

std::vector<char*> pointers(const Words& words) {
  std::vector<char*> out;
  for (const std::string& word : words)
    out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

Words with(const Words& added) {
  Words all = added;
  for (char** variable = environ; *variable != nullptr; ++variable)
    all.emplace_back(*variable);
  return all;
}

void close_end(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.flush());
}

Process::Process(const Words& words, const Streams& streams, const Words& environment) {
  constexpr int kMake = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  Pipe in;
  Pipe out;
  if (streams.input < 0 && !streams.has_input_pipe) {
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  } else {
    const int input = streams.has_input_pipe ? in.ends[0] : streams.input;
    posix_spawn_file_actions_adddup2(&actions, input, 0);
  }
  if (streams.output.empty()) {
    posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  } else {
    posix_spawn_file_actions_addopen(&actions, 1, streams.output.c_str(), kMake, 0600);
  }
  if (streams.merges_error) {
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  } else if (!streams.error.empty()) {
    posix_spawn_file_actions_addopen(&actions, 2, streams.error.c_str(), kMake, 0600);
  }
  const Words variables = with(environment);
  const int error = posix_spawnp(&pid_, words.front().c_str(), &actions, nullptr,
                                 pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close_end(in.ends[0]);
  close_end(out.ends[1]);
  input_ = in.ends[1];
  output_ = out.ends[0];
  if (!streams.has_input_pipe) end_input();
  // A check that goes on would leave a process id of -1, and a signal to that ends everything.
  EDGEPOST_ASSERT(error == 0 && pid_ > 0);
}

Process::~Process() {
  end_input();
  close_end(output_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<std::string> Process::line(std::chrono::microseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const auto left = std::max(std::chrono::steady_clock::duration::zero(),
                               deadline - std::chrono::steady_clock::now());
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const timespec wait{
        .tv_sec = whole.count(),
        .tv_nsec = static_cast<long>(std::chrono::nanoseconds(left - whole).count())};
    pollfd wanted{.fd = output_, .events = POLLIN, .revents = 0};
    if (ppoll(&wanted, 1, &wait, nullptr) <= 0) return {};
    std::array<char, 4096> chunk;
    const ssize_t got = read(output_, chunk.data(), chunk.size());
    if (got <= 0) return {};
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

void Process::write(std::string_view text) const {
  REQUIRE(::write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void Process::end_input() { close_end(input_); }

void Process::signal(int number) const {
  EDGEPOST_ASSERT(pid_ > 0);
  REQUIRE(kill(pid_, number) == 0);
}

int Process::wait() {
  EDGEPOST_ASSERT(pid_ > 0);
  int state = 0;
  REQUIRE(waitpid(pid_, &state, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

Outcome run(const Words& words, std::string_view input, const Words& environment) {
  // Files instead of pipes: no child ever waits for us to read.
  const TempDir directory;
  write_file(directory.file("in"), input);
  const int in = open(directory.file("in").c_str(), O_RDONLY | O_CLOEXEC);
  Process process(words,
                  {.input = in, .output = directory.file("out"), .error = directory.file("err")},
                  environment);
  close(in);
  Outcome outcome;
  outcome.code = process.wait();
  outcome.out = read_file(directory.file("out"));
  outcome.err = read_file(directory.file("err"));
  return outcome;
}

}  // namespace edgepost::test
