#include "transport/mqtt/mqtt_transport.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "transport/mqtt/answers.hpp"
#include "transport/mqtt/resolve.hpp"

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

Status MqttTransport::connect() {
  disconnect();
  if (broker_.port == 0) {
    addresses_ = {broker_.host};
  } else {
    Result<std::vector<std::string>> found = resolve(broker_.host);
    if (!found) return Status(Code::unavailable, address() + ": " + found.status().message());
    addresses_ = std::move(*found);
    const auto first = static_cast<std::ptrdiff_t>(turn_ % addresses_.size());
    std::rotate(addresses_.begin(), addresses_.begin() + first, addresses_.end());
  }
  next_address_ = 0;
  is_v5_ = knows_v5_;
  was_v5_refused_ = false;
  try_next_address();
  return {};
}

void MqttTransport::disconnect() {
  if (client_ != nullptr && is_established_) client_->disconnect();
  if (client_ != nullptr && !is_established_) turn_ += next_address_;
  abandon();
  news_.clear();
}

void MqttTransport::abandon() {
  client_.reset();
  in_flight_.clear();
  is_established_ = false;
  is_online_ = false;
}

void MqttTransport::try_next_address() {
  while (next_address_ < addresses_.size()) {
    if (open(addresses_[next_address_++])) return;
  }
  lose({AnswerClass::link_down, last_failure_, {}});
}

bool MqttTransport::open(const std::string& address) {
  abandon();
  client_ = Client::make(options_, is_v5_);
  last_failure_ =
      client_ == nullptr ? "out of memory or descriptors" : client_->connect(address, broker_.port);
  if (last_failure_.empty()) return true;
  client_.reset();
  return false;
}

void MqttTransport::lose(Answer why) {
  abandon();
  why.reason = address() + ": " + why.reason;
  news_.emplace_back(Disconnected{std::move(why)});
}

void MqttTransport::poll(Duration wait, TransportSink& sink) {
  if (news_.empty()) move_bytes(std::max(wait, Duration::zero()));
  while (!news_.empty()) {
    const News next = std::move(news_.front());
    news_.pop_front();
    if (const auto* limits = std::get_if<PeerLimits>(&next)) sink.on_connected(*limits);
    if (const auto* answered = std::get_if<Answered>(&next)) {
      sink.on_answer(answered->token, answered->answer);
    }
    if (const auto* end = std::get_if<Disconnected>(&next)) sink.on_disconnected(end->why);
  }
}

void MqttTransport::move_bytes(Duration wait) {
  // Often enough to be silent for no longer than the broker allows, one and a half times as long.
  if (client_ != nullptr) wait = std::min(wait, options_.keep_alive / 4);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(seconds.count());
  timeout.tv_nsec = static_cast<long>(std::chrono::nanoseconds(wait - seconds).count());
  const bool writes = client_ != nullptr && (!is_established_ || client_->wants_write());
  pollfd sockets[] = {{wake_up_.descriptor(), POLLIN, 0},
                      {client_ == nullptr ? -1 : client_->descriptor(),
                       static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0}};
  if (ppoll(sockets, std::size(sockets), &timeout, nullptr) < 0) return;
  if (sockets[0].revents != 0) wake_up_.clear();
  if (client_ == nullptr) return;
  if (!is_established_) {
    if (sockets[1].revents == 0) return;
    finish_connecting();
    if (!is_established_) return;
  }
  if ((sockets[1].revents & ~POLLOUT) != 0) client_->read();
  if (client_->descriptor() >= 0 && client_->wants_write()) client_->write();
  if (client_->descriptor() >= 0) client_->check_keep_alive();
  take_happenings();
}

void MqttTransport::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(client_->descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) {
    is_established_ = true;
    return;
  }
  last_failure_ = std::generic_category().message(error);
  abandon();
  try_next_address();
}

void MqttTransport::take_happenings() {
  for (const Happening& happening : client_->take_happenings()) {
    take(happening);
    // A connection that is gone, or a new one in its place, has nothing more to say about this one.
    if (!is_established_) return;
  }
}

void MqttTransport::take(const Happening& happening) {
  switch (happening.kind) {
    case Happening::Kind::accepted:
      take_accepted(happening);
      return;
    case Happening::Kind::refused:
      if (!falls_back(happening)) lose(connect_answer(happening.code, is_v5_));
      return;
    case Happening::Kind::answered:
      take_answer(happening.message_id, happening.code);
      return;
    case Happening::Kind::lost:
      if (happening.code >= 0x80) {
        lose(disconnect_answer(happening.code));
      } else if (!falls_back(happening)) {
        take_loss(happening.code);
      }
      return;
  }
}

void MqttTransport::take_accepted(const Happening& accepted) {
  if (!accepted.offers_qos1) {
    lose({AnswerClass::configuration, "the broker does not offer QoS 1", {}});
    return;
  }
  if (!is_v5_ && was_v5_refused_) {
    knows_v5_ = false;
    if (logger_ != nullptr) {
      logger_->write(LogLevel::info, "mqtt",
                     address() + " does not know MQTT 5.0, going on with 3.1.1");
    }
  }
  is_online_ = true;
  turn_ = 0;
  limits_ = accepted.limits;
  limits_.in_flight_max = std::min(limits_.in_flight_max, options_.in_flight_max);
  news_.emplace_back(limits_);
}

/// After a broker's answer to the CONNECT of MQTT 5.0 that is none of MQTT 5.0, or after it hung
/// up without one, version 3.1.1 is tried once. Only its own word, not a broken link, makes it the
/// version for good.
bool MqttTransport::falls_back(const Happening& happening) {
  if (!is_v5_ || is_online_ || options_.version != MqttVersion::automatic) return false;
  constexpr int kUnacceptable = 1;
  constexpr int kUnsupported = 0x84;
  if (happening.kind == Happening::Kind::refused) {
    if (happening.code != kUnacceptable && happening.code != kUnsupported) return false;
    was_v5_refused_ = true;
  } else {
    if (happening.code == MOSQ_ERR_KEEPALIVE) return false;
    // What libmosquitto calls a CONNACK in the form of 3.1.1, whose code it then does not show.
    was_v5_refused_ = happening.code == MOSQ_ERR_MALFORMED_PACKET;
  }
  is_v5_ = false;
  if (!open(addresses_[next_address_ - 1])) {
    lose({AnswerClass::link_down, last_failure_, {}});
  }
  return true;
}

void MqttTransport::take_answer(int message_id, int code) {
  const auto found =
      std::ranges::find(in_flight_, message_id, &std::pair<int, std::uint64_t>::first);
  if (found == in_flight_.end()) return;
  answer(found->second, publish_answer(code));
  in_flight_.erase(found);
}

/// mosquitto refuses a large payload by a PUBACK code that MQTT has for DISCONNECT alone, and
/// libmosquitto then gives up the connection without showing the code. PUBACKs come in order: it is
/// the oldest event that the broker has something against, and it must not take the others along.
void MqttTransport::take_loss(int code) {
  if (is_online_ && code == MOSQ_ERR_PROTOCOL && !in_flight_.empty()) {
    answer(in_flight_.front().second,
           {AnswerClass::suspect, "answered against the protocol, perhaps too large", {}});
  }
  lose({AnswerClass::link_down, describe_loss(code), {}});
}

Format MqttTransport::format() const {
  return {.is_v5 = is_v5_, .is_binary = is_v5_ && options_.mode != MqttMode::structured};
}

Status MqttTransport::send(std::span<const Outbound> events) {
  if (!is_online_) return {Code::unavailable, address() + ": not connected"};
  for (const Outbound& outbound : events) {
    if (!send_one(outbound)) return {};
  }
  client_->write();
  take_happenings();
  return {};
}

void MqttTransport::answer(std::uint64_t token, Answer answer) {
  news_.emplace_back(Answered{token, std::move(answer)});
}

/// Returns false when the connection is lost.
bool MqttTransport::send_one(const Outbound& outbound) {
  Result<std::string> topic = topics_.expand(*outbound.event);
  if (!topic) {
    answer(outbound.token, {AnswerClass::suspect, topic.status().message(), {}});
    return true;
  }
  const Message message = encode(*outbound.event, std::move(*topic), format(), buffer_);
  // libmosquitto's own check of the size is off by some bytes and would keep the message.
  if (const std::size_t size = packet_bytes(message, format()); size > limits_.message_bytes_max) {
    answer(outbound.token, {AnswerClass::too_large,
                            std::to_string(size) + " bytes, the broker takes " +
                                std::to_string(limits_.message_bytes_max),
                            {}});
    return true;
  }
  int message_id = 0;
  const int error = client_->publish(message, message_id);
  if (error == MOSQ_ERR_INVAL || error == MOSQ_ERR_MALFORMED_UTF8) {
    answer(outbound.token, {AnswerClass::suspect, "topic or attribute is no MQTT string", {}});
    return true;
  }
  // A number that comes round while its first bearer is unanswered cannot be told apart from it.
  const bool comes_round = !in_flight_.empty() && in_flight_.front().first == message_id;
  if (error != MOSQ_ERR_SUCCESS || comes_round) {
    lose({AnswerClass::link_down,
          error == 0 ? "an answer is missing for 65,535 messages" : describe_loss(error),
          {}});
    return false;
  }
  in_flight_.emplace_back(message_id, outbound.token);
  return true;
}

}  // namespace edgepost::mqtt
