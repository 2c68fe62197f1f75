#pragma once

#include <doctest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "support/loopback.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {

/// Options for a server of the tests.
inline HttpsOptions https_options(const std::string& url) {
  HttpsOptions options;
  options.url = url;
  options.allow_plaintext = true;
  options.device_id = "gw-1";
  return options;
}

/// A transport that must be made.
inline std::unique_ptr<Transport> https_transport(const HttpsOptions& options) {
  Result<std::unique_ptr<Transport>> made = make_https_transport(options);
  REQUIRE_MESSAGE(made.is_ok(), made.status().message());
  return std::move(*made);
}

inline std::unique_ptr<Transport> https_transport(const std::string& url) {
  return https_transport(https_options(url));
}

/// Events with ids of their own, the same in each call.
inline std::vector<Event> numbered_events(std::size_t count) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < count; ++i) {
    Event event = published_event("plant/pump", std::to_string(i));
    const std::string number = std::to_string(1'000 + i);
    event.id = EventId::parse("0193a3b5-7c00-7000-8000-00000000" + number).value();
    event.sequence = i + 1;
    events.push_back(std::move(event));
  }
  return events;
}

inline std::vector<std::string> ids_of(const std::vector<Event>& events) {
  std::vector<std::string> ids;
  for (const Event& event : events)
    ids.push_back(event.id.to_string());
  return ids;
}

}  // namespace edgepost::test
