#include "platform/dial.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

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

// A resolver that cannot reach its server holds a thread for half a minute, and probes ask every
// second. Fewer threads would notice its return later.
constexpr std::size_t kLateMax = 8;

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

/// Connected or about to be, and non-blocking. Not open: errno says why.
Descriptor connect_to(const sockaddr* address, socklen_t size) {
  Descriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return socket;
  if (address->sa_family != AF_UNIX) set_options(socket.number());
  if (::connect(socket.number(), address, size) == 0 || errno == EINPROGRESS) return socket;
  const int error = errno;
  socket.reset();
  errno = error;
  return socket;
}

Descriptor connect_to_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace

void Dial::start(Instant now, Duration timeout) {
  cancel();
  deadline_ = now + timeout;
  if (host_.starts_with('/')) {
    addresses_ = {host_};
    left_ = 1;
    return open_next(now);
  }
  look_up();
}

void Dial::look_up() {
  state_ = State::looking_up;
  std::erase_if(late_, [](const Lookup& late) { return late.is_done(); });
  if (late_.size() == kLateMax) {
    lookup_ = std::move(late_.front());
    late_.erase(late_.begin());
    return;
  }
  Result<Lookup> lookup = Lookup::start(host_);
  if (lookup) {
    lookup_ = std::move(*lookup);
  } else {
    failure_ = lookup.status().message();
    state_ = State::failed;
  }
}

void Dial::cancel() {
  // What is given up before it came about may never come about.
  if (state_ == State::connecting) ++turn_;
  if (lookup_) late_.push_back(std::move(*lookup_));
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
  if (address.starts_with('/')) {
    socket_ = connect_to_path(address);
  } else {
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
    socket_ = connect_to(found->ai_addr, found->ai_addrlen);
  }
  if (socket_.is_open()) return true;
  failure_ = "connect to " + address + ": " + std::generic_category().message(errno);
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
