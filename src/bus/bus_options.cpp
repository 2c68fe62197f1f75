#include "bus/bus_options.hpp"

#include <cmath>
#include <string_view>

namespace edgepost::bus {
namespace {

constexpr std::size_t kNameLengthMax = 64;
constexpr int kPriorityMax = 100;
// A mistake in bytes or milliseconds is larger; so are not the queues of a gateway with 64 MiB.
constexpr std::size_t kQueueCapacityMax = 65'536;

bool is_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  return name.size() <= kNameLengthMax &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Status validate(const SubscribeOptions& options) {
  const auto wrong = [](const char* what) { return Status(Code::invalid_argument, what); };
  if (!is_name(options.name)) return wrong("name: at most 64 characters of a-z, 0-9, -, _, .");
  if (options.priority < -kPriorityMax || options.priority > kPriorityMax)
    return wrong("priority: -100 to 100 is wanted");
  if (!std::isfinite(options.dead_band) || options.dead_band < 0)
    return wrong("dead_band: 0 or more is wanted");
  if (options.every == 0) return wrong("every: 1 or more is wanted");
  if (options.interval < Duration::zero()) return wrong("interval: 0 or more is wanted");
  if (options.queue_capacity == 0 || options.queue_capacity > kQueueCapacityMax)
    return wrong("queue_capacity: 1 to 65536 is wanted");
  if (options.overflow == Overflow::spill && options.run != Run::inline_ && !options.spill)
    return wrong("spill: empty, overflow needs a function");
  if (options.slow_after < Duration::zero()) return wrong("slow_after: 0 or more is wanted");
  return {};
}

}  // namespace edgepost::bus
