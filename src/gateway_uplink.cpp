// The part of the facade that adds uplinks and gives them what they need.
#include <algorithm>
#include <utility>

#include "base/topic.hpp"
#include "gateway_parts.hpp"
#include "wire/json.hpp"

namespace edgepost {
namespace {

constexpr std::uint64_t kRateMax = std::uint64_t{1} << 50U;  // sums stay far from overflow

/// Checks options and remembers the first that is wrong.
class Checker {
 public:
  explicit Checker(const std::string& uplink) : prefix_("uplink " + uplink + ": ") {}

  void require(bool is_right, const std::string& what) {
    if (status_.is_ok() && !is_right) status_ = {Code::invalid_argument, prefix_ + what};
  }
  void require(Status status) {
    if (status_.is_ok()) status_ = std::move(status);
  }
  void positive(const char* name, Duration time) {
    require(time > Duration::zero() && time <= kTimeoutMax,
            std::string(name) + ": must be positive and at most 24 h");
  }
  void time(const char* name, Duration time) {
    require(time >= Duration::zero() && time <= kTimeoutMax,
            std::string(name) + ": must be 0 to 24 h");
  }
  void number(const char* name, std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    require(value >= min && value <= max,
            std::string(name) + ": must be " + std::to_string(min) + " to " + std::to_string(max));
  }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  const std::string prefix_;
  Status status_;
};

void check(const CircuitBreaker& breaker, Checker& checker) {
  checker.number("breaker.failure_threshold", breaker.failure_threshold, 1, 1'000'000);
  checker.positive("breaker.recovery_timeout", breaker.recovery_timeout);
  checker.number("breaker.half_open_max_calls", breaker.half_open_max_calls, 1, 65'535);
  checker.positive("breaker.trip_after", breaker.trip_after);
  checker.number("breaker.success_percent_min", breaker.success_percent_min, 0, 100);
}

void check(const Pacing& pacing, Checker& checker) {
  checker.number("pacing.events_per_second", pacing.events_per_second, 0, kRateMax);
  checker.number("pacing.burst_events", pacing.burst_events, 0, kRateMax);
  checker.require(pacing.burst_events == 0 || pacing.events_per_second > 0,
                  "pacing.burst_events: means nothing without events_per_second");
  checker.number("pacing.bytes_per_second", pacing.bytes_per_second, 0, kRateMax);
  checker.number("pacing.burst_bytes", pacing.burst_bytes, 0, kRateMax);
  checker.require(pacing.burst_bytes == 0 || pacing.bytes_per_second > 0,
                  "pacing.burst_bytes: means nothing without bytes_per_second");
  checker.number("pacing.bytes_per_day", pacing.bytes_per_day, 0, kRateMax);
  checker.number("pacing.bytes_per_month", pacing.bytes_per_month, 0, kRateMax);
}

void check(const UplinkOptions& options, std::span<const Endpoint> endpoints, Checker& checker) {
  checker.number("endpoints", endpoints.size(), 1, 16);
  for (const Endpoint& endpoint : endpoints) {
    checker.require(endpoint.transport != nullptr, "endpoints: one has no transport");
    for (const std::string& tag : endpoint.tags)
      checker.require(!tag.empty(), "endpoints: a tag is empty");
  }
  checker.time("failover.fail_back_after", options.failover.fail_back_after);
  for (const auto& [stream, tag] : options.failover.residency) {
    const bool is_drained = std::count(options.streams.begin(), options.streams.end(), stream) > 0;
    checker.require(is_drained, "failover.residency: stream " + stream + " is not one of its own");
    const bool is_there =
        std::any_of(endpoints.begin(), endpoints.end(), [&tag = tag](const Endpoint& endpoint) {
          return std::count(endpoint.tags.begin(), endpoint.tags.end(), tag) > 0;
        });
    checker.require(is_there, "failover.residency: no endpoint has the tag " + tag);
  }
}

Status check(const UplinkOptions& options, std::span<const Endpoint> endpoints) {
  if (Status status = validate_name("uplink", options.name); !status.is_ok()) return status;
  Checker checker(options.name);
  checker.require(!options.streams.empty() || !options.inbox.empty(),
                  "streams: name at least one, or an inbox");
  for (const std::string& name : options.streams) {
    checker.require(std::count(options.streams.begin(), options.streams.end(), name) == 1,
                    "stream " + name + " is named twice");
    checker.require(name != options.inbox,
                    "inbox: stream " + name + " is drained as well: what comes in would go out");
  }
  checker.require(check_consumer(checker.prefix(), consumer_options(options)));
  checker.time("retry.stable_after", options.retry.stable_after);
  check(options.breaker, checker);
  check(options.pacing, checker);
  checker.number("batch_events", options.batch_events, 1, 10'000);
  checker.number("batch_bytes", options.batch_bytes, 1, std::uint64_t{1} << 30U);
  checker.time("linger", options.linger);
  checker.number("live_percent", options.live_percent, 0, 100);
  checker.positive("connect_timeout", options.connect_timeout);
  checker.time("probe_interval", options.probe_interval);
  checker.time("blocked_retry", options.blocked_retry);
  check(options, endpoints, checker);
  return checker.status();
}

}  // namespace

Status Gateway::add_uplink(const UplinkOptions& options, std::unique_ptr<Transport> transport) {
  std::vector<Endpoint> endpoints(1);
  endpoints.front().transport = std::move(transport);
  return add_uplink(options, std::move(endpoints));
}

Status Gateway::add_uplink(const UplinkOptions& options, std::vector<Endpoint> endpoints) {
  if (Status status = check(options, endpoints); !status.is_ok()) return status;
  const std::string prefix = "uplink " + options.name + ": ";
  const std::lock_guard control(parts_->control_mutex);
  if (parts_->worker != nullptr) {
    return {Code::wrong_state, prefix + "stop the gateway before adding one"};
  }
  if (parts_->store->is_read_only()) {
    return {Code::wrong_state, prefix + "the database is opened for reading only"};
  }
  // Everything that can be wrong is found before a consumer is made: it would hold events for ever.
  for (const auto& link : parts_->links) {
    if (link->name == options.name) return {Code::already_exists, prefix + "its name is taken"};
  }
  auto link = std::make_unique<Parts::Link>();
  link->name = options.name;
  for (const std::string& name : options.streams) {
    const Result<store::StreamLog*> stream = parts_->store->stream(name);
    if (!stream) return stream.status();
    link->streams.push_back(*stream);
  }
  if (!options.inbox.empty()) {
    const Result<store::StreamLog*> inbox = parts_->store->stream(options.inbox);
    if (!inbox) return inbox.status();
    link->inbox = *inbox;
  }
  std::vector<Uplink::Source> sources;
  for (store::StreamLog* stream : link->streams) {
    Result<Consumer> consumer = parts_->store->consumer(stream->name(), consumer_options(options));
    if (!consumer) {
      if (consumer.status().code() != Code::busy) return consumer.status();
      return {Code::already_exists, prefix + "its name is taken: " + consumer.status().message()};
    }
    sources.push_back({std::move(*consumer), [stream] { return stream->options().priority; }});
  }
  link->uplink = std::make_unique<Uplink>(options, std::move(endpoints), std::move(sources),
                                          parts_->options.platform, parts_->hooks(*link));
  const std::unique_lock lock(parts_->mutex);
  parts_->links.push_back(std::move(link));
  return {};
}

Status Gateway::retry_uplink(std::string_view name) {
  const std::shared_lock lock(parts_->mutex);
  for (const auto& link : parts_->links) {
    if (link->name != name) continue;
    link->uplink->retry_now();
    if (link->worker != nullptr) link->worker->wake();
    return {};
  }
  return {Code::not_found, "unknown uplink '" + std::string(name) + "'"};
}

std::vector<Uplink*> Gateway::Parts::uplinks() {
  const std::shared_lock lock(mutex);
  std::vector<Uplink*> uplinks;
  for (const auto& link : links)
    uplinks.push_back(link->uplink.get());
  return uplinks;
}

UplinkHooks Gateway::Parts::hooks(Link& link) {
  UplinkHooks hooks;
  if (link.inbox != nullptr) {
    hooks.receive = [this, &link](std::string_view address, std::span<Received> received) {
      return receive(link, address, received);
    };
    hooks.cursor = [this, &link](std::string_view address) { return cursor(link, address); };
  }
  hooks.note = [this](std::string_view name) { return store->note(name); };
  hooks.set_note = [this](std::string_view name, std::string_view value) {
    return store->set_note(name, value);
  };
  hooks.tell = [this](const LinkNews& news) { tell(news); };
  hooks.audit = [this](AuditEntry&& entry) { audit.add(std::move(entry)); };
  return hooks;
}

void Gateway::Parts::tell(const LinkNews& news) {
  Event event;
  event.topic = "edgepost/link/" + std::string(news.uplink) + "/" + std::string(news.what);
  event.type = "edgepost.link." + std::string(news.what);
  event.content_type = "application/json";
  for (const auto& [name, value] :
       {std::pair{"uplink", news.uplink}, std::pair{"address", news.address},
        std::pair{"state", to_string(news.state)}, std::pair{"breaker", to_string(news.breaker)},
        std::pair{"reason", news.reason}, std::pair{"correlation", news.correlation}}) {
    if (value.empty()) continue;
    event.data += event.data.empty() ? "{\"" : ",\"";
    event.data += std::string(name) + "\":";
    wire::append_json_string(value, event.data);
  }
  event.data += "}";
  if (complete_event(event)) hand_out(event);
}

}  // namespace edgepost
