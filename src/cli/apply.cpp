#include "cli/apply.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/metrics_file.hpp"
#include "cli/text_file.hpp"

namespace edgepost::cli {
namespace {

/// Notes what the library said, without the words that only repeat whose fault it is.
void note(const Status& status, const Origin& origin, const std::string& prefix,
          Problems& problems) {
  if (status.is_ok()) return;
  std::string_view message = status.message();
  if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  problems.add(origin, message);
}

bool is_as_wanted(const StreamOptions& is, const StreamOptions& wanted) {
  return is.filters == wanted.filters && is.retention == wanted.retention &&
         is.discard == wanted.discard && is.max_bytes == wanted.max_bytes &&
         is.max_events == wanted.max_events && is.max_age == wanted.max_age &&
         is.max_per_key == wanted.max_per_key && is.priority == wanted.priority;
}

void apply_streams(const Config& config, Gateway& gateway, Problems& problems) {
  const GatewayStatus status = gateway.status();
  for (const auto& [origin, wanted] : config.streams) {
    const auto& streams = status.streams;
    const auto found = std::ranges::find(streams, wanted.name, &StreamStatus::name);
    Status done;
    if (found == streams.end()) {
      done = gateway.create_stream(wanted);
    } else if (!is_as_wanted(found->options, wanted)) {
      done = gateway.change_stream(wanted);
    }
    note(done, origin, "stream " + wanted.name + ": ", problems);
  }
}

void apply_uplink(const UplinkPlan& plan, const std::string& device_id, const Platform& platform,
                  Gateway& gateway, Problems& problems) {
  std::vector<Endpoint> endpoints;
  const std::string client_id = "edgepost-" + device_id + "-" + plan.options.name;
  for (const EndpointPlan& wanted : plan.endpoints) {
    auto endpoint = make_endpoint(wanted, plan.options, device_id, client_id, platform);
    note(endpoint.status(), wanted.origin, {}, problems);
    if (endpoint) endpoints.push_back(std::move(*endpoint));
  }
  if (endpoints.size() < plan.endpoints.size()) return;
  note(gateway.add_uplink(plan.options, std::move(endpoints)), plan.origin,
       "uplink " + plan.options.name + ": ", problems);
}

/// What nothing is known against yet, and of other streams the name.
Config sound_part(const Config& config, const Problems& problems) {
  Config sound = config;
  const auto is_faulty = [&problems](const auto& plan) {
    return problems.concern(plan.origin.path);
  };
  for (StreamPlan& plan : sound.streams) {
    if (is_faulty(plan)) plan.options = {.name = plan.options.name};
  }
  std::erase_if(sound.streams, [](const StreamPlan& plan) { return plan.options.name.empty(); });
  std::erase_if(sound.routes, is_faulty);
  std::erase_if(sound.uplinks, is_faulty);
  if (problems.concern_top()) sound.gateway = {.platform = config.gateway.platform};
  return sound;
}

/// A directory that goes with the object. It is in memory where that can be: a gateway whose disk
/// is full must still start, and no flash is worn.
class Scratch {
 public:
  Scratch() {
    std::error_code error;
    const std::filesystem::path other = std::filesystem::temp_directory_path(error);
    for (const std::filesystem::path& place : {std::filesystem::path("/dev/shm"), other}) {
      path_ = place / "edgepost-XXXXXX";
      is_there_ = mkdtemp(path_.data()) != nullptr;
      if (is_there_) break;
    }
  }
  ~Scratch() {
    std::error_code error;
    if (is_there_) std::filesystem::remove_all(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool is_there_ = false;
};

}  // namespace

Result<Endpoint> make_endpoint(const EndpointPlan& plan, const UplinkOptions& uplink,
                               const std::string& device_id, const std::string& client_id,
                               const Platform& platform) {
  Result<std::unique_ptr<Transport>> transport = std::unique_ptr<Transport>();
  if (const auto* https = std::get_if<HttpsOptions>(&plan.options)) {
    HttpsOptions options = *https;
    options.device_id = device_id;
    transport = make_https_transport(options, platform);
  } else {
    MqttOptions options = std::get<MqttOptions>(plan.options);
    options.device_id = device_id;
    if (options.client_id.empty()) options.client_id = client_id;
    options.in_flight_max = uplink.max_in_flight;
    transport = make_mqtt_transport(options, platform);
  }
  if (!transport) return transport.status();
  return Endpoint{.transport = std::move(*transport), .tags = plan.tags};
}

void apply(const Config& config, Gateway& gateway, Problems& problems) {
  apply_streams(config, gateway, problems);
  for (const auto& [origin, filter, stream, options] : config.routes)
    note(gateway.route(filter, stream, options), origin, {}, problems);
  const std::string device_id = gateway.status().device_id;
  for (const UplinkPlan& plan : config.uplinks)
    apply_uplink(plan, device_id, config.gateway.platform, gateway, problems);
}

void rehearse(const Config& config, Problems& problems) {
  if (!problems.concern_top() && config.gateway.database.starts_with(":")) {
    return problems.add({}, "database: '" + config.gateway.database + "' is no file");
  }
  if (is_same_file(config.metrics_file, config.gateway.database)) {
    return problems.add({}, "metrics_file: it is the database");
  }
  const Scratch scratch;
  if (!scratch.is_there()) {
    return problems.add({}, "no directory for a rehearsal can be made in " + scratch.path() + ": " +
                                std::strerror(errno));
  }
  const Config sound = sound_part(config, problems);
  GatewayOptions options = sound.gateway;
  options.database = scratch.path() + "/rehearsal.db";
  options.reserve_bytes = 0;
  options.platform.logger = nullptr;
  const auto gateway = Gateway::open(options);
  if (!gateway) return note(gateway.status(), {}, {}, problems);
  apply(sound, **gateway, problems);
}

std::optional<Config> load_config(const std::string& path, const Environment& environment,
                                  const Platform& platform, Problems& problems) {
  constexpr std::size_t kBytesMax = 1024 * 1024;
  const auto json = read_file(path, kBytesMax);
  if (!json || json->empty()) {
    problems.add({}, json ? "the file is empty" : json.status().message());
    return std::nullopt;
  }
  Config config = read_config(*json, environment, platform, problems);
  rehearse(config, problems);
  if (!problems.is_empty()) return std::nullopt;
  return config;
}

}  // namespace edgepost::cli
