#include "cli/sync_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/topic.hpp"
#include "cli/apply.hpp"
#include "cli/command.hpp"
#include "cli/metrics_file.hpp"

namespace edgepost::cli {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(200);
constexpr Duration kRetryMax = std::chrono::hours(24);  // what an uplink takes

constexpr Option heading(std::string_view text) { return {.takes = Takes::heading, .help = text}; }
constexpr Option text(std::string_view name, std::string_view value, std::string_view help,
                      std::string_view standard = {}) {
  return {.name = name, .takes = Takes::text, .value = value, .standard = standard, .help = help};
}
constexpr Option texts(std::string_view name, std::string_view value, std::string_view help) {
  Option option = text(name, value, help);
  option.is_repeatable = true;
  return option;
}
constexpr Option flag(std::string_view name, std::string_view help) {
  return {.name = name, .help = help};
}

constexpr std::array kSyncOptions{
    kDatabase,
    Option{.name = "to",
           .takes = Takes::text,
           .value = "URL",
           .help = "mqtts://, mqtt://, mqtt+unix:, https:// or http://",
           .is_required = true,
           .is_repeatable = true},
    texts("stream", "STREAM", "Send this one only; else all but the inbox"),
    text("consumer", "NAME", "Whose position in the streams it is", "uplink"),
    flag("until-empty", "Exit when every event is acknowledged or dead"),
    Option{"timeout", Takes::duration, "DURATION", "", "Give up after this long"},
    Option{"retry-max", Takes::duration, "DURATION", "1s", "Longest wait between attempts"},
    Option{"trip-after", Takes::duration, "DURATION", "5s",
           "Leave who has not answered for so long"},
    flag("json", "Print the result as a JSON object"),
    text("metrics-file", "FILE", "Written anew each 10 s and at the end, for Prometheus"),
    flag("audit", "Tell each call to the world outside at the end, on standard error"),

    heading("How much"),
    Option{"window", Takes::count, "N", "64", "Unanswered events", false, nullptr, 1, 65'535},
    Option{"batch", Takes::count, "N", "100", "Events read at once", false, nullptr, 1, 10'000},
    Option{.name = "rate",
           .takes = Takes::rate,
           .value = "N/s",
           .help = "Events, or bytes such as 64KiB/s",
           .is_repeatable = true},
    Option{"bytes-per-day", Takes::size, "SIZE", "", "Both directions, as it goes over the wire"},

    heading("What it looks like"),
    Option{"mode", Takes::choice, "automatic|binary|structured|batch", "automatic",
           "CloudEvents in properties or JSON; batch: https:// only"},
    text("topic-template", "TEMPLATE", "Topic on the wire", "{prefix}/{device_id}/{topic}"),
    text("prefix", "TEXT", "For {prefix} of the template", "edgepost"),
    Option{"mqtt-version", Takes::choice, "automatic|5|3.1.1", "automatic",
           "Protocol; 5 is tried first"},
    flag("gzip", "Compress requests (https://)"),

    heading("What comes in (MQTT)"),
    texts("subscribe", "FILTER", "Print what matches, once it is stored, as JSON lines"),
    text("inbox", "STREAM", "Where it is stored; made if it is missing", "inbox"),
    text("presence", "TOPIC", "Where the broker shows online or offline"),

    heading("Whom to trust (mqtts:// and https://)"),
    text("ca", "FILE", "Roots (PEM); else this machine's own"),
    text("crl", "FILE", "Revoked certificates (PEM)"),
    texts("pin", "PIN", "SHA-256 of a public key of the chain, base64"),
    text("server-name", "NAME", "In its certificate; else the URL's host"),
    texts("alpn", "PROTOCOL", "Must be taken by the server"),
    flag("tls12", "Take TLS 1.2 as well; else 1.3 only"),
    flag("insecure", "Let http:// be: everyone on the way can read and change it"),

    heading("Who we are"),
    text("cert", "FILE", "Our certificate and its chain (PEM)"),
    text("key", "FILE", "Its key (PEM)"),
    text("psk", "ID:HEX", "Pre-shared key instead; others may see it: prefer a file"),
    text("psk-file", "FILE", "The same in a file's first line"),
    text("client-id", "ID", "MQTT client id; else edgepost-DEVICE"),
    text("user", "NAME", "User name"),
    text("password-file", "FILE", "File whose first line is the password"),
    text("token-file", "FILE", "The same with a bearer token (https://)"),
    text("api-key-file", "FILE", "The same with an API key (https://)"),
    text("api-key-header", "NAME", "Its header", "X-Api-Key"),
    text("hmac-key-file", "FILE", "The same with a Standard Webhooks key (https://)"),
    text("oauth2", "FILE", "JSON: token_url, client_id, client_secret_file, scope"),
};

Status bad_option(std::string_view option, std::string_view what) {
  return {Code::invalid_argument, "option --" + std::string(option) + ": " + std::string(what)};
}

/// `status` in the words of the command line: the library's field by its option.
Status in_options(const Status& status, std::string_view otherwise) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kNames{
      {{"url", "to"},
       {"client_id", "client-id"},
       {"user_name", "user"},
       {"topic_template", "topic-template"},
       {"presence_topic", "presence"},
       {"subscriptions", "subscribe"},
       {"ca_file", "ca"},
       {"certificate_file", "cert"},
       {"key_file", "key"},
       {"server_name", "server-name"},
       {"psk_identity", "psk"},
       {"psk", "psk"},
       {"pins", "pin"},
       {"crl_file", "crl"},
       {"bytes_per_day", "bytes-per-day"},
       {"inbox", "inbox"},
       {"auth", "oauth2"}}};
  std::string_view message = status.message();
  message.remove_prefix(message.starts_with("tls: ") ? std::string_view("tls: ").size() : 0);
  const std::string_view field = message.substr(0, message.find_first_of(":[ "));
  const auto known = std::ranges::find(kNames, field, [](const auto& pair) { return pair.first; });
  if (known != kNames.end()) {
    message.remove_prefix(std::min(message.find(": "), message.size() - 2) + 2);
    otherwise = known->second;
  }
  return {status.code(), "option --" + std::string(otherwise) + ": " + std::string(message)};
}

/// Options that mean nothing without an endpoint of their kind.
struct Needs {
  std::string_view option;
  bool https;
  bool mqtt;
};
constexpr std::array kNeeds{
    Needs{"topic-template", false, true}, Needs{"prefix", false, true},
    Needs{"mqtt-version", false, true},   Needs{"subscribe", false, true},
    Needs{"presence", false, true},       Needs{"client-id", false, true},
    Needs{"gzip", true, false},           Needs{"insecure", true, false},
    Needs{"token-file", true, false},     Needs{"api-key-file", true, false},
    Needs{"hmac-key-file", true, false},  Needs{"oauth2", true, false},
};
constexpr std::array<std::string_view, 10> kTlsOptions{
    "ca", "crl", "pin", "server-name", "alpn", "tls12", "cert", "key", "psk", "psk-file"};
constexpr std::array<std::string_view, 5> kProofs{"user", "token-file", "api-key-file",
                                                  "hmac-key-file", "oauth2"};

Status check_kinds(const Options& options) {
  bool has_https = false;
  bool has_mqtt = false;
  bool has_tls = false;
  for (const std::string& url : options.texts("to")) {
    const auto is_https = is_https_url(url);
    if (!is_https)
      return bad_option("to", "the scheme is none of mqtts, mqtt, mqtt+unix, https and http");
    (*is_https ? has_https : has_mqtt) = true;
    has_tls = has_tls || needs_tls(url);
  }
  for (const auto& [option, https, mqtt] : kNeeds) {
    if (!options.has(option) || (https && has_https) || (mqtt && has_mqtt)) continue;
    return bad_option(option, https ? "no --to is https:// or http://" : "no --to is a broker");
  }
  for (const std::string_view option : kTlsOptions) {
    if (options.has(option) && !has_tls)
      return bad_option(option, "no --to is mqtts:// or https://");
  }
  const std::string mode = options.text("mode");
  if (mode == "batch" && has_mqtt) return bad_option("mode", "batch is for https:// only");
  const auto proofs = std::ranges::count_if(
      kProofs, [&options](std::string_view name) { return options.has(name); });
  if (has_https && proofs > 1) {
    return bad_option("user",
                      "of --user, --token-file, --api-key-file, --hmac-key-file and --oauth2 a "
                      "web server takes one");
  }
  if (has_https && options.has("user") != options.has("password-file")) {
    return bad_option(options.has("user") ? "user" : "password-file",
                      "a web server takes --user and --password-file together");
  }
  for (const std::string& name : options.texts("stream")) {
    if (Status status = validate_name("option --stream", name); !status.is_ok()) return status;
  }
  for (const char* const name : {"consumer", "inbox"}) {
    Status status = validate_name("option --" + std::string(name), options.text(name));
    if (!status.is_ok()) return status;
  }
  if (options.has("metrics-file") &&
      is_same_file(options.text("metrics-file"), options.text("db"))) {
    return bad_option("metrics-file", "it is the database");
  }
  if (options.has("psk") && options.has("psk-file"))
    return bad_option("psk", "not with --psk-file");
  if (options.duration("retry-max") > kRetryMax) return bad_option("retry-max", "more than 24h");
  return {};
}

/// The secret in a file, which must be there now.
Status read_file_option(const Options& options, std::string_view name, Secret& secret) {
  if (!options.has(name)) return {};
  secret.file = options.text(name);
  const auto read = read_secret(secret);
  return read ? Status() : in_options(read.status(), name);
}

/// Reads `ID:HEX`.
Status read_psk(const Options& options, TlsOptions& tls) {
  const std::string_view name = options.has("psk") ? "psk" : "psk-file";
  if (!options.has(name)) return {};
  std::string both = options.text(name);
  if (name == "psk-file") {
    const auto read = read_secret({.file = both});
    if (!read) return in_options(read.status(), name);
    both = *read;
  }
  const auto colon = both.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad_option(name, "it is not ID:HEX");
  tls.psk_identity = both.substr(0, colon);
  for (std::size_t i = colon + 1; i < both.size(); i += 2) {
    unsigned byte = 0;
    const char* const digits = both.data() + i;
    if (i + 2 > both.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
      return bad_option(name, "what is behind the colon is not hexadecimal");
    }
    tls.psk.value.push_back(static_cast<char>(byte));
  }
  return {};
}

Result<std::shared_ptr<Tls>> make_tls(const Options& options, const Platform& platform) {
  const auto urls = options.texts("to");
  if (std::ranges::none_of(urls, needs_tls)) return std::shared_ptr<Tls>();
  TlsOptions tls{.ca_file = options.text("ca"),
                 .certificate_file = options.text("cert"),
                 .key_file = options.text("key"),
                 .server_name = options.text("server-name"),
                 .alpn = options.texts("alpn"),
                 .pins = options.texts("pin"),
                 .crl_file = options.text("crl"),
                 .oldest = options.has("tls12") ? TlsVersion::tls12 : TlsVersion::tls13};
  if (Status status = read_psk(options, tls); !status.is_ok()) return status;
  if (tls.ca_file.empty() && tls.psk.is_empty()) tls.ca_file = machine_ca_file();
  auto made = edgepost::make_tls(tls, platform);
  if (!made) return in_options(made.status(), "ca");
  return made;
}

Result<MqttOptions> mqtt_options(const Options& options) {
  MqttOptions mqtt{.client_id = options.text("client-id"),
                   .user_name = options.text("user"),
                   .topic_template = options.text("topic-template"),
                   .prefix = options.text("prefix"),
                   .presence_topic = options.text("presence"),
                   .subscriptions = options.texts("subscribe")};
  const std::string version = options.text("mqtt-version");
  if (version == "5") mqtt.version = MqttVersion::v5;
  if (version == "3.1.1") mqtt.version = MqttVersion::v311;
  const std::string mode = options.text("mode");
  if (mode == "binary") mqtt.mode = MqttMode::binary;
  if (mode == "structured") mqtt.mode = MqttMode::structured;
  Status status = read_file_option(options, "password-file", mqtt.password);
  if (!status.is_ok()) return status;
  return mqtt;
}

Result<HttpsOptions> https_options(const Options& options, const Platform& platform) {
  HttpsOptions https{.allow_plaintext = options.has("insecure"), .gzip = options.has("gzip")};
  const std::string mode = options.text("mode");
  if (mode == "binary") https.mode = HttpsMode::binary;
  if (mode == "structured") https.mode = HttpsMode::structured;
  Status status;
  if (options.has("user")) {
    auto& auth = https.auth.emplace<BasicAuth>(BasicAuth{.user = options.text("user")});
    status = read_file_option(options, "password-file", auth.password);
  } else if (options.has("token-file")) {
    status = read_file_option(options, "token-file", https.auth.emplace<BearerAuth>().token);
  } else if (options.has("api-key-file")) {
    auto& auth =
        https.auth.emplace<ApiKeyAuth>(ApiKeyAuth{.header = options.text("api-key-header")});
    status = read_file_option(options, "api-key-file", auth.key);
  } else if (options.has("hmac-key-file")) {
    status = read_file_option(options, "hmac-key-file", https.auth.emplace<WebhookAuth>().key);
  } else if (options.has("oauth2")) {
    auto auth = read_oauth2(options.text("oauth2"), std::getenv, platform);
    if (!auth) return bad_option("oauth2", auth.status().message());
    https.auth = std::move(*auth);
  }
  if (!status.is_ok()) return status;
  return https;
}

Result<UplinkOptions> uplink_options(const Options& options) {
  const auto size = [&options](std::string_view name) {
    return static_cast<std::size_t>(options.count(name));  // the table bounds it
  };
  UplinkOptions uplink{.name = options.text("consumer"),
                       .max_in_flight = size("window"),
                       .batch_events = size("batch")};
  if (options.has("subscribe")) uplink.inbox = options.text("inbox");
  uplink.retry.max_delay = options.duration("retry-max");
  uplink.breaker.trip_after = options.duration("trip-after");
  uplink.retry.initial_delay = std::min(kFirstRetry, uplink.retry.max_delay);
  // Someone waits for the end of this: an endpoint is left alone no longer than that either.
  uplink.breaker.recovery_timeout =
      std::min(uplink.breaker.recovery_timeout, uplink.retry.max_delay);
  for (const std::string& text : options.texts("rate")) {
    const Rate rate = *parse_rate(text);
    std::uint64_t& wanted =
        rate.events > 0 ? uplink.pacing.events_per_second : uplink.pacing.bytes_per_second;
    if (wanted > 0) return bad_option("rate", "once for events and once for bytes, not more");
    wanted = rate.events + rate.bytes;
  }
  if (options.has("bytes-per-day")) {
    uplink.pacing.bytes_per_day = *parse_size(options.text("bytes-per-day"));
  }
  return uplink;
}

}  // namespace

std::span<const Option> sync_options() { return kSyncOptions; }

Result<UplinkPlan> sync_plan(const Options& options, const Platform& platform) {
  if (Status status = check_kinds(options); !status.is_ok()) return status;
  const auto uplink = uplink_options(options);
  if (!uplink) return uplink.status();
  const auto mqtt = mqtt_options(options);
  if (!mqtt) return mqtt.status();
  const auto https = https_options(options, platform);
  if (!https) return https.status();
  const auto tls = make_tls(options, platform);
  if (!tls) return tls.status();
  UplinkPlan plan{.options = *uplink};
  for (const std::string& url : options.texts("to")) {
    EndpointPlan& endpoint = plan.endpoints.emplace_back();
    if (*is_https_url(url)) {
      HttpsOptions& own = endpoint.options.emplace<HttpsOptions>(*https);
      own.url = url;
      own.tls = *tls;
    } else {
      MqttOptions& own = endpoint.options.emplace<MqttOptions>(*mqtt);
      own.url = url;
      if (needs_tls(url)) own.tls = *tls;
    }
    const auto tried = make_endpoint(endpoint, plan.options, "device", "edgepost", platform);
    if (!tried) return in_options(tried.status(), "to");
  }
  return plan;
}

}  // namespace edgepost::cli
