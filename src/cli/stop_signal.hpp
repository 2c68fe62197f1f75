#pragma once

#include <initializer_list>

#include "edgepost/time.hpp"

namespace edgepost::cli {

/// Turns SIGINT and SIGTERM, and others if asked to, into something that can be waited for. Make it
/// before any thread, so that no thread takes the signals in the old way.
class StopSignal {
 public:
  /// Takes the two signals, and `others`, over until the process ends.
  explicit StopSignal(std::initializer_list<int> others = {});
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Waits for a signal, at most `patience`. True when one has come.
  [[nodiscard]] bool wait(Duration patience) const;

  /// The signal that has come first and was not taken yet; 0: none.
  [[nodiscard]] int take() const;

 private:
  int descriptor_;
};

}  // namespace edgepost::cli
