#pragma once

#include <string>

#include "edgepost/gateway.hpp"

namespace edgepost::cli {

/// Prints what comes into a stream as CloudEvents JSON lines. It is a durable consumer: an event is
/// acknowledged when standard output has taken it, so that a broken pipe loses none; the next
/// printer goes on there.
class InboxPrinter {
 public:
  /// Opens the consumer, named `stdout`. Errors: those of Gateway::consumer().
  static Result<InboxPrinter> open(Gateway& gateway, const std::string& stream);

  /// Prints everything that is there now. Errors: io_error when standard output takes no more; what
  /// the stream says.
  Status print();

 private:
  explicit InboxPrinter(Consumer consumer) : consumer_(std::move(consumer)) {}

  Consumer consumer_;
};

}  // namespace edgepost::cli
