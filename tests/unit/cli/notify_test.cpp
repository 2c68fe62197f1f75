#include "cli/notify.hpp"

#include <doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <map>

#include "support/temp_dir.hpp"

namespace edgepost::cli {
namespace {

using namespace std::chrono_literals;

/// A service manager's end of the socket.
class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  ~Manager() { close(socket_); }

  [[nodiscard]] std::string heard() const {
    std::array<char, 256> text;
    const ssize_t got = recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    return got < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(got));
  }

 private:
  int socket_;
};

Environment environment(const std::map<std::string, std::string>& variables) {
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST_CASE("notify: a manager hears it on a path and on an abstract socket") {
  const test::TempDir dir;
  for (const std::string& name : {dir.file("notify"), "@edgepost-test-" + dir.path().substr(5)}) {
    const Manager manager(name);
    const Notifier notifier(environment({{"NOTIFY_SOCKET", name}}));
    CHECK(notifier.is_on());
    notifier.tell("READY=1\nSTATUS=fine");
    CHECK(manager.heard() == "READY=1\nSTATUS=fine");
  }
}

TEST_CASE("notify: without a manager, or with one that is gone, nothing happens") {
  const test::TempDir dir;
  for (const std::string& name : {std::string(), std::string("relative"), std::string("@"),
                                  dir.file("nobody"), std::string(200, '/')}) {
    const Notifier notifier(environment({{"NOTIFY_SOCKET", name}, {"WATCHDOG_USEC", "1000"}}));
    CHECK(!notifier.is_on());
    CHECK(!notifier.watchdog());
    notifier.tell("READY=1");
  }
  auto manager = std::make_unique<Manager>(dir.file("notify"));
  const Notifier notifier(environment({{"NOTIFY_SOCKET", dir.file("notify")}}));
  manager.reset();
  notifier.tell("READY=1");
  CHECK(notifier.is_on());
}

TEST_CASE("notify: the watchdog wants half of its time, when it means this process") {
  const test::TempDir dir;
  const Manager manager(dir.file("notify"));
  const auto watchdog = [&dir](const std::string& period, const std::string& pid) {
    return Notifier(environment({{"NOTIFY_SOCKET", dir.file("notify")},
                                 {"WATCHDOG_USEC", period},
                                 {"WATCHDOG_PID", pid}}))
        .watchdog();
  };
  CHECK(watchdog("30000000", "") == Duration(15s));
  CHECK(watchdog("30000000", std::to_string(getpid())) == Duration(15s));
  CHECK(!watchdog("30000000", "1"));
  CHECK(!watchdog("0", ""));
  CHECK(!watchdog("soon", ""));
}

}  // namespace
}  // namespace edgepost::cli
