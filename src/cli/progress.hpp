#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "edgepost/time.hpp"

namespace edgepost::cli {

/// How far a long work has come.
struct Extent {
  std::uint64_t events = 0;            ///< Done.
  std::optional<std::uint64_t> total;  ///< Of so many, where that is known.
  std::optional<double> share;         ///< 0 to 1 of the whole; none: no bar, just a counter.
};

/// `[#####.....]  43 %  12,345/20,000  8,400/s`, as much of it as is known; at most 79 characters,
/// so that no terminal breaks the line.
std::string progress_line(const Extent& extent, std::uint64_t rate);

/// A progress bar on one line of a terminal, drawn over itself, at most ten times a second.
class Progress {
 public:
  /// Draws on `descriptor` if that is a terminal; stays silent otherwise.
  /// Must outlive: `clock` this object.
  Progress(const Clock& clock, int descriptor);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws `extent`, with the rate since construction, unless the last drawing is too fresh.
  void show(const Extent& extent);

  /// Takes the line away.
  void clear();

 private:
  void draw(const std::string& text);

  const Clock& clock_;
  int descriptor_;
  Instant began_;
  Instant next_draw_;
  bool is_on_;
  bool is_drawn_ = false;
};

}  // namespace edgepost::cli
