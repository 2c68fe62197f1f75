#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/apply.hpp"
#include "cli/command.hpp"
#include "cli/inbox_printer.hpp"
#include "cli/metrics_file.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "cli/sync_options.hpp"
#include "edgepost/gateway.hpp"
#include "wire/time.hpp"

namespace edgepost::cli {
namespace {

constexpr Duration kDrainLook = std::chrono::milliseconds(20);
constexpr Duration kMetrics = std::chrono::seconds(10);

constexpr std::string_view kSyncDetails =
    "It sends the events of all streams, each key in order, and keeps at it while the\n"
    "other side is away. Of several --to the first one that works is used. SIGINT and\n"
    "SIGTERM end it in good order, with exit code 0. It ends with exit code 1 when\n"
    "--timeout is over, and when credentials or protocol are refused: that needs a\n"
    "change, not time. With --until-empty it is 1 as well when events became dead\n"
    "letters; standard error tells of them. At the end --json prints\n"
    "{\"acknowledged\":N,\"sent\":N,\"lag\":N,\"dead\":N}: repeats count in sent, requeued\n"
    "dead letters still to be sent in lag, new dead letters in dead. With --subscribe\n"
    "standard output has what came in, and that line goes to standard error. The topic\n"
    "template may have {prefix}, {device_id}, {topic}, {key} and {type}.\n";

/// The streams to drain: those that were named, or all but the inbox.
Result<std::vector<std::string>> streams_of(const Options& options, const GatewayStatus& status) {
  std::vector<std::string> streams = options.texts("stream");
  for (const std::string& name : streams) {
    if (std::ranges::count(status.streams, name, &StreamStatus::name) > 0) continue;
    return Status(Code::not_found, "option --stream: unknown stream '" + name + "'");
  }
  if (!streams.empty()) return streams;
  for (const StreamStatus& stream : status.streams) {
    if (stream.name != options.text("inbox")) streams.push_back(stream.name);
  }
  if (streams.empty() && !options.has("subscribe")) {
    return Status(Code::not_found, options.text("db") + " has no stream to drain");
  }
  return streams;
}

Status open_gateway(const Options& options, UplinkPlan plan, std::unique_ptr<Gateway>& gateway) {
  const std::string path = options.text("db");
  if (Status status = check_exists(path); !status.is_ok() && !options.has("subscribe")) {
    return status;
  }
  auto opened = open_as_owner({.database = path});
  if (!opened) return opened.status();
  gateway = std::move(*opened);
  const GatewayStatus status = gateway->status();
  auto streams = streams_of(options, status);
  if (!streams) return streams.status();
  plan.options.streams = std::move(*streams);
  if (!plan.options.inbox.empty()) {
    if (Status made = gateway->create_stream({.name = plan.options.inbox}); !made.is_ok()) {
      return made;
    }
  }
  std::vector<Endpoint> endpoints;
  for (const EndpointPlan& wanted : plan.endpoints) {
    auto endpoint = make_endpoint(wanted, plan.options, status.device_id,
                                  "edgepost-" + status.device_id, default_platform());
    if (!endpoint) return endpoint.status();
    endpoints.push_back(std::move(*endpoint));
  }
  return gateway->add_uplink(plan.options, std::move(endpoints));
}

/// What this command looks at, at one instant.
struct Look {
  UplinkStatus uplink;
  std::uint64_t left = 0;  // to be sent, requeued dead letters too, which have no part in the lag
  std::uint64_t dead = 0;  // letters
};

Look look_at(const Gateway& gateway) {
  const GatewayStatus status = gateway.status();
  Look look{.uplink = status.uplinks.front()};
  look.left = look.uplink.lag;
  for (const DeadLetterGroup& group : status.dead_letters) {
    if (group.consumer != look.uplink.name) continue;
    look.left += group.requeued;
    look.dead += group.dead;
  }
  return look;
}

/// Drains until there is nothing more to do, and tells how it goes.
class Drain {
 public:
  Drain(Gateway& gateway, const Options& options)
      : gateway_(gateway), options_(options), progress_(clock_, STDERR_FILENO) {}

  /// Runs the gateway. Errors: why it did not come to a good end.
  Status run(const StopSignal& stop_signal) {
    Status status = open_inbox();
    if (status.is_ok()) status = gateway_.start();
    bool is_over = !status.is_ok();
    while (!is_over && !stop_signal.wait(kDrainLook))
      is_over = step(status);
    return status;
  }

  /// Stops, and prints and writes what came meanwhile. Errors: of printing.
  Status end() {
    gateway_.stop();
    write_metrics();
    return inbox_ ? inbox_->print() : Status();
  }

 private:
  Status open_inbox() {
    if (!options_.has("subscribe")) return {};
    auto inbox = InboxPrinter::open(gateway_, options_.text("inbox"));
    if (!inbox) return inbox.status();
    inbox_.emplace(std::move(*inbox));
    return {};
  }

  /// One look; true when it is over, and `status` says how.
  bool step(Status& status) {
    const Look look = look_at(gateway_);
    const auto& [uplink, left, dead] = look;
    show(left);
    if (clock_.now() >= next_metrics_) write_metrics();
    if (inbox_) status = inbox_->print();
    if (!status.is_ok()) return true;
    if (options_.has("until-empty") && left == 0) return true;
    if (uplink.state == UplinkState::blocked) {
      status = {Code::refused, uplink.last_error};
      return true;
    }
    if (clock_.now() >= deadline_) {
      status = {Code::unavailable, too_late(look)};
      return true;
    }
    if (uplink.state == UplinkState::waiting && uplink.last_error != told_) {
      told_ = uplink.last_error;
      progress_.clear();
      say(told_ + "; trying again");
    }
    return false;
  }

  void show(std::uint64_t left) {
    if (total_ == 0) return;
    const std::uint64_t done = total_ - std::min(total_, left);
    progress_.show({.events = done,
                    .total = total_,
                    .share = static_cast<double>(done) / static_cast<double>(total_)});
  }

  [[nodiscard]] std::string too_late(const Look& look) const {
    std::string message = "not done in time: " + std::to_string(look.left) + " of " +
                          std::to_string(std::max(total_, look.left)) + " events are left";
    if (!look.uplink.last_error.empty()) message += "; " + look.uplink.last_error;
    return message;
  }

  void write_metrics() {
    if (!options_.has("metrics-file")) return;
    next_metrics_ = clock_.now() + kMetrics;
    const Status status = replace_file(options_.text("metrics-file"), gateway_.metrics());
    if (!status.is_ok()) say("option --metrics-file: " + status.message());
  }

  Gateway& gateway_;
  const Options& options_;
  const Clock& clock_ = *default_platform().clock;
  Progress progress_;
  std::optional<InboxPrinter> inbox_;
  const Instant deadline_ =
      clock_.now() + (options_.has("timeout") ? options_.duration("timeout") : kLongest);
  const std::uint64_t total_ = look_at(gateway_).left;
  Instant next_metrics_ = clock_.now();
  std::string told_;
};

std::string as_json(const AuditEntry& entry) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(entry.took).count();
  JsonObject row;
  row.add("number", entry.number).add("time", wire::format_time(entry.time));
  row.add("uplink", std::string_view(entry.uplink));
  row.add("address", std::string_view(entry.address));
  row.add("what", std::string_view(entry.what)).add("outcome", std::string_view(entry.outcome));
  row.add("detail", std::string_view(entry.detail)).add("events", std::uint64_t{entry.events});
  row.add("took_us", static_cast<std::uint64_t>(took));
  return row.add("correlation", std::string_view(entry.correlation)).text() + "\n";
}

void tell_audit(const Gateway& gateway) {
  std::string lines;
  for (const AuditEntry& entry : gateway.audit())
    lines += as_json(entry);
  std::fwrite(lines.data(), 1, lines.size(), stderr);
}

/// Where something is subscribed to, standard output belongs to what comes in.
int report(const Look& look, const Options& options) {
  const UplinkStatus& uplink = look.uplink;
  std::string text;
  if (options.has("json")) {
    JsonObject result;
    result.add("acknowledged", uplink.acknowledged).add("sent", uplink.sent);
    text = result.add("lag", look.left).add("dead", look.dead).text();
  } else {
    text = "acknowledged " + std::to_string(uplink.acknowledged) + " events, sent " +
           std::to_string(uplink.sent) + ", lag " + std::to_string(look.left);
  }
  if (options.has("subscribe")) {
    std::fputs((text + "\n").c_str(), stderr);
    return kSuccess;
  }
  const Status status = put(text + "\n");
  return status.is_ok() ? kSuccess : fail(status);
}

int finish(Gateway& gateway, const Options& options, std::uint64_t dead_before, Status status) {
  // Stopping stores the acknowledgements too, but has nobody to tell when it cannot.
  const Status stored = gateway.flush();
  Look look = look_at(gateway);
  look.dead -= std::min(look.dead, dead_before);
  if (options.has("audit")) tell_audit(gateway);
  int code = report(look, options);
  if (!status.is_ok()) code = fail(status);
  if (look.dead > 0) {
    say(std::to_string(look.dead) + " events became dead letters; see `edgepost dead list`");
    if (options.has("until-empty")) code = kFailed;  // not every event was acknowledged
  }
  if (stored.is_ok()) return code;
  return fail({stored.code(),
               "cannot store what was acknowledged; it may be sent again: " + stored.message()});
}

int run_sync(const Options& options) {
  auto plan = sync_plan(options, default_platform());
  if (!plan) {
    return plan.status().code() == Code::invalid_argument ? refuse("sync", plan.status().message())
                                                          : fail(plan.status());
  }
  signal(SIGPIPE, SIG_IGN);  // a pipe that breaks is an error like others
  const StopSignal stop_signal;
  std::unique_ptr<Gateway> gateway;
  Status status = open_gateway(options, std::move(*plan), gateway);
  if (!status.is_ok()) return fail(status);
  const std::uint64_t dead_before = look_at(*gateway).dead;
  Drain drain(*gateway, options);
  status = drain.run(stop_signal);
  const Status printed = drain.end();
  return finish(*gateway, options, dead_before, status.is_ok() ? printed : status);
}

}  // namespace

const Command kSync{"sync", "Send what is stored to a broker or web server", kSyncDetails,
                    sync_options(), run_sync};

}  // namespace edgepost::cli
