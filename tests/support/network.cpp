#include "support/network.hpp"

#include <doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "edgepost/status.hpp"
#include "support/process.hpp"

namespace edgepost::test {
namespace {

int this_namespace() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

void enter(int name_space) { EDGEPOST_ASSERT(setns(name_space, CLONE_NEWNET) == 0); }

// In the words of ip, tc and nft, which a user's PATH may lack.
void configure(const std::string& commands) {
  const Outcome outcome = run({"sh", "-e", "-c", "PATH=$PATH:/usr/sbin\n" + commands});
  REQUIRE_MESSAGE(outcome.code == 0, commands << ": " << outcome.err << " (run tools/setup)");
}

}  // namespace

Network::Network() {
  if (geteuid() != 0) {
    std::fputs("skipped: only root can make network namespaces\n", stderr);
    _Exit(77);
  }
  before_ = this_namespace();
  std::thread([this] {  // a thread can enter a new namespace only by leaving its own
    if (unshare(CLONE_NEWNET) == 0) gateway_ = this_namespace();
  })
      .join();
  if (gateway_ >= 0 && unshare(CLONE_NEWNET) == 0) upstream_ = this_namespace();
  REQUIRE_MESSAGE(upstream_ >= 0, "this machine makes no network namespaces");
  const std::string gateway = "/proc/" + std::to_string(getpid()) + "/fd/";
  configure("ip link set lo up\nip link add up0 type veth peer name gw0 netns " + gateway +
            std::to_string(gateway_) + "\nip address add " + kUpstream +
            "/24 dev up0\nip link set up0 up");
  // Servers of the tests listen on loopback.
  configure(
      "echo 1 > /proc/sys/net/ipv4/conf/up0/route_localnet\n"
      "nft 'table ip expose {\n"
      "chain in { type nat hook prerouting priority -90; iif up0 dnat to 127.0.0.1; }\n}'");
  as_gateway([] {
    configure("ip link set lo up\nip address add " + std::string(kGateway) +
              "/24 dev gw0\nip link set gw0 up");
  });
}

Network::~Network() {
  enter(before_);
  for (const int descriptor : {before_, upstream_, gateway_})
    close(descriptor);
}

void Network::as_gateway(const std::function<void()>& work) const {
  enter(gateway_);
  work();
  enter(upstream_);
}

void Network::filter(const std::string& in, const std::string& out) {
  heal();
  as_gateway([&] {
    configure(
        "nft 'table inet fault {\n"
        "chain in { type filter hook input priority 0; iif gw0 " +
        in +
        "; }\n"
        "chain out { type filter hook output priority 0; oif gw0 " +
        out + "; }\n}'");
  });
}

void Network::heal() {
  configure("nft 'add table inet fault; delete table inet fault'");
  as_gateway([&] {
    configure("nft 'add table inet fault; delete table inet fault'");
    if (is_slow_) configure("tc qdisc del dev gw0 root");
  });
  if (is_slow_) configure("tc qdisc del dev up0 root");
  is_slow_ = false;
}

void Network::cut() { filter("drop", "drop"); }

void Network::cut(int port) {
  const std::string number = std::to_string(port);
  filter("tcp sport " + number + " drop", "tcp dport " + number + " drop");
}

void Network::half_open() { filter("drop", "accept"); }

void Network::refuse() {
  filter("ip protocol tcp reject with tcp reset", "ip protocol tcp reject with tcp reset");
}

void Network::lose(int percent) {
  const std::string some = "numgen random mod 100 < " + std::to_string(percent) + " drop";
  filter(some, some);
}

void Network::slow_down(int bits_per_second) {
  heal();
  is_slow_ = true;
  // A modem's few kilobytes of memory; what finds no room there is lost.
  const std::string line =
      " root tbf rate " + std::to_string(bits_per_second) + "bit burst 1600 limit 6000";
  configure("tc qdisc add dev up0" + line);
  as_gateway([&] { configure("tc qdisc add dev gw0" + line); });
}

void Network::divert(int port, int other_port) {
  heal();
  configure(
      "nft 'table inet fault {\n"
      "chain divert { type nat hook prerouting priority -100; iif up0 tcp dport " +
      std::to_string(port) + " dnat ip to 127.0.0.1:" + std::to_string(other_port) + "; }\n}'");
}

}  // namespace edgepost::test
