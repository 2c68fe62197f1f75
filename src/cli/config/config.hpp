#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/config/problems.hpp"
#include "cli/options.hpp"
#include "edgepost/gateway.hpp"
#include "edgepost/https.hpp"
#include "edgepost/mqtt.hpp"

namespace edgepost::cli {

/// A stream as wanted.
struct StreamPlan {
  Origin origin;          ///< Where it stands.
  StreamOptions options;  ///< As wanted.
};

/// A route as wanted.
struct RoutePlan {
  Origin origin;         ///< Where it stands.
  std::string filter;    ///< Of topics.
  std::string stream;    ///< Where they go.
  RouteOptions options;  ///< How many of them.
};

/// An endpoint as wanted. What is empty of `device_id` and `client_id` is filled in when the
/// gateway is open.
struct EndpointPlan {
  Origin origin;                                    ///< Where it stands.
  std::variant<MqttOptions, HttpsOptions> options;  ///< As wanted.
  std::vector<std::string> tags;                    ///< For residency.
};

/// An uplink as wanted.
struct UplinkPlan {
  Origin origin;                        ///< Where it stands.
  UplinkOptions options;                ///< As wanted.
  std::vector<EndpointPlan> endpoints;  ///< In order of preference.
};

/// Everything `edgepost run` is told.
struct Config {
  GatewayOptions gateway;                                ///< How to open it.
  std::vector<StreamPlan> streams;                       ///< Made, or changed where they differ.
  std::vector<RoutePlan> routes;                         ///< Beside the filters of the streams.
  std::vector<UplinkPlan> uplinks;                       ///< All there are.
  std::string metrics_file;                              ///< Empty: none.
  Duration metrics_interval = std::chrono::seconds(60);  ///< Between two writings.
  Duration stop_patience = std::chrono::seconds(5);  ///< For answers, before an end or a reload.
  LogLevel log_level = LogLevel::info;               ///< Lines below are dropped.
};

/// Reads a configuration (JSON) and checks each value by itself; what only the library can judge is
/// for rehearse(). Secrets are looked up, TLS files are read.
/// What has problems is returned as far as it is right.
Config read_config(std::string_view json, const Environment& environment, const Platform& platform,
                   Problems& problems);

/// What may stand in a configuration, for people.
std::string explain_config();

/// The CA certificates of this machine, or empty.
std::string machine_ca_file();

/// True when a URL's scheme is spoken by HttpsOptions; false for MQTT; nothing for neither.
std::optional<bool> is_https_url(std::string_view url);

/// True when the scheme needs TLS.
bool needs_tls(std::string_view url);

/// Reads an OAuth 2.0 client from a JSON file of its own.
/// Errors: io_error; invalid_argument, all problems in one message.
Result<OAuth2Auth> read_oauth2(const std::string& path, const Environment& environment,
                               const Platform& platform);

}  // namespace edgepost::cli
