#pragma once

#include <sys/eventfd.h>

#include "platform/descriptor.hpp"

namespace edgepost {

/// An eventfd: another thread makes poll(2) return by it. Threads: any.
class WakeUp {
 public:
  WakeUp() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  [[nodiscard]] bool is_open() const { return descriptor_.is_open(); }
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }

  void set() const { eventfd_write(descriptor(), 1); }
  /// Whether it was set since the last call.
  [[nodiscard]] bool take() const {
    eventfd_t count = 0;
    return eventfd_read(descriptor(), &count) == 0;
  }

 private:
  Descriptor descriptor_;
};

}  // namespace edgepost
