// The bus, for firmware: how a subscription is served is its own choice. The main loop is the
// firmware's; with `threads = true`, the default, queues have workers and nobody calls step().
#include <chrono>
#include <cstdio>
#include <edgepost/bus.hpp>
#include <edgepost/typed.hpp>
#include <edgepost/window.hpp>
#include <string>
#include <vector>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

struct Acceleration {
  float x = 0;
  float y = 0;
  float z = 0;
};

void run_for(Bus& bus, Duration time) {
  const Clock& clock = *default_platform().clock;
  for (const Instant end = clock.now() + time; clock.now() < end;)
    bus.step(clock.now());
}

}  // namespace

int main() {
  Bus bus({.threads = false});
  int shown = 0;
  int logged = 0;
  int alarms = 0;
  int shocks = 0;
  std::string summary;
  const auto count = [](int& counter) {
    return [&counter](const Event&) {
      ++counter;
      return Status();
    };
  };

  // A display: changes of more than half a degree, at most one of each sensor every 20 ms.
  auto display = bus.subscribe(
      "room/+/temperature",
      {.name = "display", .on_change = true, .dead_band = 0.5, .interval = 20ms}, count(shown));
  // A log on a slow card: in a queue, where the newest value of each topic is enough.
  auto log = bus.subscribe(
      "room/#",
      {.name = "log", .run = Run::shared, .queue_capacity = 64, .overflow = Overflow::keep_latest},
      count(logged));
  // An alarm: before all others, and only what is too hot.
  auto alarm = bus.subscribe(
      "room/+/temperature",
      {.name = "alarm", .priority = 10, .where = [](const Event& e) { return e.data > "40"; }},
      count(alarms));
  // The minimum, maximum and average of each 50 ms go to window/<topic>.
  auto window = Window::open(bus, {.filter = "room/+/temperature", .length = 50ms});
  auto summaries = bus.subscribe("window/#", [&](const Event& event) {
    summary = event.topic + " " + event.data;
    return Status();
  });
  // Values instead of events, published to a topic that is looked up once.
  auto shock = on<Acceleration>(bus, "press/acceleration", {.name = "shocks"},
                                [&](const Acceleration& value) {
                                  if (value.z > 2) ++shocks;
                                });
  auto topic = bus.topic("press/acceleration", "accelerometer");
  // Somebody who answers.
  auto server = bus.serve("valve/1/state", {.name = "valve"},
                          [](const Event&) -> Result<Event> { return Event{.data = "open"}; });
  if (!display || !log || !alarm || !window || !summaries || !shock || !topic || !server ||
      !bus.retain("room/#").is_ok())
    return 1;

  for (const char* data : {"20.1", "20.2", "21.0", "41.5"}) {
    if (!bus.publish({.topic = "room/1/temperature", .data = data}).is_ok()) return 1;
  }
  Publisher<Acceleration> accelerometer(bus, *topic);
  if (!accelerometer.publish({.z = 9.8F}).is_ok()) return 1;
  const Result<Event> state = bus.request({.topic = "valve/1/state"}, 1s);
  run_for(bus, 120ms);

  // Who comes late hears the last value of each topic at once, if it asks for that.
  int late = 0;
  auto panel = bus.subscribe("room/#", {.name = "panel", .retained = true}, count(late));

  for (const SubscriptionStatus& one : bus.status().named)
    std::printf("%s: %s delivered, %s filtered\n", one.name.c_str(),
                std::to_string(one.delivered).c_str(), std::to_string(one.filtered).c_str());
  std::printf("%s\n%s", summary.c_str(), to_dot(bus.links()).c_str());
  const bool is_right = shown == 2 && logged == 1 && alarms == 1 && shocks == 1 && late == 1;
  return is_right && state && state->data == "open" && panel ? 0 : 1;
}
