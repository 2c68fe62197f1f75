#include <algorithm>
#include <array>
#include <limits>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "cli/stop_signal.hpp"
#include "edgepost/gateway.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {
namespace {

constexpr Duration kFollow = std::chrono::milliseconds(200);
constexpr std::size_t kReadEvents = 1'000;

constexpr std::array kTailOptions{
    kDatabase,
    Option{"stream", Takes::text, "STREAM", "outbox", "Stream to read"},
    Option{"from", Takes::count, "SEQ", "1", "First sequence wanted"},
    Option{"count", Takes::count, "N", "", "Stop after so many events"},
    Option{"follow", Takes::nothing, "", "", "Wait for new events until SIGINT or SIGTERM"},
    Option{"json", Takes::nothing, "", "", "Print JSON lines, which it always does"},
};

constexpr std::string_view kTailDetails =
    "It prints one CloudEvents JSON object a line, in the order of the stream, and\n"
    "starts at the oldest event that is still there. It acknowledges nothing, changes\n"
    "nothing and works beside a running gateway.\n";

int run_tail(const Options& options) {
  const auto opened = Gateway::open({.database = options.text("db"), .access = Access::read});
  if (!opened) return fail(opened.status());
  Gateway& gateway = **opened;
  const std::string stream = options.text("stream");
  Position next{options.count("from")};
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
  if (options.has("count")) left = options.count("count");
  std::optional<StopSignal> stop_signal;
  if (options.has("follow")) stop_signal.emplace();
  while (left > 0) {
    const ReadLimits limits{
        .events = static_cast<std::size_t>(std::min<std::uint64_t>(left, kReadEvents))};
    const auto events = gateway.read(stream, next, limits);
    if (!events) return fail(events.status());
    std::string lines;
    for (const Event& event : *events) {
      wire::append_json(event, lines);
      lines += '\n';
      next.sequence = event.sequence + 1;
    }
    left -= events->size();
    if (const Status status = put(lines); !status.is_ok()) return fail(status);
    if (events->empty() && !stop_signal) break;
    if (stop_signal && stop_signal->wait(events->empty() ? kFollow : Duration::zero())) break;
  }
  return kSuccess;
}

}  // namespace

const Command kTail{"tail", "Print stored events", kTailDetails, kTailOptions, run_tail};

}  // namespace edgepost::cli
