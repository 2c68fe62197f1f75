#include "tls/channel.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "platform/dial.hpp"
#include "platform/platform.hpp"
#include "tls/engine.hpp"
#include "tls/listener.hpp"
#include "tls/plain.hpp"

namespace edgepost::tls {
namespace {

// What a TLS record holds at most: many small packets go through in one go.
constexpr std::size_t kBufferBytes = 16 * 1024;

// At most so many buffers full in each direction go through in one step: whoever calls has other
// connections, too.
constexpr int kRoundsMax = 8;

/// What counts of a connection that is over: nothing of it is on its way any more.
Traffic given_up(Traffic traffic) {
  traffic.progress = traffic.sent;
  return traffic;
}

/// Bytes that wait for their way out. Its memory comes with the first byte and goes with clear().
class Buffer {
 public:
  [[nodiscard]] bool is_empty() const { return begin_ == end_; }
  [[nodiscard]] std::span<const std::byte> waiting() const {
    return std::span(bytes_).subspan(begin_, end_ - begin_);
  }
  std::span<std::byte> room() {
    if (bytes_.empty()) bytes_.resize(kBufferBytes);
    if (is_empty()) begin_ = end_ = 0;
    return std::span(bytes_).subspan(end_);
  }
  void add(std::size_t count) { end_ += count; }
  void remove(std::size_t count) { begin_ += count; }
  void clear() { *this = {}; }

 private:
  std::vector<std::byte> bytes_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class Relay final : public Channel {
 public:
  Relay(Options options, const Platform& platform, Listener listener)
      : options_(std::move(options)),
        logger_(*platform.logger),
        listener_(std::move(listener)),
        dial_(options_.host, options_.port) {}
  ~Relay() override { end(); }

  [[nodiscard]] const std::string& path() const override { return listener_.path(); }
  void begin(Instant now) override;
  void end() override;
  void add_descriptors(std::vector<pollfd>& to) const override;
  [[nodiscard]] Instant due() const override;
  void step(Instant now) override;
  [[nodiscard]] State state() const override { return state_; }
  [[nodiscard]] const Answer& failure() const override { return failure_; }
  [[nodiscard]] std::string description() const override { return description_; }
  [[nodiscard]] Traffic traffic() const override;

 private:
  void accept(Instant now);
  void advance_dial(Instant now);
  void shake_hands(Instant now);
  void try_next(Instant now, Answer why);
  bool pump(Instant now);
  bool pull_library(Instant now);
  bool push_server();
  bool pull_server();
  void inspect(std::span<const std::byte> bytes);
  bool push_library();
  void settle(Instant now);
  void finish(State state);
  void fail(Answer why);

  const Options options_;
  Logger& logger_;
  Listener listener_;
  Dial dial_;
  State state_ = State::closed;
  Answer failure_{};
  std::string description_{};
  Traffic past_{};  // of connections that are over

  Descriptor server_{};
  std::unique_ptr<Connection> connection_{};
  bool is_reached_ = false;                // TCP came about at some address
  bool wants_write_ = false;               // server_ must become writable
  bool is_useful_ = false;                 // the server has sent something
  bool has_more_ = false;                  // the last step ended before the bytes did
  std::optional<Answer> server_end_{};     // it sends no more; acknowledged: in an orderly way
  std::optional<Answer> write_failure_{};  // it takes no more

  Descriptor library_{};
  bool is_library_done_ = false;  // it sends no more
  Instant flush_deadline_{};      // for what it sent last
  Buffer up_{};                   // from library to server
  Buffer down_{};                 // from server to library
};

void Relay::begin(Instant now) {
  end();
  failure_ = {};
  is_reached_ = false;
  state_ = State::connecting;
  dial_.start(now, options_.connect_timeout);
}

void Relay::end() {
  // What the library has written just before (MQTT's DISCONNECT) must still leave.
  for (int round = 0; state_ == State::open && round < kRoundsMax; ++round) {
    if (!pull_library({}) && !push_server()) break;
  }
  finish(State::closed);
}

void Relay::finish(State state) {
  const Traffic total = traffic();
  if (connection_ != nullptr) {
    if (state_ == State::open && !is_useful_) dial_.avoid();
    if (state == State::closed) {
      connection_->close();
      // Closing a socket with unread bytes resets the connection, and what is in flight is lost.
      ::shutdown(server_.number(), SHUT_WR);
      ssize_t dropped = 1;
      for (int round = 0; dropped > 0 && round < kRoundsMax; ++round) {
        dropped = ::recv(server_.number(), nullptr, kBufferBytes, MSG_TRUNC | MSG_DONTWAIT);
      }
    }
    connection_.reset();
  }
  past_ = given_up(total);
  dial_.cancel();
  server_.reset();
  library_.reset();
  up_.clear();
  down_.clear();
  server_end_.reset();
  write_failure_.reset();
  is_library_done_ = wants_write_ = is_useful_ = has_more_ = false;
  state_ = state;
}

void Relay::fail(Answer why) {
  failure_ = std::move(why);
  finish(State::failed);
}

void Relay::step(Instant now) {
  if (state_ == State::open && pump(now)) return;
  accept(now);
  if (state_ == State::connecting) advance_dial(now);
  if (state_ == State::handshaking) shake_hands(now);
  if (state_ == State::open) pump(now);
}

void Relay::accept(Instant now) {
  Descriptor newcomer = listener_.accept();
  if (!newcomer.is_open()) return;
  const bool is_awaited = state_ != State::closed && state_ != State::failed;
  if (!is_awaited || library_.is_open()) begin(now);
  library_ = std::move(newcomer);
}

void Relay::advance_dial(Instant now) {
  const Dial::State dial = dial_.step(now);
  if (dial == Dial::State::failed) {
    fail({AnswerClass::link_down, dial_.failure(), {}, false, !is_reached_});
  }
  if (dial != Dial::State::connected) return;
  server_ = dial_.take_socket();
  is_reached_ = true;
  if (options_.tls == nullptr) {
    connection_ = std::make_unique<Plain>(server_.number());
  } else {
    auto& engine = static_cast<Engine&>(*options_.tls);
    Result<std::unique_ptr<Connection>> made = engine.begin(server_.number(), options_.host);
    if (!made) {
      return fail(
          {.meaning = AnswerClass::link_down, .reason = made.status().message(), .is_tls = true});
    }
    connection_ = std::move(*made);
  }
  state_ = State::handshaking;
}

void Relay::shake_hands(Instant now) {
  const Want want = connection_->handshake();
  wants_write_ = want == Want::write;
  switch (want) {
    case Want::nothing:
      state_ = State::open;
      description_ = connection_->description();
      if (!description_.empty()) {
        logger_.write(LogLevel::debug, "tls", options_.host + ": " + description_);
      }
      return;
    case Want::read:
    case Want::write:
      if (now >= dial_.due()) {
        try_next(now, {AnswerClass::link_down, "TLS: handshake: no answer in time", {}});
      }
      return;
    case Want::closed:
    case Want::failed:
      try_next(now, connection_->failure());
      return;
  }
}

/// Another address may be better where the link is at fault; a server that refuses or is refused
/// has spoken for all.
void Relay::try_next(Instant now, Answer why) {
  past_ = given_up(traffic());
  connection_.reset();
  server_.reset();
  wants_write_ = false;
  dial_.try_next(now, why.reason);
  if (why.meaning != AnswerClass::link_down || dial_.state() == Dial::State::failed) {
    return fail(std::move(why));
  }
  state_ = State::connecting;
}

/// Returns true when bytes moved.
bool Relay::pump(Instant now) {
  bool has_moved = false;
  has_more_ = true;
  for (int round = 0; has_more_ && round < kRoundsMax && state_ == State::open; ++round) {
    has_more_ = pull_library(now);
    has_more_ |= push_server();
    has_more_ |= pull_server();
    has_more_ |= push_library();
    has_moved |= has_more_;
    settle(now);
  }
  return has_moved;
}

bool Relay::pull_library(Instant now) {
  if (!library_.is_open() || is_library_done_ || write_failure_ || !up_.is_empty()) return false;
  const std::span<std::byte> room = up_.room();
  const ssize_t got = ::recv(library_.number(), room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) {
    up_.add(static_cast<std::size_t>(got));
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  is_library_done_ = true;
  flush_deadline_ = now + options_.connect_timeout;
  return false;
}

bool Relay::push_server() {
  wants_write_ = false;
  bool has_moved = false;
  while (!up_.is_empty() && !write_failure_) {
    std::size_t count = 0;
    const Want want = connection_->write(up_.waiting(), count);
    up_.remove(count);
    has_moved |= count > 0;
    if (want == Want::nothing) continue;
    if (want == Want::failed) write_failure_ = connection_->failure();
    wants_write_ = want == Want::write;
    break;
  }
  return has_moved;
}

bool Relay::pull_server() {
  if (server_end_ || !down_.is_empty()) return false;
  std::span<std::byte> room = down_.room();
  Want want = Want::nothing;
  while (want == Want::nothing && !room.empty() && !server_end_) {
    std::size_t count = 0;
    want = connection_->read(room, count);
    if (want == Want::closed) server_end_ = Answer{AnswerClass::acknowledged, {}, {}};
    if (want == Want::failed) server_end_ = connection_->failure();
    wants_write_ |= want == Want::write;
    if (count > 0) inspect(room.first(count));
    room = room.subspan(count);
  }
  return !down_.is_empty();
}

void Relay::inspect(std::span<const std::byte> bytes) {
  is_useful_ = true;
  const Status status = options_.inspect ? options_.inspect(bytes) : Status();
  if (status.is_ok()) {
    down_.add(bytes.size());
  } else {
    server_end_ = Answer{AnswerClass::link_down, status.message(), {}};
  }
}

bool Relay::push_library() {
  if (!library_.is_open() || down_.is_empty()) return false;
  const std::span<const std::byte> bytes = down_.waiting();
  const ssize_t sent =
      ::send(library_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) {
    down_.remove(static_cast<std::size_t>(sent));
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return false;
  down_.clear();
  is_library_done_ = true;
  return false;
}

/// Ends the connection once nothing of it is left to do.
void Relay::settle(Instant now) {
  const bool is_up_done = up_.is_empty() || write_failure_ || now >= flush_deadline_;
  if (is_library_done_ && is_up_done) return finish(State::closed);
  const bool is_down_done = down_.is_empty() || !library_.is_open();
  if (!is_down_done) return;
  if (server_end_ && server_end_->meaning == AnswerClass::acknowledged) {
    return finish(State::closed);
  }
  // What the server said last was read before the failure to write to it counts.
  if (server_end_) return fail(*server_end_);
  if (write_failure_) return fail(*write_failure_);
}

void Relay::add_descriptors(std::vector<pollfd>& to) const {
  const auto add = [&to](const Descriptor& descriptor, bool reads, bool writes) {
    const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    // A descriptor of which nothing is wanted would still report a hang-up, for ever.
    if (events != 0) to.push_back({descriptor.number(), static_cast<short>(events), 0});
  };
  to.push_back({listener_.number(), POLLIN, 0});
  dial_.add_descriptors(to);
  if (state_ == State::handshaking) add(server_, !wants_write_, wants_write_);
  if (state_ != State::open) return;
  add(server_, down_.is_empty() && !server_end_, wants_write_);
  if (!library_.is_open()) return;
  add(library_, up_.is_empty() && !is_library_done_ && !write_failure_, !down_.is_empty());
}

Instant Relay::due() const {
  switch (state_) {
    case State::closed:
    case State::failed:
      return Instant::max();
    case State::connecting:
      return dial_.state() == Dial::State::failed ? Instant::min() : dial_.due();
    case State::handshaking:
      return dial_.due();
    case State::open:
      if (has_more_) return Instant::min();
      return is_library_done_ ? flush_deadline_ : Instant::max();
  }
  return Instant::max();
}

Traffic Relay::traffic() const {
  Traffic total = past_;
  if (connection_ == nullptr) return total;
  const Counts counts = connection_->counts();
  int unacknowledged = 0;
  if (::ioctl(server_.number(), SIOCOUTQ, &unacknowledged) != 0) unacknowledged = 0;
  total.sent += counts.sent;
  total.received += counts.received;
  total.progress += counts.sent - std::min(counts.sent, static_cast<std::uint64_t>(unacknowledged));
  return total;
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::make(Options options, const Platform& platform) {
  Result<Listener> listener = Listener::make();
  if (!listener) return listener.status();
  return std::unique_ptr<Channel>(
      std::make_unique<Relay>(std::move(options), complete(platform), std::move(*listener)));
}

}  // namespace edgepost::tls
