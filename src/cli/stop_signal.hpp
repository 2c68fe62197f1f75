#pragma once

#include "edgepost/time.hpp"

namespace edgepost::cli {

/// Turns SIGINT and SIGTERM into something that can be waited for. Make it before any thread, so
/// that no thread takes the signals in the old way.
class StopSignal {
 public:
  /// Takes the two signals over until the process ends.
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Waits for a signal, at most `patience`. True when one has come.
  [[nodiscard]] bool wait(Duration patience) const;

 private:
  int descriptor_;
};

}  // namespace edgepost::cli
