#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "edgepost/gateway.hpp"
#include "gateway_audit.hpp"
#include "gateway_routes.hpp"
#include "platform/platform.hpp"
#include "store/store.hpp"
#include "subscriber/subscriber.hpp"
#include "uplink/hooks.hpp"
#include "uplink/uplink.hpp"

namespace edgepost {

/// Sums of times stay far from overflow.
inline constexpr Duration kTimeoutMax = std::chrono::hours(24);

/// Checks everything but the name; `prefix` begins the message.
/// Errors: invalid_argument, naming the option.
Status check_consumer(const std::string& prefix, const ConsumerOptions& options);

/// What a gateway is made of, and the one place where its modules meet.
struct Gateway::Parts {
  /// An uplink, the streams it drains and fills, and its thread while the gateway is started.
  struct Link {
    std::string name;
    std::vector<store::StreamLog*> streams;
    store::StreamLog* inbox = nullptr;  // null: it takes nothing
    std::string refusal;                // of what came from upstream; logged already
    std::unique_ptr<Uplink> uplink;
    std::unique_ptr<Worker> worker;
  };

  /// A durable subscription and its stream.
  struct Local {
    store::StreamLog* stream;
    std::unique_ptr<Subscriber> subscriber;
  };

  Parts(GatewayOptions completed, std::unique_ptr<store::Store> opened);

  /// Where an event goes, and when its time was guessed.
  struct Prepared {
    std::vector<store::StreamLog*> streams;  // none when sampling has left it out
    std::optional<Duration> guessed_at;
    Durability durability = Durability::stored;
  };

  /// Gives `event` what its publisher left out and checks it. Returns when its time was guessed,
  /// if it was; see store::Anchors. Errors: invalid_argument.
  Result<std::optional<Duration>> complete_event(Event& event);

  /// Completes and checks `event` and finds its streams.
  /// Errors: invalid_argument; not_found when no route takes it.
  Result<Prepared> prepare(Event& event, Durability durability);

  /// Hands a stored event to the subscribers. What they do cannot undo the publish.
  void hand_out(const Event& event);

  /// Lets each subscriber handle one event; when the next one is due.
  Instant step_subscribers(Instant now);

  /// Makes the threads of store, uplinks and subscribers. After failure: there are none.
  Status launch();

  /// Makes the threads of all subscribers. After failure: there are none.
  Status launch_subscribers();

  /// Tells the uplinks and subscribers of `stream` that it has new events.
  void stored(const store::StreamLog& stream);

  /// All uplinks, in order of adding. Once added they stay where they are.
  std::vector<Uplink*> uplinks();

  /// What an uplink asks of this gateway. Must outlive: `link` the hooks.
  UplinkHooks hooks(Link& link);

  /// Stores what came from upstream in the inbox of `link`, each identity once, with its cursor, in
  /// one commit, and hands it out. Errors: see UplinkHooks::receive.
  Result<InboxCount> receive(Link& link, std::string_view address, std::span<Received> events);

  /// The cursor that was stored last; empty: none.
  std::string cursor(const Link& link, std::string_view address);

  /// Publishes on the bus what has become of a link.
  void tell(const LinkNews& news);

  /// Publishes on the bus what the limits of `stream` have dropped.
  void dropped(const store::StreamLog& stream, const Dropped& dropped);

  /// Makes the store's thread look at what is due.
  void due();

  struct Receiving;
  Status receive_one(store::Session& session, const Link& link, Received& received,
                     Receiving& done);
  Status receive_all(const Link& link, std::string_view address, std::span<Received> events,
                     Receiving& done);

  GatewayOptions options;
  std::string device_id;
  std::string source;
  IdSource ids;
  Bus bus;
  AuditRing audit;
  std::mutex control_mutex;  // start, stop and add_… happen one after the other
  std::shared_mutex mutex;   // guards links and locals
  Routes routes;
  std::vector<std::unique_ptr<Link>> links;
  std::vector<Local> locals;
  std::mutex worker_mutex;              // guards worker; innermost, as due() comes from anywhere
  std::unique_ptr<Worker> worker;       // while started
  std::unique_ptr<store::Store> store;  // the first to go: it calls stored() and due()
};

}  // namespace edgepost
