#pragma once

#include <sys/eventfd.h>

#include "platform/descriptor.hpp"

namespace edgepost::mqtt {

/// An eventfd: another thread makes poll(2) return by it.
class WakeUp {
 public:
  WakeUp() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  [[nodiscard]] bool is_open() const { return descriptor_.is_open(); }
  [[nodiscard]] int descriptor() const { return descriptor_.number(); }

  void set() const { eventfd_write(descriptor(), 1); }
  void clear() const {
    eventfd_t count = 0;
    eventfd_read(descriptor(), &count);
  }

 private:
  Descriptor descriptor_;
};

}  // namespace edgepost::mqtt
