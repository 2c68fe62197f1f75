#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "support/oracle.hpp"

struct mosquitto;

namespace edgepost::test {

/// An MQTT subscriber that keeps its session and comes back by itself, and tells the oracle what it
/// gets: the id, source and data of CloudEvents in binary or structured mode.
class Witness {
 public:
  struct Options {
    int port = 1883;  ///< On loopback.
    int version = 5;  ///< Or 4, which is MQTT 3.1.1.
    int qos = 1;      ///< 0: reads on to the end when the broker is killed, for want of answers.
    std::string client_id = "witness";
    std::string filter = "#";
  };
  Witness(Oracle& oracle, const Options& options);
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// How often it has subscribed.
  [[nodiscard]] unsigned subscriptions() const;
  /// Waits until it has subscribed so often.
  void wait_for_subscription(unsigned count) const;

 private:
  struct Callbacks;

  Oracle& oracle_;
  const Options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable subscribed_;
  unsigned subscriptions_ = 0;
  mosquitto* client_ = nullptr;
  std::thread thread_;
};

}  // namespace edgepost::test
