#include "bus/levels.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace edgepost::bus {
namespace {

constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
constexpr std::uint64_t kSlashes = '/' * kOnes;

// The first byte is the lowest one.
std::uint64_t load(const char* bytes) {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, sizeof word);
  } else {
    for (unsigned i = 0; i < 8; ++i)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return word;
}

// The eight bytes at `at`. Behind the end of the text, at most seven bytes on, is a slash.
std::uint64_t bytes_at(std::string_view text, std::size_t at) {
  const std::size_t left = text.size() - at;
  if (left >= 8) return load(text.data() + at);
  std::uint64_t word = static_cast<std::uint64_t>('/') << (8 * left);
  if (left == 0) return word;
  if (text.size() >= 8) return word | load(text.data() + text.size() - 8) >> (8 * (8 - left));
  for (std::size_t i = 0; i < left; ++i)
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
  return word;
}

// Not zero where `word` has slashes; the lowest bit that is set belongs to the first one.
std::uint64_t slashes_of(std::uint64_t word) {
  const std::uint64_t difference = word ^ kSlashes;
  return (difference - kOnes) & ~difference & (0x80 * kOnes);
}

// Two odd multipliers (the golden ratio, and one of the SplitMix64 generator): every bit of `value`
// reaches the upper half of the result, of which the tables take their places.
std::uint64_t mix(std::uint64_t value) {
  value *= 0x9e37'79b9'7f4a'7c15;
  value ^= value >> 32U;
  return value * 0x94d0'49bb'1331'11eb;
}

}  // namespace

Levels::Levels(std::string_view text, std::size_t wanted) {
  begin_[0] = 0;
  std::size_t at = 0;
  while (at <= text.size()) {
    if (count_ == wanted) {
      add_up(count_);
      ++count_;
      return;
    }
    // The last word of a level has at most seven bytes: its place goes where the eighth would be.
    std::uint64_t hash = static_cast<std::uint64_t>(count_ + 1) << 56U;
    std::uint64_t word = bytes_at(text, at);
    std::uint64_t slashes = slashes_of(word);
    while (slashes == 0) {
      hash = mix(hash ^ word);
      at += 8;
      word = bytes_at(text, at);
      slashes = slashes_of(word);
    }
    const auto bits = static_cast<unsigned>(std::countr_zero(slashes)) & ~7U;
    word &= (std::uint64_t{1} << bits) - 1;
    hashes_[count_] = mix(hash ^ word);
    at += bits / 8 + 1;
    ++count_;
    begin_[count_] = static_cast<std::uint16_t>(at);
  }
  add_up(count_);
}

void Levels::add_up(std::size_t count) {
  const std::size_t end = groups(count);
  std::fill(hashes_ + count, hashes_ + end * kGroup, 0);
  for (std::size_t group = 0; group < end; ++group) {
    const std::uint64_t* hashes = hashes_ + group * kGroup;
    std::uint64_t* sums = sums_[group];
    sums[0] = 0;
    sums[1] = hashes[0];
    sums[2] = hashes[1];
    sums[3] = hashes[0] + hashes[1];
    for (std::size_t i = 0; i < 4; ++i)
      sums[4 + i] = sums[i] + hashes[2];
    for (std::size_t i = 0; i < 8; ++i)
      sums[8 + i] = sums[i] + hashes[3];
  }
}

}  // namespace edgepost::bus
