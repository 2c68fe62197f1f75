#include "platform/dial.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace edgepost {
namespace {

// A peer that has vanished is noticed within two minutes where the protocol itself is silent for
// longer (an HTTP connection kept for later); a quiet hour costs 60 packets.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 4;

void set_options(int socket) {
  const auto set = [socket](int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

}  // namespace

void Dial::start(Instant now, Duration timeout) {
  cancel();
  deadline_ = now + timeout;
  Result<Lookup> lookup = Lookup::start(host_);
  if (!lookup) {
    failure_ = lookup.status().message();
    state_ = State::failed;
    return;
  }
  lookup_ = std::move(*lookup);
  state_ = State::looking_up;
}

void Dial::cancel() {
  // What is given up before it came about may never come about.
  if (state_ == State::connecting) ++turn_;
  lookup_.reset();
  socket_.reset();
  state_ = State::idle;
}

void Dial::try_next(Instant now, std::string why) {
  failure_ = std::move(why);
  ++turn_;
  open_next(now);
}

void Dial::open_next(Instant now) {
  socket_.reset();
  while (left_ > 0 && now < deadline_) {
    const auto share = (deadline_ - now) / static_cast<Duration::rep>(left_);
    --left_;
    if (open(addresses_[turn_ % addresses_.size()])) {
      address_deadline_ = now + share;
      state_ = State::connecting;
      return;
    }
    ++turn_;
  }
  state_ = State::failed;
}

bool Dial::open(const std::string& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int unreadable =
      ::getaddrinfo(address.c_str(), std::to_string(port_).c_str(), &hints, &list);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list, &freeaddrinfo);
  if (unreadable != 0) {
    failure_ = address + ": " + ::gai_strerror(unreadable);
    return false;
  }
  socket_ = Descriptor(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_.is_open()) set_options(socket_.number());
  if (socket_.is_open() && (::connect(socket_.number(), found->ai_addr, found->ai_addrlen) == 0 ||
                            errno == EINPROGRESS)) {
    return true;
  }
  failure_ = "connect to " + address + ": " + std::generic_category().message(errno);
  socket_.reset();
  return false;
}

void Dial::add_descriptors(std::vector<pollfd>& to) const {
  if (state_ == State::looking_up && lookup_->descriptor() >= 0) {
    to.push_back({lookup_->descriptor(), POLLIN, 0});
  }
  if (state_ == State::connecting) to.push_back({socket_.number(), POLLOUT, 0});
}

Instant Dial::due() const {
  switch (state_) {
    case State::looking_up:
      return lookup_->is_done() ? Instant::min() : deadline_;
    case State::connecting:
    case State::connected:
      return address_deadline_;
    case State::idle:
    case State::failed:
      return Instant::max();
  }
  return Instant::max();
}

Dial::State Dial::step(Instant now) {
  if (state_ == State::looking_up) take_addresses(now);
  if (state_ == State::connecting) check_connection(now);
  return state_;
}

void Dial::take_addresses(Instant now) {
  if (!lookup_->is_done()) {
    if (now < deadline_) return;
    failure_ = "name look-up: no answer in time";
    state_ = State::failed;
    return;
  }
  Result<Lookup::Addresses> found = lookup_->result();
  lookup_.reset();
  if (!found) {
    failure_ = found.status().message();
    state_ = State::failed;
    return;
  }
  addresses_ = std::move(*found);
  left_ = addresses_.size();
  failure_ = "name look-up: it took all the time there was";
  open_next(now);
}

void Dial::check_connection(Instant now) {
  const std::string& address = addresses_[turn_ % addresses_.size()];
  pollfd socket{socket_.number(), POLLOUT, 0};
  if (::poll(&socket, 1, 0) <= 0) {
    if (now >= address_deadline_) try_next(now, "connect to " + address + ": no answer in time");
    return;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    try_next(now, "connect to " + address + ": " + std::generic_category().message(error));
    return;
  }
  state_ = State::connected;
}

}  // namespace edgepost
