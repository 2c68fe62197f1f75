#include "transport/https/gzip.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace edgepost::https {
namespace {

constexpr std::size_t kWindow = 16 * 1024;  // So far back a match may begin; 32 KiB at most.
constexpr std::size_t kHashes = 8 * 1024;
constexpr int kCandidates = 32;  // Looked at for each match.
constexpr std::size_t kShortest = 3;
constexpr std::size_t kLongestMatch = 258;
constexpr std::uint32_t kNowhere = UINT32_MAX;

// Where the ranges of the length codes (257 and on) and of the distance codes (0 and on) begin.
constexpr std::array<std::uint16_t, 29> kLengths = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                    15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                    67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint16_t, 30> kDistances = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

/// Compresses into one block.
class Deflater {
 public:
  Deflater(std::string_view bytes, std::string& out)
      : bytes_(bytes), out_(out), newest_(kHashes, kNowhere), older_(kWindow, kNowhere) {}

  void run() {
    bits(1, 1);  // the last block
    bits(1, 2);  // fixed codes
    for (std::size_t at = 0; at < bytes_.size();) {
      const Match match = find(at);
      if (match.length < kShortest) {
        symbol(static_cast<unsigned char>(bytes_[at]));
        remember(at++);
        continue;
      }
      length(match.length);
      distance(match.distance);
      for (const std::size_t end = at + match.length; at < end; ++at)
        remember(at);
    }
    constexpr unsigned kEnd = 256;
    symbol(kEnd);
    if (held_ > 0) bits(0, 8 - held_);
  }

 private:
  struct Match {
    std::size_t length = 0;
    std::size_t distance = 0;
  };

  [[nodiscard]] std::size_t hash(std::size_t at) const {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes_[at + i]); };
    const std::uint32_t three = byte(0) | static_cast<std::uint32_t>(byte(1)) << 8U |
                                static_cast<std::uint32_t>(byte(2)) << 16U;
    return (three * 2'654'435'761U) >> 19U;
  }

  void remember(std::size_t at) {
    if (at + kShortest > bytes_.size()) return;
    std::uint32_t& newest = newest_[hash(at)];
    older_[at % kWindow] = newest;
    newest = static_cast<std::uint32_t>(at);
  }

  [[nodiscard]] Match find(std::size_t at) const {
    Match best;
    const std::size_t most = std::min(kLongestMatch, bytes_.size() - at);
    if (most < kShortest) return best;
    std::uint32_t place = newest_[hash(at)];
    for (int i = 0; i < kCandidates && place != kNowhere && at - place <= kWindow; ++i) {
      std::size_t length = 0;
      while (length < most && bytes_[place + length] == bytes_[at + length])
        ++length;
      if (length > best.length) best = {length, at - place};
      const std::uint32_t before = older_[place % kWindow];
      // The slot of a place that the window has left behind speaks of a newer one.
      if (before == kNowhere || before >= place) break;
      place = before;
    }
    return best;
  }

  /// The lowest `count` bits of `value`, the lowest first.
  void bits(unsigned value, unsigned count) {
    buffer_ |= value << held_;
    for (held_ += count; held_ >= 8; held_ -= 8) {
      out_.push_back(static_cast<char>(buffer_ & 0xFFU));
      buffer_ >>= 8U;
    }
  }

  /// A code, whose highest bit comes first.
  void code(unsigned value, unsigned count) {
    unsigned reversed = 0;
    for (unsigned i = 0; i < count; ++i)
      reversed |= (value >> i & 1U) << (count - 1 - i);
    bits(reversed, count);
  }

  void symbol(unsigned value) {
    if (value < 144) return code(0x30 + value, 8);
    if (value < 256) return code(0x190 + value - 144, 9);
    if (value < 280) return code(value - 256, 7);
    code(0xC0 + value - 280, 8);
  }

  /// The number of the range that `value` is in.
  template <std::size_t N>
  static unsigned range(const std::array<std::uint16_t, N>& begins, std::size_t value) {
    const auto after = std::upper_bound(begins.begin(), begins.end(), value);
    return static_cast<unsigned>(after - begins.begin()) - 1;
  }

  void length(std::size_t value) {
    const unsigned index = range(kLengths, value);
    symbol(257 + index);
    const unsigned extra = index < 8 || index == 28 ? 0 : (index - 4) / 4;
    bits(static_cast<unsigned>(value) - kLengths[index], extra);
  }

  void distance(std::size_t value) {
    const unsigned index = range(kDistances, value);
    code(index, 5);
    const unsigned extra = index < 4 ? 0 : (index - 2) / 2;
    bits(static_cast<unsigned>(value) - kDistances[index], extra);
  }

  std::string_view bytes_;
  std::string& out_;
  std::vector<std::uint32_t> newest_;  // By hash, the last place with it.
  std::vector<std::uint32_t> older_;   // By place, the one before it with the same hash.
  unsigned buffer_ = 0;
  unsigned held_ = 0;
};

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = UINT32_MAX;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i)
      crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

void append_number(std::uint32_t value, std::string& out) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(value >> shift & 0xFFU));
}

}  // namespace

std::string gzip(std::string_view bytes) {
  constexpr std::string_view kHead("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);  // DEFLATE, no name
  std::string out(kHead);
  Deflater(bytes, out).run();
  append_number(crc32(bytes), out);
  append_number(static_cast<std::uint32_t>(bytes.size()), out);
  return out;
}

}  // namespace edgepost::https
