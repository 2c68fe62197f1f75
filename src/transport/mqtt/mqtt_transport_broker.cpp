// What the broker says, and what that means.
#include <algorithm>
#include <optional>

#include "transport/mqtt/answers.hpp"
#include "transport/mqtt/mqtt_transport.hpp"

namespace edgepost::mqtt {
namespace {

std::string describe_loss(int code) {
  switch (code) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
      return "the broker closed the connection";
    case MOSQ_ERR_KEEPALIVE:
      return "the broker fell silent";
    case MOSQ_ERR_ERRNO:
      return "the connection broke";
    default:
      return mosquitto_strerror(code);
  }
}

}  // namespace

void MqttTransport::take_happenings() {
  for (const Happening& happening : client_->take_happenings()) {
    std::visit([this](const auto& each) { take(each); }, happening);
    // A connection that is gone, or a new one in its place, has nothing more to say about this one.
    if (client_ == nullptr) return;
  }
}

void MqttTransport::take(const Accepted& accepted) {
  if (!accepted.offers_qos1) {
    return lose({AnswerClass::configuration, "the broker does not offer QoS 1", {}});
  }
  if (!is_v5_ && was_v5_refused_) {
    knows_v5_ = false;
    log(LogLevel::info, "it does not know MQTT 5.0, going on with 3.1.1");
  }
  stage_ = Stage::online;
  limits_ = accepted.limits;
  limits_.in_flight_max = std::min(limits_.in_flight_max, options_.in_flight_max);
  keep_alive_ = accepted.keep_alive;
  aliases_ = TopicAliases(options_.topic_aliases ? accepted.topic_aliases_max : 0);
  const std::string failure = subscriptions_.begin(*client_, accepted.has_session, clock_.now());
  if (!failure.empty()) {
    return lose({AnswerClass::configuration, "subscribe: " + failure, {}});
  }
  client_->publish_presence(presence_, true);
  news_.emplace_back(limits_);
}

void MqttTransport::take(const Refused& refused) {
  if (falls_back(true, refused.code) || does_without_retain(refused.code)) return;
  lose(connect_answer(refused.code, is_v5_));
}

/// After a broker's answer to the CONNECT of MQTT 5.0 that is none of MQTT 5.0, or after it hung
/// up without one, version 3.1.1 is tried once. Only its own word, not a broken link, makes it the
/// version for good.
bool MqttTransport::falls_back(bool is_refused, int code) {
  if (!is_v5_ || stage_ == Stage::online || options_.version != MqttVersion::automatic) {
    return false;
  }
  constexpr int kUnacceptable = 1;
  constexpr int kUnsupported = 0x84;
  if (is_refused) {
    if (code != kUnacceptable && code != kUnsupported) return false;
    was_v5_refused_ = true;
  } else {
    if (code == MOSQ_ERR_KEEPALIVE) return false;
    // What libmosquitto calls a CONNACK in the form of 3.1.1, whose code it then does not show.
    was_v5_refused_ = code == MOSQ_ERR_MALFORMED_PACKET;
  }
  is_v5_ = false;
  reach();
  return true;
}

/// A broker that cannot retain refuses a Last Will that is to be (MQTT 5.0, section 3.2.2.3.5), and
/// tells so only in its refusal.
bool MqttTransport::does_without_retain(int code) {
  constexpr int kRetainNotSupported = 0x9A;
  if (code != kRetainNotSupported || presence_.topic.empty() || !presence_.is_retained) {
    return false;
  }
  presence_.is_retained = false;
  log(LogLevel::info, "it does not retain messages, nor our presence");
  reach();
  return true;
}

void MqttTransport::take(const Answered& answered) {
  const auto found = std::ranges::find(in_flight_, answered.message_id, &InFlight::message_id);
  if (found == in_flight_.end()) return;
  const InFlight event = *found;
  in_flight_.erase(found);
  Answer result = publish_answer(answered.code);
  if (confirm_topic_.empty()) return answer(event.token, std::move(result));
  if (result.meaning != AnswerClass::acknowledged) {
    confirmations_.forget(event.id);
    return answer(event.token, std::move(result));
  }
  if (const std::optional<std::uint64_t> token = confirmations_.take(event.id)) {
    answer(*token, {});
  }
}

void MqttTransport::take(const Subscribed& subscribed) {
  const std::optional<Answer> end = subscriptions_.take(subscribed, is_v5_);
  if (!end) return;
  const bool is_ok = end->meaning == AnswerClass::acknowledged;
  news_.emplace_back(Call{"subscribe", is_ok, subscriptions_.elapsed(clock_.now()),
                          is_ok ? subscriptions_.names() : end->reason});
  if (!is_ok) lose(*end);
}

void MqttTransport::take(const Arrived& arrived) {
  if (arrived->topic != confirm_topic_) return inbox_.push_back(decode(std::move(*arrived)));
  for (const std::uint64_t token : confirmations_.read(arrived->payload))
    answer(token, {});
}

/// libmosquitto gives up a connection over a PUBACK that MQTT does not know. PUBACKs come in order:
/// where the guard has not seen which event it was for, it is the oldest that the broker has
/// something against, and it must not take the others along.
void MqttTransport::take_protocol_error() {
  const auto refused =
      std::ranges::find(in_flight_, guard_.message_too_large().value_or(-1), &InFlight::message_id);
  if (refused != in_flight_.end()) {
    constexpr int kPacketTooLarge = 0x95;
    answer(refused->token, publish_answer(kPacketTooLarge));
  } else if (!in_flight_.empty()) {
    answer(in_flight_.front().token,
           {AnswerClass::suspect, "answered against the protocol, perhaps too large", {}});
  }
}

void MqttTransport::take(const Lost& lost) {
  if (lost.code >= 0x80) return lose(disconnect_answer(lost.code));
  // Where the channel has failed, the end that libmosquitto saw is only the consequence.
  const bool has_failed = channel_->state() == tls::Channel::State::failed;
  const bool is_broken = !has_failed || channel_->failure().meaning == AnswerClass::link_down;
  if (is_broken && falls_back(false, lost.code)) return;
  if (has_failed) return lose(channel_->failure());
  if (stage_ == Stage::online && lost.code == MOSQ_ERR_PROTOCOL) take_protocol_error();
  lose({AnswerClass::link_down, describe_loss(lost.code), {}});
}

void MqttTransport::answer(std::uint64_t token, Answer answer) {
  news_.emplace_back(AnsweredEvent{token, std::move(answer)});
}

}  // namespace edgepost::mqtt
