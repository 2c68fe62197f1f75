#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "bus/listener.hpp"

namespace edgepost::bus {

/// Calls `take` for the bytes of a text, in words of which the last two may overlap.
/// Requires: at least eight bytes.
template <typename Take>
inline bool each_word(std::string_view text, const Take& take) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  for (std::size_t place = 0; place + kWord < text.size(); place += kWord) {
    if (!take(place)) return false;
  }
  return take(text.size() - kWord);
}

inline std::uint64_t word_at(std::string_view text, std::size_t place) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + place, sizeof(word));
  return word;
}

/// Whether two texts are equal. Topics are short; a call of memcmp costs more than this.
inline bool is_same(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  if (one.size() < sizeof(std::uint64_t)) return one == other;
  return each_word(one,
                   [&](std::size_t place) { return word_at(one, place) == word_at(other, place); });
}

/// Who listens to the topics that one thread has published to lately, as far as they do not meet in
/// the same place. A topic comes in when it is missed twice in a row, so that publishing to very
/// many topics does not shuffle this around. Threads: its own alone.
class Recent {
 public:
  static constexpr std::size_t kPlaces = 32;

  struct Place {
    std::uint64_t generation = 0;  ///< Of the bus's subscriptions; older ones are no longer true.
    std::uint64_t missed = 0;      ///< Hash of the topic that was looked for last, in vain.
    std::uint32_t users = 0;       ///< Publishes that read the listeners just now.
    std::string topic;
    Matches listeners;

    [[nodiscard]] bool holds(std::string_view name, std::uint64_t now) const {
      return generation == now && is_same(topic, name);
    }
  };

  static std::uint64_t hash(std::string_view topic) {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio
    if (topic.size() < sizeof(std::uint64_t)) {
      std::uint64_t word = topic.size();
      for (const char byte : topic)
        word = word << 8U | static_cast<unsigned char>(byte);
      return word * kOdd;
    }
    std::uint64_t sum = topic.size();
    each_word(topic, [&](std::size_t place) {
      sum = std::rotl(sum, 23) ^ (word_at(topic, place) * kOdd);
      return true;
    });
    return sum * kOdd;
  }

  Place& at(std::uint64_t hash) { return places_[static_cast<std::size_t>(hash >> 59U)]; }

 private:
  static_assert(kPlaces == 1U << (64U - 59U));
  std::array<Place, kPlaces> places_;
};

}  // namespace edgepost::bus
