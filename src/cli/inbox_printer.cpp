#include "cli/inbox_printer.hpp"

#include "cli/output.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {

Result<InboxPrinter> InboxPrinter::open(Gateway& gateway, const std::string& stream) {
  auto consumer = gateway.consumer(stream, {.name = "stdout", .order = Order::none});
  if (!consumer) return consumer.status();
  return InboxPrinter(std::move(*consumer));
}

Status InboxPrinter::print() {
  for (;;) {
    const auto events = consumer_.fetch();
    if (!events) return events.status();
    if (events->empty()) return {};
    std::string lines;
    for (const Event& event : *events) {
      wire::append_json(event, lines);
      lines += '\n';
    }
    if (Status status = put(lines); !status.is_ok()) return status;
    for (const Event& event : *events) {
      if (Status status = consumer_.acknowledge(event.sequence); !status.is_ok()) return status;
    }
  }
}

}  // namespace edgepost::cli
