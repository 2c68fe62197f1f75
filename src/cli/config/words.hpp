#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "edgepost/https.hpp"
#include "edgepost/mqtt.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost::cli {

/// The words of an enum in a configuration and in options, as they stand in the enum.
template <typename Enum>
constexpr int kWords = 0;

template <typename Enum>
using Words = std::pair<std::string_view, Enum>;

template <>
inline constexpr std::array kWords<Durability>{
    Words<Durability>{"stored", Durability::stored},
    Words<Durability>{"buffered", Durability::buffered},
};
template <>
inline constexpr std::array kWords<Retention>{
    Words<Retention>{"interest", Retention::interest},
    Words<Retention>{"limits", Retention::limits},
    Words<Retention>{"work_queue", Retention::work_queue},
};
template <>
inline constexpr std::array kWords<Discard>{
    Words<Discard>{"new_events", Discard::new_events},
    Words<Discard>{"old_events", Discard::old_events},
};
template <>
inline constexpr std::array kWords<Order>{
    Words<Order>{"stream", Order::stream},
    Words<Order>{"key", Order::key},
    Words<Order>{"none", Order::none},
};
template <>
inline constexpr std::array kWords<RetryStrategy>{
    Words<RetryStrategy>{"exponential", RetryStrategy::exponential},
    Words<RetryStrategy>{"linear", RetryStrategy::linear},
};
template <>
inline constexpr std::array kWords<LogLevel>{
    Words<LogLevel>{"debug", LogLevel::debug},
    Words<LogLevel>{"info", LogLevel::info},
    Words<LogLevel>{"warning", LogLevel::warning},
    Words<LogLevel>{"error", LogLevel::error},
};
template <>
inline constexpr std::array kWords<MqttVersion>{
    Words<MqttVersion>{"automatic", MqttVersion::automatic},
    Words<MqttVersion>{"3.1.1", MqttVersion::v311},
    Words<MqttVersion>{"5", MqttVersion::v5},
};
template <>
inline constexpr std::array kWords<MqttMode>{
    Words<MqttMode>{"automatic", MqttMode::automatic},
    Words<MqttMode>{"binary", MqttMode::binary},
    Words<MqttMode>{"structured", MqttMode::structured},
};
template <>
inline constexpr std::array kWords<HttpsMode>{
    Words<HttpsMode>{"batch", HttpsMode::batch},
    Words<HttpsMode>{"structured", HttpsMode::structured},
    Words<HttpsMode>{"binary", HttpsMode::binary},
};
template <>
inline constexpr std::array kWords<HttpsInbound>{
    Words<HttpsInbound>{"none", HttpsInbound::none},
    Words<HttpsInbound>{"long_poll", HttpsInbound::long_poll},
    Words<HttpsInbound>{"events", HttpsInbound::events},
};
template <>
inline constexpr std::array kWords<TlsVersion>{
    Words<TlsVersion>{"1.3", TlsVersion::tls13},
    Words<TlsVersion>{"1.2", TlsVersion::tls12},
};

/// An enum that has words.
template <typename Enum>
concept Worded = std::is_enum_v<Enum> && requires {
  kWords<Enum>.size();
};

}  // namespace edgepost::cli
