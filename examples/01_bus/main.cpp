// The bus: events inside one process, by topic. Nothing is stored.
#include <cstdio>
#include <edgepost/bus.hpp>
#include <string>

using namespace edgepost;

int main() {
  Bus bus;
  int temperatures = 0;
  int all = 0;

  // `+` stands for one level of the topic, `#` for all that follow.
  auto by_room = bus.subscribe("room/+/temperature", [&](const Event& event) -> Status {
    std::printf("%s: %s degrees\n", event.topic.c_str(), event.data.c_str());
    ++temperatures;
    return {};
  });
  // A handler may publish: this one says what it makes of a reading, and why.
  auto alarms = bus.subscribe("room/+/temperature", [&](const Event& event) -> Status {
    if (event.data < "30") return {};
    Event alarm{.topic = "alarm/temperature", .data = event.topic};
    return bus.publish(std::move(alarm).caused_by(event));
  });
  // A handler that fails is counted and stops nobody.
  auto broken = bus.subscribe(
      "#", [](const Event&) { return Status(Code::unavailable, "the display is not plugged in"); });
  auto everything = bus.subscribe("#", [&](const Event&) -> Status {
    ++all;
    return {};
  });
  if (!by_room || !alarms || !broken || !everything) return 1;

  const char* const readings[][2] = {
      {"room/1/temperature", "21"}, {"room/2/temperature", "35"}, {"room/2/humidity", "40"}};
  for (const auto& [topic, data] : readings) {
    if (!bus.publish({.topic = topic, .data = data}).is_ok()) return 1;
  }
  everything->unsubscribe();  // it would end by itself at the end of its scope
  if (!bus.publish({.topic = "room/3/temperature", .data = "20"}).is_ok()) return 1;

  const BusStatus status = bus.status();
  std::printf("%s events, %s deliveries, %s failures\n", std::to_string(status.published).c_str(),
              std::to_string(status.delivered).c_str(), std::to_string(status.failed).c_str());
  return temperatures == 3 && all == 4 && status.failed == 5 ? 0 : 1;
}
