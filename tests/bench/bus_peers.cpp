#include "bench/bus_peers.hpp"

#include <chrono>
#include <thread>

#include "bench/bench.hpp"

#ifdef EDGEPOST_BENCH_BOOST
#include <boost/signals2.hpp>
#endif
#ifdef EDGEPOST_BENCH_SIGC
#include <sigc++/sigc++.h>
#endif
#ifdef EDGEPOST_BENCH_NNG
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#endif
#ifdef EDGEPOST_BENCH_MOSQUITTO_MATCHER
#include <mosquitto.h>
#endif

namespace edgepost::bench {
namespace {

double each(std::size_t publishes, const std::function<void()>& all) {
  return seconds(all) * 1e9 / static_cast<double>(publishes);
}

double function_pointers(std::size_t handlers, std::size_t publishes, const Event& event) {
  struct Handler {
    Status (*function)(std::uint64_t&, const Event&);
    std::uint64_t* count;
  };
  std::uint64_t count = 0;
  const std::vector<Handler> all(handlers, {count_event, &count});
  return each(publishes, [&] {
    for (std::size_t i = 0; i < publishes; ++i) {
      for (const Handler& handler : all)
        EDGEPOST_ASSERT(handler.function(*handler.count, event).is_ok());
    }
  });
}

double functions(std::size_t handlers, std::size_t publishes, const Event& event) {
  std::uint64_t count = 0;
  std::vector<std::function<Status(const Event&)>> all;
  for (std::size_t i = 0; i < handlers; ++i)
    all.emplace_back([&count](const Event& heard) { return count_event(count, heard); });
  return each(publishes, [&] {
    for (std::size_t i = 0; i < publishes; ++i) {
      for (const auto& handler : all)
        EDGEPOST_ASSERT(handler(event).is_ok());
    }
  });
}

#ifdef EDGEPOST_BENCH_BOOST
double boost_signal(std::size_t handlers, std::size_t publishes, const Event& event) {
  std::uint64_t count = 0;
  boost::signals2::signal<void(const Event&)> signal;
  for (std::size_t i = 0; i < handlers; ++i)
    signal.connect([&count](const Event& heard) { (void)count_event(count, heard); });
  return each(publishes, [&] {
    for (std::size_t i = 0; i < publishes; ++i)
      signal(event);
  });
}
#endif

#ifdef EDGEPOST_BENCH_SIGC
double sigc_signal(std::size_t handlers, std::size_t publishes, const Event& event) {
  std::uint64_t count = 0;
  sigc::signal<void, const Event&> signal;
  for (std::size_t i = 0; i < handlers; ++i)
    signal.connect([&count](const Event& heard) { (void)count_event(count, heard); });
  return each(publishes, [&] {
    for (std::size_t i = 0; i < publishes; ++i)
      signal.emit(event);
  });
}
#endif

#ifdef EDGEPOST_BENCH_NNG
// Each handler is a socket, which is read when the event has been sent.
double nng_inproc(std::size_t handlers, std::size_t publishes, const Event& event) {
  const std::size_t sends = std::max<std::size_t>(publishes / 1'000, 20);
  std::uint64_t count = 0;
  nng_socket sender = NNG_SOCKET_INITIALIZER;
  EDGEPOST_ASSERT(nng_pub0_open(&sender) == 0);
  EDGEPOST_ASSERT(nng_listen(sender, "inproc://bench", nullptr, 0) == 0);
  std::vector<nng_socket> receivers(handlers);
  for (nng_socket& receiver : receivers) {
    EDGEPOST_ASSERT(nng_sub0_open(&receiver) == 0);
    EDGEPOST_ASSERT(nng_setopt(receiver, NNG_OPT_SUB_SUBSCRIBE, "", 0) == 0);
    EDGEPOST_ASSERT(nng_setopt_ms(receiver, NNG_OPT_RECVTIMEO, 5'000) == 0);
    EDGEPOST_ASSERT(nng_dial(receiver, "inproc://bench", nullptr, 0) == 0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until all of them are connected
  std::string data = event.data;
  const double result = each(sends, [&] {
    for (std::size_t i = 0; i < sends; ++i) {
      EDGEPOST_ASSERT(nng_send(sender, data.data(), data.size(), 0) == 0);
      for (const nng_socket receiver : receivers) {
        char bytes[256];
        std::size_t size = sizeof bytes;
        EDGEPOST_ASSERT(nng_recv(receiver, bytes, &size, 0) == 0);
        (void)count_event(count, event);
      }
    }
  });
  for (const nng_socket receiver : receivers)
    nng_close(receiver);
  nng_close(sender);
  return result;
}
#endif

}  // namespace

[[gnu::noinline]] Status count_event(std::uint64_t& count, const Event& event) {
  count += event.data.size();
  return {};
}

std::vector<Peer> bus_peers() {
  return {
      {"a loop over function pointers", function_pointers},
      {"a loop over std::function", functions},
#ifdef EDGEPOST_BENCH_BOOST
      {"Boost.Signals2", boost_signal},
#else
      {"Boost.Signals2", {}},
#endif
#ifdef EDGEPOST_BENCH_SIGC
      {"libsigc++ (not thread-safe)", sigc_signal},
#else
      {"libsigc++ (not thread-safe)", {}},
#endif
#ifdef EDGEPOST_BENCH_NNG
      {"nng, inproc", nng_inproc},
#else
      {"nng, inproc", {}},
#endif
  };
}

std::function<std::size_t(const std::vector<std::string>&, const std::string&)>
mosquitto_matcher() {
#ifdef EDGEPOST_BENCH_MOSQUITTO_MATCHER
  return [](const std::vector<std::string>& filters, const std::string& topic) {
    std::size_t found = 0;
    for (const std::string& filter : filters) {
      bool matches = false;
      EDGEPOST_ASSERT(mosquitto_topic_matches_sub(filter.c_str(), topic.c_str(), &matches) ==
                      MOSQ_ERR_SUCCESS);
      found += matches ? 1 : 0;
    }
    return found;
  };
#else
  return {};
#endif
}

}  // namespace edgepost::bench
