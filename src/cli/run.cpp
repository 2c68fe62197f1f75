#include <signal.h>

#include <array>
#include <cstdlib>

#include "cli/apply.hpp"
#include "cli/command.hpp"
#include "cli/daemon.hpp"
#include "cli/output.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kRunOptions{
    Option{"config", Takes::text, "FILE", "", "The configuration, in JSON"},
    Option{"check", Takes::nothing, "", "", "Validate it only"},
    Option{"explain", Takes::nothing, "", "", "Print what may stand in it"},
};

constexpr std::string_view kRunDetails =
    "It makes the streams of the configuration, stores what its uplinks receive and sends\n"
    "what they drain, until SIGTERM or SIGINT. Everything is validated before anything\n"
    "starts; all that is wrong is told, as FILE:LINE: PATH: what, with exit code 2.\n"
    "SIGHUP reads the file again: a good one takes over, with a bad one nothing changes.\n"
    "It tells systemd how it is (Type=notify, WatchdogSec=). Secrets do not stand\n"
    "in the file: it says \"${NAME}\" for an environment variable and \"file:PATH\" for the\n"
    "first line of a file.\n";

int check(const std::string& path) {
  Problems problems;
  const auto config = load_config(path, std::getenv, default_platform(), problems);
  for (const std::string& line : problems.lines())
    say(path + ":" + line);
  if (!config) return kBadUsage;
  const Status written = put("good: " + std::to_string(config->streams.size()) + " streams, " +
                             std::to_string(config->uplinks.size()) + " uplinks\n");
  return written.is_ok() ? kSuccess : fail(written);
}

int run_run(const Options& options) {
  if (options.has("explain")) {
    const Status written = put(explain_config());
    return written.is_ok() ? kSuccess : fail(written);
  }
  if (!options.has("config")) return refuse("run", "option --config: it is missing");
  const std::string path = options.text("config");
  if (options.has("check")) return check(path);
  signal(SIGPIPE, SIG_IGN);
  const StopSignal signals({SIGHUP});
  Log log(std::getenv);
  return Daemon(path, std::getenv, log, signals).run();
}

}  // namespace

const Command kRun{"run", "Run a gateway as a configuration says", kRunDetails, kRunOptions,
                   run_run};

}  // namespace edgepost::cli
