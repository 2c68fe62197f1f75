// The `edgepost` command: finds the word, reads its options, runs it.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "cli/command.hpp"
#include "cli/output.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kCommands{&kPublish, &kSync,   &kRun,  &kStatus, &kTail,
                               &kExport,  &kImport, &kDead, &kVerify, &kShrink};

std::string overview() {
  std::string text =
      "Usage: edgepost COMMAND --db FILE [options]\n\n"
      "Looks after the database of an edgepost gateway.\n\nCommands:\n";
  for (const Command* command : kCommands) {
    std::string line = "  " + std::string(command->name);
    line.resize(12, ' ');
    text += line + std::string(command->summary) + "\n";
  }
  return text +
         "\n`edgepost COMMAND --help` tells what a command takes. `edgepost --version` prints\n"
         "the version. Data goes to standard output, messages to standard error.\n"
         "Exit codes: 0 success, 1 the operation failed, 2 bad usage.\n";
}

std::string help(const Command& command) {
  std::string text = "Usage: edgepost " + std::string(command.name) + " [options]\n\n";
  text.append(command.summary).append(".\n").append(command.details);
  return text + "\nOptions:\n" + describe(command.options);
}

int print(std::string_view text) {
  const Status status = put(text);
  return status.is_ok() ? kSuccess : fail(status);
}

int run(std::span<const char* const> arguments) {
  if (arguments.empty()) return refuse("", "a command is missing");
  const std::string_view word = arguments[0];
  if (word == "--help" || word == "-h") return print(overview());
  if (word == "--version") return print("edgepost " EDGEPOST_VERSION "\n");
  const auto found = std::ranges::find(kCommands, word, [](auto* c) { return c->name; });
  if (found == kCommands.end()) {
    const std::string what = word.starts_with("-") ? "unknown option " : "unknown command ";
    return refuse("", what + "'" + std::string(word) + "'");
  }
  const Command& command = **found;
  const auto options = Options::parse(command.options, arguments.subspan(1), std::getenv);
  if (!options) return refuse(command.name, options.status().message());
  if (options->wants_help()) return print(help(command));
  if (options->has("db") && options->text("db") == ":memory:") {
    return refuse(command.name, "option --db: ':memory:' is no file, its events would be lost");
  }
  return command.run(*options);
}

}  // namespace
}  // namespace edgepost::cli

int main(int count, char** arguments) {
  return edgepost::cli::run({arguments + std::min(count, 1), arguments + count});
}
