// The part of the facade that makes, changes and deletes streams and consumers.
#include <algorithm>
#include <utility>

#include "base/topic.hpp"
#include "gateway_parts.hpp"

namespace edgepost {
namespace {

constexpr std::uint32_t kPerKeyMax = 1'000;  // the newest of each key stand in one row

Status check(const StreamOptions& options) {
  if (Status status = validate_name("stream", options.name); !status.is_ok()) return status;
  const auto invalid = [&options](std::string what) {
    return Status(Code::invalid_argument, "stream " + options.name + ": " + std::move(what));
  };
  for (const std::string& filter : options.filters) {
    if (Status status = validate_filter(filter); !status.is_ok()) {
      return invalid("filters: " + status.message());
    }
  }
  if (options.max_age < Duration::zero()) return invalid("max_age: must not be negative");
  if (options.max_per_key > kPerKeyMax) return invalid("max_per_key: must be at most 1000");
  // SQLite's integers are signed.
  constexpr std::uint64_t kMax = std::uint64_t{1} << 62U;
  if (options.max_bytes > kMax) return invalid("max_bytes: too large");
  if (options.max_events > kMax) return invalid("max_events: too large");
  return {};
}

Status check_retry(const std::string& prefix, const RetryPolicy& retry) {
  const auto invalid = [&prefix](const char* what) {
    return Status(Code::invalid_argument, prefix + "retry." + what);
  };
  if (retry.initial_delay <= Duration::zero()) return invalid("initial_delay: too short");
  if (retry.max_delay < retry.initial_delay) return invalid("max_delay: too short");
  if (retry.max_delay > kTimeoutMax) return invalid("max_delay: must be at most 24 h");
  if (!(retry.multiplier >= 1.0)) return invalid("multiplier: must be 1.0 or more");
  return {};
}

}  // namespace

Status check_consumer(const std::string& prefix, const ConsumerOptions& options) {
  constexpr std::size_t kInFlightMax = 65'535;
  const auto invalid = [&prefix](const std::string& what) {
    return Status(Code::invalid_argument, prefix + what);
  };
  if (Status status = validate_filter(options.filter); !status.is_ok()) {
    return invalid("filter: " + status.message());
  }
  if (options.max_in_flight == 0 || options.max_in_flight > kInFlightMax) {
    return invalid("max_in_flight: must be 1 to 65535");
  }
  if (options.max_in_flight_per_key == 0)
    return invalid("max_in_flight_per_key: must be 1 or more");
  if (options.live_percent > 100) return invalid("live_percent: must be 0 to 100");
  if (options.ack_wait < Duration::zero() || options.ack_wait > kTimeoutMax) {
    return invalid("ack_wait: must be 0 to 24 h");
  }
  return check_retry(prefix, options.retry);
}

void Gateway::Parts::dropped(const store::StreamLog& stream, const Dropped& dropped) {
  Event event;
  event.topic = "edgepost/stream/" + stream.name() + "/dropped";
  event.type = "edgepost.stream.dropped";
  event.content_type = "application/json";
  for (const auto& [reason, count] :
       {std::pair{"max_bytes", dropped.max_bytes}, std::pair{"max_events", dropped.max_events},
        std::pair{"max_age", dropped.max_age}, std::pair{"max_per_key", dropped.max_per_key},
        std::pair{"damaged", dropped.damaged}}) {
    if (count == 0) continue;
    event.data += event.data.empty() ? "{" : ",";
    event.data += "\"" + std::string(reason) + "\":" + std::to_string(count);
  }
  event.data += "}";
  if (complete_event(event)) hand_out(event);
}

Status Gateway::create_stream(const StreamOptions& options) {
  if (Status status = check(options); !status.is_ok()) return status;
  if (Status status = parts_->store->create_stream(options); !status.is_ok()) return status;
  const Result<store::StreamLog*> stream = parts_->store->stream(options.name);
  if (!stream) return stream.status();
  parts_->routes.set_own(**stream);
  return {};
}

Status Gateway::change_stream(const StreamOptions& options) {
  if (Status status = check(options); !status.is_ok()) return status;
  if (Status status = parts_->store->change_stream(options); !status.is_ok()) return status;
  const Result<store::StreamLog*> stream = parts_->store->stream(options.name);
  if (!stream) return stream.status();
  parts_->routes.set_own(**stream);
  return {};
}

Status Gateway::delete_stream(std::string_view name) {
  const std::lock_guard control(parts_->control_mutex);
  for (const auto& link : parts_->links) {  // its consumers hold the streams that it drains
    if (link->inbox == nullptr || link->inbox->name() != name) continue;
    return {Code::busy, "stream " + std::string(name) + ": is the inbox of uplink " + link->name};
  }
  return parts_->store->delete_stream(name);
}

Status Gateway::delete_consumer(std::string_view stream, std::string_view name) {
  return parts_->store->delete_consumer(stream, name);
}

Result<Consumer> Gateway::consumer(std::string_view stream, const ConsumerOptions& options) {
  if (Status status = validate_name("consumer", options.name); !status.is_ok()) return status;
  Status status = check_consumer("consumer " + options.name + ": ", options);
  if (!status.is_ok()) return status;
  return parts_->store->consumer(stream, options);
}

}  // namespace edgepost
