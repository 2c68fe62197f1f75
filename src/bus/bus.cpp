#include "edgepost/bus.hpp"

#include <utility>

#include "base/topic.hpp"
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
  shared_->requests.close();
}

Result<Subscription> Bus::subscribe(std::string_view filter, Handler handler) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  if (!handler) return Status(Code::invalid_argument, "handler: empty, a function is wanted");
  return Subscription(shared_->add(filter, 0, std::move(handler)));
}

Result<Topic> Bus::topic(std::string_view name, std::string_view publisher) {
  if (Status status = validate_topic(name); !status.is_ok()) return status;
  return Topic(shared_->prepare(name, publisher));
}

Status Bus::publish(const Event& event) { return shared_->publish(event); }

Status Bus::publish(const Topic& topic, const Event& event) {
  const bus::PreparedTopic& prepared = *topic.prepared_;
  if (event.topic != prepared.name) [[unlikely]]
    return {Code::invalid_argument,
            "topic: is '" + event.topic + "', '" + prepared.name + "' was prepared"};
  if (prepared.shared != shared_.get()) [[unlikely]]
    return shared_->publish(event);
  return shared_->publish(prepared, event);
}

BusStatus Bus::status() const { return shared_->status(); }

}  // namespace edgepost
