#pragma once

#include <functional>
#include <string>

namespace edgepost::test {

/// Two hosts with a cable between them, and what can happen to it. Each is a network namespace that
/// goes with the last process in it, so that nothing is left behind, whatever becomes of the test.
/// The thread that makes it, and all that it starts from then on, are the host `upstream`; what
/// runs as_gateway() is the other one. Every port is free there, and what listens on loopback of
/// the upstream is reached at its address, too. Without root the program ends as skipped (77), and
/// where a root may make no namespace the test fails.
class Network {
 public:
  static constexpr const char* kGateway = "192.0.2.1";
  static constexpr const char* kUpstream = "192.0.2.2";

  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Does `work` at the other end. Threads and processes that it starts stay there.
  void as_gateway(const std::function<void()>& work) const;

  /// The cable is whole again.
  void heal();
  /// A black hole: nothing arrives, in either direction, and nobody is told.
  void cut();
  /// The same for one port of the upstream.
  void cut(int port);
  /// What the gateway sends arrives; nothing comes back.
  void half_open();
  /// Each packet of an open connection is answered with a reset, and so is each attempt.
  void refuse();
  /// So many packets of a hundred are lost, in each direction.
  void lose(int percent);
  /// A serial line of so many bits each second.
  void slow_down(int bits_per_second);
  /// Whoever connects to `port` of the upstream finds `other_port` of it.
  void divert(int port, int other_port);

 private:
  void filter(const std::string& in, const std::string& out);

  int before_ = -1;  // namespaces, by descriptor
  int upstream_ = -1;
  int gateway_ = -1;
  bool is_slow_ = false;
};

}  // namespace edgepost::test
