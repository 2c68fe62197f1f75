#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench/bench.hpp"
#include "edgepost/gateway.hpp"
#include "edgepost/mqtt.hpp"

namespace edgepost::bench {

constexpr std::size_t kWindow = 100;

UplinkStatus status_of(const Gateway& gateway);

/// To a broker at a port of this machine; with TLS where `tls` is.
std::unique_ptr<Transport> mqtt_to(int port, std::shared_ptr<Tls> tls = {});

/// Drains `outbox` with a window of kWindow.
void add_uplink(Gateway& gateway, std::unique_ptr<Transport> transport);

void wait_for(const Gateway& gateway, std::uint64_t acknowledged);

/// Events per second from SQLite to the other side, connecting included.
double drain_rate(std::unique_ptr<Transport> transport, std::size_t count, std::size_t data_bytes);

/// What the same costs over TLS: drain rates beside libmosquitto with OpenSSL, which is the
/// program `peer`; HTTPS batches beside a bare loop; memory; the bytes of a reconnect. `program`:
/// this one.
void tls(const Effort& effort, const std::string& program);

/// What `program` --idle does: prints the memory of a gateway with an idle connection. Exit status.
int measure_idle(int port, const char* ca_file);

}  // namespace edgepost::bench
