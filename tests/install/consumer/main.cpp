// The least a firmware does: one stream, one stored event, one uplink, with nothing but what an
// installation gives it.
#include <edgepost/gateway.hpp>
#include <edgepost/https.hpp>
#include <edgepost/mqtt.hpp>

#include <cstdio>
#include <utility>

namespace {

edgepost::Status run(const char* database) {
  edgepost::GatewayOptions options;
  options.database = database;
  auto gateway = edgepost::Gateway::open(options);
  if (!gateway) return gateway.status();
  auto status = (*gateway)->create_stream({.name = "readings"});
  if (!status.is_ok()) return status;
  status = (*gateway)->route("machine/#", "readings");
  if (!status.is_ok()) return status;

  auto transport = edgepost::make_mqtt_transport({.url = "mqtt://127.0.0.1:1", .client_id = "me"});
  if (!transport) return transport.status();
  status = (*gateway)->add_uplink({.name = "cloud", .streams = {"readings"}},
                                  std::move(transport.value()));
  if (!status.is_ok()) return status;

  edgepost::HttpsOptions options_of_backup;
  options_of_backup.url = "http://127.0.0.1:1/events";
  options_of_backup.allow_plaintext = true;
  auto backup = edgepost::make_https_transport(options_of_backup);
  if (!backup) return backup.status();
  status = (*gateway)->add_uplink({.name = "backup", .streams = {"readings"}},
                                  std::move(backup.value()));
  if (!status.is_ok()) return status;

  auto receipt = (*gateway)->publish({.topic = "machine/temperature", .data = "21.5"});
  if (!receipt) return receipt.status();
  std::printf("stored as %llu\n", static_cast<unsigned long long>(receipt->sequence));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const auto status = run(argc > 1 ? argv[1] : "consumer.db");
  if (!status.is_ok()) std::fprintf(stderr, "consumer: %s\n", status.message().c_str());
  return status.is_ok() ? 0 : 1;
}
