#pragma once

#include <optional>
#include <string>

#include "cli/config/config.hpp"
#include "edgepost/gateway.hpp"

namespace edgepost::cli {

/// Makes the transport of an endpoint. What the plan leaves open follows from the gateway:
/// `device_id`, and `client_id` for a broker.
/// Errors: those of make_mqtt_transport() and make_https_transport().
Result<Endpoint> make_endpoint(const EndpointPlan& plan, const UplinkOptions& uplink,
                               const std::string& device_id, const std::string& client_id,
                               const Platform& platform);

/// Makes the streams, routes and uplinks of `config` in a gateway that was not started, and changes
/// streams that are there with other options. Notes all that does not work.
void apply(const Config& config, Gateway& gateway, Problems& problems);

/// Does the same to a database that is thrown away, so that everything the library has to say about
/// `config` is known before anything starts.
void rehearse(const Config& config, Problems& problems);

/// Reads the configuration in a file and checks all of it, see rehearse().
/// Nothing is returned exactly when `problems` has got something.
std::optional<Config> load_config(const std::string& path, const Environment& environment,
                                  const Platform& platform, Problems& problems);

}  // namespace edgepost::cli
