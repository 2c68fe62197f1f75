#include "cli/progress.hpp"

#include <unistd.h>

#include <algorithm>

namespace edgepost::cli {
namespace {

constexpr std::size_t kColumns = 79;
constexpr std::size_t kBarColumns = 30;
constexpr Duration kPause = std::chrono::milliseconds(100);

/// 12345 as 12,345.
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string bar(double share) {
  share = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  const std::string percent = std::to_string(static_cast<unsigned>(share * 100));
  return "[" + std::string(filled, '#') + std::string(kBarColumns - filled, '.') + "] " +
         std::string(3 - percent.size(), ' ') + percent + " %  ";
}

}  // namespace

std::string progress_line(const Extent& extent, std::uint64_t rate) {
  std::string line = extent.share ? bar(*extent.share) : std::string();
  line += grouped(extent.events) + (extent.total ? "/" + grouped(*extent.total) : " events");
  line += "  " + grouped(rate) + "/s";
  return line.substr(0, kColumns);
}

Progress::Progress(const Clock& clock, int descriptor)
    : clock_(clock),
      descriptor_(descriptor),
      began_(clock.now()),
      next_draw_(began_),
      is_on_(isatty(descriptor) == 1) {}

void Progress::show(const Extent& extent) {
  if (!is_on_) return;
  const Instant now = clock_.now();
  if (now < next_draw_) return;
  next_draw_ = now + kPause;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(extent.events) / seconds : 0;
  draw("\r" + progress_line(extent, static_cast<std::uint64_t>(rate)) + "\033[K");
  is_drawn_ = true;
}

void Progress::clear() {
  if (is_drawn_) draw("\r\033[K");
  is_drawn_ = false;
}

void Progress::draw(const std::string& text) {
  if (write(descriptor_, text.data(), text.size()) < 0) is_on_ = false;  // it was hung up
}

}  // namespace edgepost::cli
