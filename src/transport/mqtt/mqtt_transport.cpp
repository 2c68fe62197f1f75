#include "transport/mqtt/mqtt_transport.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "transport/mqtt/attributes.hpp"

namespace edgepost::mqtt {
namespace {

std::vector<std::string> filters_of(const MqttTransport::Parts& parts) {
  std::vector<std::string> filters = parts.options.subscriptions;
  if (!parts.confirm_topic.empty()) filters.push_back(parts.confirm_topic);
  return filters;
}

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

MqttTransport::MqttTransport(Parts parts)
    : options_(parts.options),
      broker_(parts.broker),
      topics_(parts.topics),
      confirm_topic_(parts.confirm_topic),
      clock_(*parts.platform.clock),
      logger_(*parts.platform.logger),
      platform_(parts.platform),
      presence_(parts.presence),
      knows_v5_(parts.options.version != MqttVersion::v311),
      subscriptions_(filters_of(parts)),
      guard_(parts.options.inbound_packet_max),
      probe_(parts.broker.host, parts.broker.port),
      keep_alive_(parts.options.keep_alive) {}

Status MqttTransport::open() {
  if (!wake_up_.is_open()) {
    return {Code::io_error, "eventfd: " + std::generic_category().message(errno)};
  }
  tls::Channel::Options options;
  options.host = broker_.host;
  options.port = broker_.port;
  if (broker_.is_tls) options.tls = options_.tls;
  options.inspect = [this](std::span<const std::byte> bytes) { return guard_.inspect(bytes); };
  Result<std::unique_ptr<tls::Channel>> channel = tls::Channel::make(std::move(options), platform_);
  if (!channel) return channel.status();
  channel_ = std::move(*channel);
  return {};
}

Status MqttTransport::connect() {
  disconnect();
  is_v5_ = knows_v5_;
  was_v5_refused_ = false;
  reach();
  return {};
}

void MqttTransport::reach() {
  abandon();
  guard_.reset();
  channel_->begin(clock_.now());
  stage_ = Stage::reaching;
}

/// The broker's end is there, and verified: speaks MQTT.
void MqttTransport::greet() {
  std::string password;
  if (!options_.password.is_empty()) {
    Result<std::string> read = read_secret(options_.password);
    // Nobody has refused anything: the file may be there in a moment.
    if (!read) return lose({AnswerClass::link_down, "password: " + read.status().message(), {}});
    password = std::move(*read);
    // The client library would take what stands before it.
    if (password.find('\0') != std::string::npos) {
      return lose({AnswerClass::link_down, "password: NUL in it", {}});
    }
  }
  client_ = Client::make(options_, password, presence_, is_v5_);
  const std::string failure =
      client_ == nullptr ? "out of memory or descriptors" : client_->connect(channel_->path());
  if (!failure.empty()) return lose({AnswerClass::link_down, failure, {}});
  keep_alive_ = options_.keep_alive;
  stage_ = Stage::greeting;
}

void MqttTransport::disconnect() {
  // A PUBACK for what is not stored must not leave, and everything that is queued leaves together.
  if (client_ != nullptr && inbox_.empty() && !is_storing_) {
    if (stage_ == Stage::online) client_->publish_presence(presence_, false);
    client_->disconnect();
  }
  abandon();
  if (channel_ != nullptr) channel_->end();
  news_.clear();
}

void MqttTransport::abandon() {
  client_.reset();
  in_flight_.clear();
  confirmations_.clear();
  inbox_.clear();
  stage_ = Stage::idle;
}

void MqttTransport::lose(Answer why) {
  abandon();
  channel_->end();
  why.reason = address() + ": " + why.reason;
  news_.emplace_back(Disconnected{std::move(why)});
}

void MqttTransport::poll(Duration wait, TransportSink& sink) {
  if (news_.empty()) wait_for_news(wait);
  tell(sink);
  if (!inbox_.empty()) store(sink);
  tell(sink);
  flush();
}

void MqttTransport::wait_for_news(Duration wait) {
  descriptors_.assign({{wake_up_.descriptor(), POLLIN, 0}});
  probe_.add_descriptors(descriptors_);
  if (stage_ != Stage::idle) channel_->add_descriptors(descriptors_);
  if (client_ != nullptr) {
    const int events = client_->wants_write() ? POLLIN | POLLOUT : POLLIN;
    descriptors_.push_back({client_->descriptor(), static_cast<short>(events), 0});
  }
  const Instant now = clock_.now();
  Instant until = now + std::clamp<Duration>(wait, Duration::zero(), std::chrono::hours(1));
  until = std::min(until, probe_.due());
  if (stage_ != Stage::idle) until = std::min(until, channel_->due());
  // Often enough to be silent for no longer than the broker allows, one and a half times as long.
  const bool keeps_alive = client_ != nullptr && keep_alive_ > Duration::zero();
  if (keeps_alive) until = std::min(until, now + keep_alive_ / 4);
  const Duration left = std::max(until, now) - now;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(seconds.count());
  timeout.tv_nsec = static_cast<long>(std::chrono::nanoseconds(left - seconds).count());
  if (ppoll(descriptors_.data(), descriptors_.size(), &timeout, nullptr) < 0) return;
  if (descriptors_.front().revents != 0) wake_up_.clear();
  if (const std::optional<bool> probed = probe_.step(clock_.now())) {
    news_.emplace_back(Probed{*probed});
  }
  if (stage_ != Stage::idle) advance();
}

void MqttTransport::advance() {
  channel_->step(clock_.now());
  if (stage_ == Stage::reaching) {
    if (channel_->state() == tls::Channel::State::failed) return lose(channel_->failure());
    if (channel_->state() == tls::Channel::State::open) greet();
    return;
  }
  client_->read();
  client_->check_keep_alive();
  take_happenings();
}

void MqttTransport::tell(TransportSink& sink) {
  const Overloaded teller{
      [&](const PeerLimits& limits) { sink.on_connected(limits); },
      [&](const AnsweredEvent& event) { sink.on_answer(event.token, event.answer); },
      [&](const Disconnected& end) { sink.on_disconnected(end.why); },
      [&](const Probed& probed) { sink.on_probed(probed.is_reachable); },
      [&](const Call& call) { sink.on_call(call); },
  };
  while (!news_.empty()) {
    const News next = std::move(news_.front());
    news_.pop_front();
    std::visit(teller, next);
  }
}

/// Hands over what came in. Its PUBACKs wait in libmosquitto until it is stored; those of one poll
/// leave together or, with the connection, not at all.
void MqttTransport::store(TransportSink& sink) {
  std::vector<Received> batch = std::exchange(inbox_, {});
  is_storing_ = true;
  const Status status = sink.on_received(batch);
  is_storing_ = false;
  if (!status.is_ok()) {
    if (client_ == nullptr) return;
    return lose({AnswerClass::link_down, "what came in was not stored: " + status.message(), {}});
  }
  for (const Received& received : batch) {
    if (received.refusal.is_ok()) continue;
    log(LogLevel::warning, "a message on " + received.event.topic.substr(0, 128) +
                               " was refused for good: " + received.refusal.message());
  }
}

/// Lets out what is queued, unless that confirms what is not stored yet.
void MqttTransport::flush() {
  if (client_ == nullptr || !inbox_.empty() || is_storing_) return;
  if (!client_->wants_write()) return;
  client_->write();
  channel_->step(clock_.now());
  take_happenings();
}

Format MqttTransport::format() const {
  return {.is_v5 = is_v5_, .is_binary = is_v5_ && options_.mode != MqttMode::structured};
}

Status MqttTransport::send(std::span<const Outbound> events) {
  if (stage_ != Stage::online) return {Code::unavailable, address() + ": not connected"};
  for (const Outbound& outbound : events) {
    if (!send_one(outbound)) return {};
  }
  flush();
  return {};
}

Result<std::string> MqttTransport::topic_of(const Event& event) const {
  const std::string* const destination = find_attribute(event, kDestination);
  if (destination == nullptr) return topics_.expand(event);
  // Whoever asked for the reply has chosen it.
  Status status = check_topic(kDestination, *destination, TopicRule::as_mqtt_has_it);
  if (!status.is_ok()) return status;
  return *destination;
}

/// Returns false when the connection is lost.
bool MqttTransport::send_one(const Outbound& outbound) {
  const Result<std::string> topic = topic_of(*outbound.event);
  if (!topic) {
    answer(outbound.token, {AnswerClass::suspect, topic.status().message(), {}});
    return true;
  }
  Message message = encode(*outbound.event, *topic, format(), buffer_);
  const std::uint16_t known = aliases_.find(*topic);
  message.topic_alias = known != 0 ? known : aliases_.next();
  if (known != 0) message.topic.clear();
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
  const bool comes_round = !in_flight_.empty() && in_flight_.front().message_id == message_id;
  if (error != MOSQ_ERR_SUCCESS || comes_round) {
    lose({AnswerClass::link_down,
          error == 0 ? "an answer is missing for 65,535 messages" : mosquitto_strerror(error),
          {}});
    return false;
  }
  if (message.topic_alias != 0 && known == 0) aliases_.add(*topic);
  if (!confirm_topic_.empty()) confirmations_.expect(outbound.event->id, outbound.token);
  in_flight_.push_back({message_id, outbound.token, outbound.event->id});
  return true;
}

void MqttTransport::log(LogLevel level, const std::string& line) const {
  logger_.write(level, "mqtt", address() + ": " + line);
}

}  // namespace edgepost::mqtt
