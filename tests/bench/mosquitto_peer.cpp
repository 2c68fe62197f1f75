// Debian's libmosquitto, which speaks TLS through OpenSSL, as a program of its own, so that its
// symbols do not meet ours: prints the rate of bare_mosquitto.hpp.
//   edgepost_bench_mosquitto PORT COUNT WINDOW DATA_BYTES ATTRIBUTES CA_FILE
#include <cstdio>
#include <cstdlib>

#include "bench/bare_mosquitto.hpp"

int main(int count, char** arguments) {
  if (count != 7) return 2;
  const auto number = [&](int at) { return std::strtoul(arguments[at], nullptr, 10); };
  const double rate = edgepost::bench::bare_mosquitto_rate({.port = static_cast<int>(number(1)),
                                                            .count = number(2),
                                                            .window = number(3),
                                                            .data_bytes = number(4),
                                                            .has_attributes = number(5) != 0,
                                                            .ca_file = arguments[6]});
  std::printf("%f\n", rate);
  return rate > 0 ? 0 : 1;
}
