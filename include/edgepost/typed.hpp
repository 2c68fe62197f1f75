#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "edgepost/bus.hpp"

namespace edgepost {

/// How values of type T become the data of an event and back. This one is for trivially copyable
/// types: their bytes as they lie in memory, for use within one process. Specialise it for others:
///     template <> struct edgepost::Codec<Reading> {
///       static void encode(const Reading& value, std::string& data);
///       static Status decode(std::string_view data, Reading& value);
///     };
template <typename T>
struct Codec {
  static_assert(std::is_trivially_copyable_v<T>, "specialise edgepost::Codec for this type");

  /// Makes `data` the bytes of `value`.
  static void encode(const T& value, std::string& data) {
    data.assign(reinterpret_cast<const char*>(&value), sizeof(T));
  }

  /// Reads `value` back. Errors: invalid_argument when the size is not that of T.
  static Status decode(std::string_view data, T& value) {
    if (data.size() != sizeof(T))
      return {Code::invalid_argument, "data: " + std::to_string(data.size()) + " bytes, " +
                                          std::to_string(sizeof(T)) + " are wanted"};
    std::memcpy(&value, data.data(), sizeof(T));
    return {};
  }
};

/// Subscribes with values instead of events: `handler` is called as handler(value, event), or as
/// handler(value), and returns Status or nothing. Data that do not decode count as a failure.
/// Requires: T can be made without arguments. Errors: those of Bus::subscribe.
template <typename T, typename TypedHandler>
Result<Subscription> on(Bus& bus, std::string_view filter, const SubscribeOptions& options,
                        TypedHandler handler) {
  return bus.subscribe(filter, options,
                       [handler = std::move(handler)](const Event& event) mutable -> Status {
                         T value{};
                         if (Status status = Codec<T>::decode(event.data, value); !status.is_ok())
                           return status;
                         const auto call = [&] {
                           if constexpr (std::is_invocable_v<TypedHandler&, const T&, const Event&>)
                             return handler(std::as_const(value), event);
                           else
                             return handler(std::as_const(value));
                         };
                         if constexpr (std::is_void_v<decltype(call())>) {
                           call();
                           return {};
                         } else {
                           return call();
                         }
                       });
}

/// The same, inline. Errors: those of Bus::subscribe.
template <typename T, typename TypedHandler>
Result<Subscription> on(Bus& bus, std::string_view filter, TypedHandler handler) {
  return on<T>(bus, filter, SubscribeOptions{}, std::move(handler));
}

/// Publishes values of one type to one topic, without taking memory for each.
/// Threads: one at a time.
template <typename T>
class Publisher {
 public:
  /// Publishes to `topic` of `bus`. Must outlive: `bus` this object.
  Publisher(Bus& bus, Topic topic) : bus_(&bus), topic_(std::move(topic)) {
    event_.topic = topic_.name();
  }

  /// Publishes `value`. Errors: those of Bus::publish.
  Status publish(const T& value) {
    Codec<T>::encode(value, event_.data);
    return bus_->publish(topic_, event_);
  }

 private:
  Bus* bus_;
  Topic topic_;
  Event event_;
};

}  // namespace edgepost
