#pragma once

#include <atomic>

namespace edgepost {

/// Orders a store before a later load, between one thread that does so very often and others that
/// do so seldom: the often side calls light(), the seldom side heavy(). If each side stores and
/// then loads what the other has stored, at least one of them sees the other's store.
/// Asymmetric: light() costs nothing, and heavy() makes the kernel run a barrier on every processor
/// that runs a thread of this process (membarrier(2)). Otherwise both are full fences.
class Barrier {
 public:
  /// Two full fences.
  Barrier() = default;

  /// The asymmetric one where the kernel has it and the sandbox permits it.
  static Barrier best();

  [[nodiscard]] bool is_asymmetric() const { return is_asymmetric_; }

  void light() const {
    if (is_asymmetric_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler must keep the order too
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }

  void heavy() const;

 private:
  explicit Barrier(bool is_asymmetric) : is_asymmetric_(is_asymmetric) {}
  bool is_asymmetric_ = false;
};

}  // namespace edgepost
