#include "edgepost/gateway.hpp"

#include <algorithm>
#include <utility>

#include "gateway_parts.hpp"

namespace edgepost {
namespace {

constexpr Duration kPollMax = std::chrono::seconds(1);  // an uplink looks up at least this often
constexpr Duration kStopPoll = std::chrono::milliseconds(20);  // while stopping

Status invalid(std::string message) { return {Code::invalid_argument, std::move(message)}; }

Status check(const GatewayOptions& options) {
  constexpr std::size_t kDataBytesMax = 64 * 1024 * 1024;
  if (options.database.empty()) return invalid("database: the path is empty");
  if (options.database.find('\0') != std::string::npos) return invalid("database: NUL in the path");
  if (options.database.front() == ':')
    return invalid("database: '" + options.database + "' is no file");
  for (std::size_t i = 0; i < options.device_id.size(); ++i) {
    const char c = options.device_id[i];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') continue;
    return invalid("device_id: byte " + std::to_string(i) +
                   " is not a letter, a digit, '-', '_' or '.'");
  }
  if (options.device_id.size() > 64) return invalid("device_id: longer than 64 characters");
  if (options.limits.data_bytes_max == 0 || options.limits.data_bytes_max > kDataBytesMax) {
    return invalid("limits.data_bytes_max: must be 1 to 67108864");
  }
  for (const auto& [name, time] : {std::pair{"flush_interval", options.flush_interval},
                                   std::pair{"ack_flush", options.ack_flush}}) {
    if (time > Duration::zero() && time <= kTimeoutMax) continue;
    return invalid(std::string(name) + ": must be positive and at most 24 h");
  }
  if (options.claims_max == 0) return invalid("claims_max: must be 1 or more");
  if (options.ack_flush_events == 0) return invalid("ack_flush_events: must be 1 or more");
  if (options.source.empty()) return {};
  return validate(Event{.topic = "t", .type = "t", .source = options.source}, options.limits);
}

std::string default_device_id(const store::Identity& identity) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = "gw-";
  for (std::size_t i = identity.uuid.size() - 4; i < identity.uuid.size(); ++i) {
    id += kDigits[identity.uuid[i] >> 4U];
    id += kDigits[identity.uuid[i] & 15U];
  }
  return id;
}

}  // namespace

Gateway::Parts::Parts(GatewayOptions completed, std::unique_ptr<store::Store> opened)
    : options(std::move(completed)),
      device_id(options.device_id.empty() ? default_device_id(opened->identity())
                                          : options.device_id),
      source(options.source.empty() ? "/" + device_id : options.source),
      ids(*options.platform.random),
      bus({.platform = options.platform, .threads = false}),
      audit(options.audit_rows),
      store(std::move(opened)) {}

Result<std::optional<Duration>> Gateway::Parts::complete_event(Event& event) {
  const Timestamp wall = options.platform.clock->wall();
  if (event.id.is_nil()) event.id = ids.next(wall);
  std::optional<Duration> guessed_at;
  if (!event.time) {
    event.time = wall;
    guessed_at = store->guess_at();
  }
  if (event.source.empty()) event.source = source;
  if (event.type.empty()) event.type = "edgepost.event";
  event.sequence = 0;
  if (Status status = validate(event, options.limits); !status.is_ok()) return status;
  return guessed_at;
}

Result<Gateway::Parts::Prepared> Gateway::Parts::prepare(Event& event, Durability durability) {
  const auto guessed_at = complete_event(event);
  if (!guessed_at) return guessed_at.status();
  Routes::Ways ways = routes.find(event, durability, options.platform.clock->now());
  if (!ways.is_taken) {
    return Status(Code::not_found, "topic '" + event.topic +
                                       "': no route takes it into a stream; use bus() for "
                                       "events that nobody stores");
  }
  return Prepared{std::move(ways.streams), *guessed_at, ways.durability};
}

void Gateway::Parts::hand_out(const Event& event) {
  if (const Status status = bus.publish(event); !status.is_ok()) {
    options.platform.logger->write(LogLevel::warning, "bus", status.message());
  }
}

void Gateway::Parts::stored(const store::StreamLog& stream) {
  const std::shared_lock lock(mutex);
  for (const auto& link : links) {
    const auto& drained = link->streams;
    if (std::find(drained.begin(), drained.end(), &stream) != drained.end()) link->uplink->wake();
  }
  for (const Local& local : locals) {
    if (local.stream == &stream) local.subscriber->wake();
  }
}

void Gateway::Parts::due() {
  const std::lock_guard lock(worker_mutex);
  if (worker != nullptr) worker->wake();
}

Gateway::Gateway(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Gateway>> Gateway::open(const GatewayOptions& options) {
  if (Status status = check(options); !status.is_ok()) return status;
  GatewayOptions completed = options;
  completed.platform = complete(options.platform);
  // The store speaks to parts that are made after it; nothing is stored before they are.
  auto late = std::make_shared<Parts*>(nullptr);
  store::StoreListener listener;
  listener.on_stored = [late](const store::StreamLog& stream) {
    if (*late != nullptr) (*late)->stored(stream);
  };
  listener.on_dropped = [late](const store::StreamLog& stream, const Dropped& dropped) {
    if (*late != nullptr) (*late)->dropped(stream, dropped);
  };
  listener.on_due = [late] {
    if (*late != nullptr) (*late)->due();
  };
  Result<std::unique_ptr<store::Store>> store = store::Store::open(completed, std::move(listener));
  if (!store) return store.status();
  auto parts = std::make_unique<Parts>(std::move(completed), std::move(*store));
  *late = parts.get();
  for (store::StreamLog* stream : parts->store->streams())
    parts->routes.set_own(*stream);
  return std::unique_ptr<Gateway>(new Gateway(std::move(parts)));
}

Result<DamageReport> Gateway::repair(const GatewayOptions& options) {
  if (Status status = check(options); !status.is_ok()) return status;
  if (options.access != Access::own) {
    return Status(Code::invalid_argument, "access: only the owner can repair a database");
  }
  GatewayOptions completed = options;
  completed.platform = complete(options.platform);
  return store::Store::repair(completed);
}

Gateway::~Gateway() {
  stop();
  parts_->bus.stop();  // if the caller has started it
}

Result<Receipt> Gateway::publish(Event event, Durability durability) {
  const auto prepared = parts_->prepare(event, durability);
  if (!prepared) return prepared.status();
  const auto& [streams, guessed_at, wanted] = *prepared;
  if (streams.empty()) {
    parts_->hand_out(event);
    return Receipt{event.id, 0};
  }
  if (wanted == Durability::stored) {
    const Result<std::uint64_t> sequence = parts_->store->append(streams, event, guessed_at);
    if (!sequence) return sequence.status();
    event.sequence = *sequence;
  } else if (Status status = parts_->store->append_buffered(streams, event, guessed_at);
             !status.is_ok()) {
    return status;
  }
  parts_->hand_out(event);
  return Receipt{event.id, event.sequence};
}

Result<Subscription> Gateway::subscribe(std::string_view filter, Handler handler) {
  return parts_->bus.subscribe(filter, std::move(handler));
}

Bus& Gateway::bus() { return parts_->bus; }

Result<std::vector<Event>> Gateway::read(std::string_view stream, Position from,
                                         const ReadLimits& limits) {
  const Result<store::StreamLog*> found = parts_->store->stream(stream);
  if (!found) return found.status();
  store::ReadPosition position;
  position.next = std::max(from.sequence, (*found)->status().first_sequence);
  std::vector<Event> events;
  const auto nothing = [](std::uint64_t) { return false; };
  Status status = parts_->store->read(**found, position, limits, nothing, events);
  if (events.empty() && !status.is_ok()) return status;
  return events;
}

Status Gateway::start() {
  Parts& parts = *parts_;
  if (parts.store->is_read_only()) {
    return {Code::wrong_state, "start: the database is opened for reading only"};
  }
  const std::lock_guard control(parts.control_mutex);
  if (parts.worker != nullptr) return {Code::wrong_state, "start: started already"};
  if (Status status = parts.bus.start(); !status.is_ok()) return status;
  Status status = parts.launch();
  if (!status.is_ok()) parts.bus.stop();  // without the lock, which a handler may want
  return status;
}

Status Gateway::Parts::launch() {
  // Declared before the lock: threads that a failure leaves are joined without it.
  std::vector<std::unique_ptr<Worker>> workers;
  const std::unique_lock lock(mutex);
  const Clock& clock = *options.platform.clock;
  std::vector<Worker::Step> steps = {[this](Instant now) { return store->step(now); }};
  for (const auto& link : links) {
    Uplink& uplink = *link->uplink;
    uplink.start();
    steps.push_back([&uplink](Instant now) { return uplink.step(now, kPollMax); });
  }
  for (Worker::Step& step : steps) {
    Result<std::unique_ptr<Worker>> started = Worker::start(clock, std::move(step));
    if (!started) return started.status();
    workers.push_back(std::move(*started));
  }
  if (Status status = launch_subscribers(); !status.is_ok()) return status;
  for (const Parts::Local& local : locals)
    local.subscriber->run();
  for (std::size_t i = 0; i < links.size(); ++i) {
    links[i]->worker = std::move(workers[i + 1]);
  }
  const std::lock_guard worker_lock(worker_mutex);
  worker = std::move(workers.front());
  return {};
}

void Gateway::stop(Duration patience) {
  Parts& parts = *parts_;
  const std::lock_guard control(parts.control_mutex);
  const Clock& clock = *parts.options.platform.clock;
  if (parts.worker == nullptr) return;
  // First, so that uplinks still send what handlers publish; none is added meanwhile.
  for (const Parts::Local& local : parts.locals)
    local.subscriber->halt();
  parts.bus.stop();
  std::vector<std::unique_ptr<Worker>> workers;
  {
    const std::unique_lock lock(parts.mutex);
    const std::lock_guard worker_lock(parts.worker_mutex);
    workers.push_back(std::move(parts.worker));
    const Instant deadline = clock.now() + std::clamp(patience, Duration::zero(), kTimeoutMax);
    for (const auto& link : parts.links) {
      link->uplink->request_stop(deadline);
      workers.push_back(std::move(link->worker));
    }
  }
  workers.clear();  // without the lock, which a step in progress may want
  for (const auto& link : parts.links) {
    while (!link->uplink->is_stopped())
      link->uplink->step(clock.now(), kStopPoll);
  }
  if (const Status status = parts.store->flush(); !status.is_ok()) {
    parts.options.platform.logger->write(LogLevel::error, "store", status.message());
  }
}

Instant Gateway::step(Instant now, Duration wait) {
  Instant next =
      std::min({parts_->bus.step(now), parts_->store->step(now), parts_->step_subscribers(now)});
  if (next <= now) wait = Duration::zero();
  const std::vector<Uplink*> uplinks = parts_->uplinks();
  for (Uplink* uplink : uplinks) {  // without the lock: what it hears is handed out
    const auto share = wait / static_cast<Duration::rep>(uplinks.size());
    next = std::min(next, uplink->step(now, share));
  }
  // Again, for what uplinks and handlers have left: events in queues of the bus, and to store
  // acknowledgements and dead letters.
  next = std::min(next, parts_->bus.step(now));
  return std::min(next, parts_->store->step(now));
}

Status Gateway::flush() { return parts_->store->flush(); }

Result<std::uint64_t> Gateway::shrink() { return parts_->store->shrink(); }

GatewayStatus Gateway::status() const {
  GatewayStatus status;
  status.device_id = parts_->device_id;
  status.bus = parts_->bus.status();
  if (const Status filled = parts_->store->fill(status); !filled.is_ok()) {
    parts_->options.platform.logger->write(LogLevel::error, "store", filled.message());
  }
  const std::shared_lock lock(parts_->mutex);
  for (const auto& link : parts_->links)
    status.uplinks.push_back(link->uplink->status());
  for (const Parts::Local& local : parts_->locals)
    status.subscribers.push_back(local.subscriber->status());
  return status;
}

Result<VerifyReport> Gateway::verify() { return parts_->store->verify(); }

}  // namespace edgepost
