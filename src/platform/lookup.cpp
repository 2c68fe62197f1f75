#include "platform/lookup.hpp"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "platform/descriptor.hpp"
#include "platform/thread.hpp"

namespace edgepost {
namespace {

// Trying more would only delay the back-off.
constexpr std::size_t kAddressesMax = 8;

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// Returns 0 or an error of getaddrinfo(3).
int ask(const std::string& host, int flags, Found& found) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  found.reset(list);
  return error;
}

Result<Lookup::Addresses> read(int error, const addrinfo* found) {
  if (error != 0) {
    return Status(Code::unavailable, std::string("name look-up: ") + ::gai_strerror(error));
  }
  Lookup::Addresses addresses;
  for (; found != nullptr && addresses.size() < kAddressesMax; found = found->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  if (addresses.empty()) return Status(Code::unavailable, "name look-up: no address");
  return addresses;
}

}  // namespace

struct Lookup::Shared {
  std::string host;
  Descriptor done;
  std::atomic<bool> is_done{false};  // guards result
  Result<Addresses> result = Status(Code::unavailable, "name look-up: in progress");

  void look() {
    Found found(nullptr, &freeaddrinfo);
    const int error = ask(host, 0, found);
    result = read(error, found.get());
    is_done = true;
    ::eventfd_write(done.number(), 1);
  }
};

Result<Lookup> Lookup::start(std::string host) {
  auto shared = std::make_shared<Shared>();
  shared->host = std::move(host);
  Found found(nullptr, &freeaddrinfo);
  if (const int error = ask(shared->host, AI_NUMERICHOST, found); error == 0) {
    shared->result = read(error, found.get());
    shared->is_done = true;
    return Lookup(std::move(shared));
  }
  shared->done = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shared->done.is_open()) {
    return Status(Code::io_error, "name look-up: " + std::generic_category().message(errno));
  }
  auto share = std::make_unique<std::shared_ptr<Shared>>(shared);
  const auto entry = [](void* argument) -> void* {
    const std::unique_ptr<std::shared_ptr<Shared>> own(
        static_cast<std::shared_ptr<Shared>*>(argument));
    (*own)->look();
    return nullptr;
  };
  pthread_t thread{};
  if (const int error = start_thread(thread, entry, share.get()); error != 0) {
    return Status(Code::io_error, "name look-up: " + std::generic_category().message(error));
  }
  static_cast<void>(share.release());  // the thread's now
  ::pthread_detach(thread);
  return Lookup(std::move(shared));
}

Lookup::Lookup(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
Lookup::Lookup(Lookup&&) noexcept = default;
Lookup& Lookup::operator=(Lookup&&) noexcept = default;
Lookup::~Lookup() = default;

int Lookup::descriptor() const { return shared_->done.number(); }

bool Lookup::is_done() const { return shared_->is_done; }

Result<Lookup::Addresses> Lookup::result() const {
  EDGEPOST_ASSERT(is_done());
  return shared_->result;
}

}  // namespace edgepost
