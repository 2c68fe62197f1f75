#include "bench/bench.hpp"
#include "bench/peers.hpp"

#if defined(EDGEPOST_BENCH_PAHO)
#include <MQTTAsync.h>

#include "edgepost/status.hpp"

namespace edgepost::bench {

bool has_paho() { return true; }

double paho_offline_rate(const std::string& directory, std::size_t count, const std::string& data) {
  MQTTAsync client = nullptr;
  MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
  options.sendWhileDisconnected = 1;
  options.allowDisconnectedSendAtAnyTime = 1;
  options.maxBufferedMessages = 65'535;
  std::string place = directory;
  // Nobody listens on port 1; the library would connect only when told to.
  EDGEPOST_ASSERT(MQTTAsync_createWithOptions(&client, "tcp://127.0.0.1:1", "bench",
                                              MQTTCLIENT_PERSISTENCE_DEFAULT, place.data(),
                                              &options) == MQTTASYNC_SUCCESS);
  const double time = seconds([&] {
    for (std::size_t i = 0; i < count; ++i) {
      EDGEPOST_ASSERT(MQTTAsync_send(client, "plant/line4/temperature",
                                     static_cast<int>(data.size()), data.data(), 1, 0,
                                     nullptr) == MQTTASYNC_SUCCESS);
    }
  });
  MQTTAsync_destroy(&client);
  return static_cast<double>(count) / time;
}

}  // namespace edgepost::bench

#else

namespace edgepost::bench {

bool has_paho() { return false; }

double paho_offline_rate(const std::string&, std::size_t, const std::string&) { return 0; }

}  // namespace edgepost::bench

#endif
