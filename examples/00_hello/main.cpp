#include <edgepost/gateway.hpp>
#include <edgepost/mqtt.hpp>

int main() {
  using namespace edgepost;
  auto opened = Gateway::open({.database = "hello.db"});
  auto broker = make_mqtt_transport({.url = "mqtt://localhost", .client_id = "hello"});
  if (!opened || !broker) return 1;
  Gateway& gateway = **opened;
  const Status steps[] = {
      gateway.create_stream({.name = "outbox"}),
      gateway.route("#", "outbox"),
      gateway.add_uplink({.name = "cloud", .streams = {"outbox"}}, std::move(*broker)),
      gateway.start(),
      gateway.publish({.topic = "room/temperature", .data = "21.5"}).status(),  // now it is safe
  };
  for (const Status& step : steps) {
    if (!step.is_ok()) return 1;
  }
}
