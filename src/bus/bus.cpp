#include "edgepost/bus.hpp"

#include <utility>

#include "base/topic.hpp"
#include "bus/bus_options.hpp"
#include "bus/delivery.hpp"
#include "bus/shared.hpp"

namespace edgepost {

Subscription::Subscription(std::shared_ptr<bus::Entry> entry) : entry_(std::move(entry)) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  unsubscribe();
  entry_ = std::move(other.entry_);
  return *this;
}

Subscription::~Subscription() { unsubscribe(); }

bool Subscription::unsubscribe() {
  // The handler may own this very object, which is therefore not touched again.
  const std::shared_ptr<bus::Entry> entry = std::move(entry_);
  if (!entry) return true;
  const auto bus = entry->bus.lock();
  return !bus || bus->end(*entry);
}

Topic::Topic(std::shared_ptr<bus::PreparedTopic> prepared) : prepared_(std::move(prepared)) {}

const std::string& Topic::name() const {
  static const std::string none;
  return prepared_ ? prepared_->name : none;
}

Bus::Bus() : Bus(BusOptions()) {}

Bus::Bus(const BusOptions& options) : shared_(std::make_shared<bus::Shared>(options)) {}

Bus::~Bus() {
  shared_->end_all();
  shared_->requests->close();
  shared_->runner.stop();
}

Result<Subscription> Bus::subscribe(std::string_view filter, Handler handler) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  if (!handler) return Status(Code::invalid_argument, "handler: empty, a function is wanted");
  return Subscription(shared_->add(filter, 0, std::move(handler)));
}

Result<Subscription> Bus::subscribe(std::string_view filter, const SubscribeOptions& options,
                                    Handler handler) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  if (Status status = bus::validate(options); !status.is_ok()) return status;
  if (!handler) return Status(Code::invalid_argument, "handler: empty, a function is wanted");
  bus::Lane* lane = nullptr;
  if (bus::Delivery::needs_lane(options)) {
    bus::Runner& runner = shared_->runner;
    Result<bus::Lane*> found =
        options.run == Run::own
            ? runner.own(options.name.empty() ? filter : std::string_view(options.name))
            : runner.shared();
    if (!found) return found.status();
    lane = *found;
  }
  auto entry = shared_->add(
      filter, options.priority, {},
      std::make_shared<bus::Delivery>(*shared_, filter, options, std::move(handler), lane));
  if (entry) {
    if (options.retained) bus::replay(shared_->retained, shared_->epochs, *entry);
    return Subscription(std::move(entry));
  }
  if (options.run == Run::own) shared_->runner.end(*lane);
  return Status(Code::already_exists,
                "name: '" + options.name + "' is that of another subscription");
}

Result<Topic> Bus::topic(std::string_view name, std::string_view publisher) {
  if (Status status = validate_topic(name); !status.is_ok()) return status;
  return Topic(shared_->prepare(name, publisher));
}

Status Bus::start() { return shared_->runner.start(); }

void Bus::stop() { shared_->runner.stop(); }

Instant Bus::step(Instant now) { return shared_->runner.step(now); }

BusStatus Bus::status() const { return shared_->status(); }

}  // namespace edgepost
