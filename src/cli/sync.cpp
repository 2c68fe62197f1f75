#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/command.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "edgepost/gateway.hpp"
#include "edgepost/mqtt.hpp"

namespace edgepost::cli {
namespace {

constexpr std::string_view kUplink = "uplink";  // also the name of its consumers
constexpr Duration kLook = std::chrono::milliseconds(20);
constexpr Duration kFirstRetry = std::chrono::milliseconds(200);
constexpr Duration kRetryMax = std::chrono::hours(24);  // what an uplink takes

constexpr std::array kOptions{
    kDatabase,
    Option{"to", Takes::text, "URL", "", "mqtt://HOST[:PORT] or mqtt+unix:/PATH", true},
    Option{"until-empty", Takes::nothing, "", "", "Exit when every event is acknowledged or dead"},
    Option{"timeout", Takes::duration, "DURATION", "", "Give up after this long"},
    Option{"client-id", Takes::text, "ID", "", "MQTT client id (else edgepost-DEVICE)"},
    Option{"user", Takes::text, "NAME", "", "User name for the broker"},
    Option{"password-file", Takes::text, "FILE", "", "File whose first line is the password"},
    Option{"topic-template", Takes::text, "TEMPLATE", "{prefix}/{device_id}/{topic}",
           "Topic on the wire"},
    Option{"prefix", Takes::text, "TEXT", "edgepost", "For {prefix} of the template"},
    Option{"mode", Takes::choice, "automatic|binary|structured", "automatic",
           "CloudEvents in properties or JSON"},
    Option{"mqtt-version", Takes::choice, "automatic|5|3.1.1", "automatic",
           "Protocol; 5 is tried first"},
    Option{"window", Takes::count, "N", "64", "Unanswered events", false, nullptr, 1, 65'535},
    Option{"batch", Takes::count, "N", "100", "Events read at once", false, nullptr, 1, 10'000},
    Option{"retry-max", Takes::duration, "DURATION", "1s", "Longest wait between attempts"},
    Option{"json", Takes::nothing, "", "", "Print the result as a JSON object"},
};

constexpr std::string_view kDetails =
    "It sends the events of all streams, each key in order, and keeps at it while the\n"
    "broker is away. SIGINT and SIGTERM end it in good order, with exit code 0. It\n"
    "ends with exit code 1 when --timeout is over, and when the broker refuses the\n"
    "credentials or the protocol: that needs a change, not time. With --until-empty it\n"
    "is 1 as well when events became dead letters; standard error tells of them. At the\n"
    "end --json prints {\"acknowledged\":N,\"sent\":N,\"lag\":N,\"dead\":N}: repeats count\n"
    "in sent, requeued dead letters still to be sent in lag, new dead letters in dead.\n"
    "The topic template may have {prefix}, {device_id}, {topic}, {key} and {type}.\n";

/// What a URL scheme of a part that is not here deserves, instead of "unknown scheme".
Status check_scheme(std::string_view url) {
  for (const std::string_view scheme : {"mqtts://", "http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    return {Code::unsupported, "option --to: this edgepost has no uplink for " +
                                   std::string(scheme) + "; use mqtt:// or mqtt+unix:"};
  }
  return {};
}

std::size_t size(const Options& options, std::string_view name) {
  return static_cast<std::size_t>(options.count(name));  // the table bounds it
}

MqttOptions mqtt_options(const Options& options) {
  MqttOptions mqtt;
  mqtt.url = options.text("to");
  mqtt.client_id = options.text("client-id");
  mqtt.user_name = options.text("user");
  mqtt.topic_template = options.text("topic-template");
  mqtt.prefix = options.text("prefix");
  const std::string version = options.text("mqtt-version");
  if (version == "5") mqtt.version = MqttVersion::v5;
  if (version == "3.1.1") mqtt.version = MqttVersion::v311;
  const std::string mode = options.text("mode");
  if (mode == "binary") mqtt.mode = MqttMode::binary;
  if (mode == "structured") mqtt.mode = MqttMode::structured;
  mqtt.in_flight_max = size(options, "window");
  return mqtt;
}

UplinkOptions uplink_options(const Options& options, const GatewayStatus& status) {
  UplinkOptions uplink;
  uplink.name = kUplink;
  for (const StreamStatus& stream : status.streams)
    uplink.streams.push_back(stream.name);
  uplink.retry.max_delay = options.duration("retry-max");
  uplink.retry.initial_delay = std::min(kFirstRetry, uplink.retry.max_delay);
  uplink.max_in_flight = size(options, "window");
  uplink.batch_events = size(options, "batch");
  return uplink;
}

Status open_gateway(const Options& options, MqttOptions mqtt, std::unique_ptr<Gateway>& gateway) {
  const std::string path = options.text("db");
  if (Status status = check_exists(path); !status.is_ok()) return status;
  auto opened = open_as_owner({.database = path});
  if (!opened) return opened.status();
  gateway = std::move(*opened);
  const GatewayStatus status = gateway->status();
  if (status.streams.empty()) return {Code::not_found, path + " has no stream to drain"};
  mqtt.device_id = status.device_id;
  if (mqtt.client_id.empty()) mqtt.client_id = "edgepost-" + status.device_id;
  auto transport = make_mqtt_transport(mqtt);
  if (!transport) return transport.status();
  return gateway->add_uplink(uplink_options(options, status), std::move(*transport));
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
    if (group.consumer != kUplink) continue;
    look.left += group.requeued;
    look.dead += group.dead;
  }
  return look;
}

/// Runs the gateway until there is nothing more to do.
Status drain(Gateway& gateway, const Options& options, const StopSignal& stop_signal) {
  const Platform platform = default_platform();
  Progress progress(*platform.clock, STDERR_FILENO);
  const Duration patience = options.has("timeout") ? options.duration("timeout") : kLongest;
  const Instant deadline = platform.clock->now() + patience;
  const std::uint64_t total = look_at(gateway).left;
  std::string told;
  if (Status status = gateway.start(); !status.is_ok()) return status;
  while (!stop_signal.wait(kLook)) {
    const auto [uplink, left, dead] = look_at(gateway);
    if (total > 0) {
      const std::uint64_t done = total - std::min(total, left);
      progress.show({.events = done,
                     .total = total,
                     .share = static_cast<double>(done) / static_cast<double>(total)});
    }
    if (options.has("until-empty") && left == 0) return {};
    if (uplink.state == UplinkState::blocked) {
      return {Code::refused, uplink.last_error};
    }
    if (platform.clock->now() >= deadline) {
      std::string message = "not done in time: " + std::to_string(left) + " of " +
                            std::to_string(std::max(total, left)) + " events are left";
      if (!uplink.last_error.empty()) message += "; " + uplink.last_error;
      return {Code::unavailable, message};
    }
    if (uplink.state == UplinkState::waiting && uplink.last_error != told) {
      told = uplink.last_error;
      progress.clear();
      say(told + "; trying again");
    }
  }
  return {};
}

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
  const Status status = put(text + "\n");
  return status.is_ok() ? kSuccess : fail(status);
}

int run(const Options& options) {
  if (const Status status = check_scheme(options.text("to")); !status.is_ok()) return fail(status);
  if (options.duration("retry-max") > kRetryMax) {
    return refuse("sync", "option --retry-max: more than 24h");
  }
  MqttOptions mqtt = mqtt_options(options);
  if (options.has("password-file")) {
    mqtt.password.file = options.text("password-file");
    if (const auto read = read_secret(mqtt.password); !read) {
      return fail({read.status().code(), "option --password-file: " + read.status().message()});
    }
  }
  // Tried out with a stand-in before the database is touched: bad usage changes nothing.
  MqttOptions sample = mqtt;
  if (sample.client_id.empty()) sample.client_id = "edgepost";
  if (const auto transport = make_mqtt_transport(sample); !transport) {
    return transport.status().code() == Code::invalid_argument
               ? refuse("sync", transport.status().message())
               : fail(transport.status());
  }
  const StopSignal stop_signal;
  std::unique_ptr<Gateway> gateway;
  Status status = open_gateway(options, std::move(mqtt), gateway);
  if (!status.is_ok()) return fail(status);
  const std::uint64_t dead_before = look_at(*gateway).dead;
  status = drain(*gateway, options, stop_signal);
  gateway->stop();
  // Stopping stores the acknowledgements too, but has nobody to tell when it cannot.
  const Status stored = gateway->flush();
  Look look = look_at(*gateway);
  look.dead -= std::min(look.dead, dead_before);
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

}  // namespace

const Command kSync{"sync", "Send what is stored to a broker", kDetails, kOptions, run};

}  // namespace edgepost::cli
