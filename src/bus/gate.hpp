#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edgepost/bus_options.hpp"

namespace edgepost::bus {

/// Decides which events of a subscription pass `where`, `on_change`, `every` and `interval`, in
/// this order. It knows topics_max topics; a new one takes the place of the one that was silent for
/// longest and holds nothing back. Where all hold something back, events of others pass.
/// Threads: any. `where` alone takes no lock; the others take a short one, without calling anybody.
class Gate {
 public:
  /// What becomes of an event.
  enum class Verdict : unsigned char {
    passes,
    left_out,  ///< This one, or the one held back so far, which it replaces.
    held,      ///< Kept until its interval ends; see release().
  };

  /// Requires: valid options. Must outlive: the options this object.
  explicit Gate(const SubscribeOptions& options, std::size_t topics_max = 4'096);

  /// True when admit() wants the time.
  [[nodiscard]] bool has_interval() const { return options_.interval > Duration::zero(); }

  /// Judges `event` at `now`. Memory is taken for topics and lengths that are new only.
  Verdict admit(const Event& event, Instant now);

  /// Swaps an event whose interval has ended by `now` with `out`. False: there is none.
  bool release(Instant now, std::unique_ptr<Event>& out);

  /// When the next interval ends that holds an event back.
  [[nodiscard]] Instant next_due() const;

  /// How many events are held back.
  [[nodiscard]] std::size_t held() const;

 private:
  struct Topic {
    std::string name{};
    std::optional<double> number{};  // of the last event that passed on_change
    std::string data{};              // of the same, when it had no number
    bool is_new = true;
    bool holds = false;
    std::uint32_t count = 0;  // events that came to `every`, modulo it
    Instant due{};            // end of the interval
    std::unique_ptr<Event> held{};
  };
  using Topics = std::list<Topic>;
  struct Held {
    Instant due{};
    std::uint64_t number = 0;  // of those that were ever held; it decides between equal times
    Topic* topic = nullptr;
    auto operator<=>(const Held&) const = default;
  };

  [[nodiscard]] std::optional<double> number_of(const Event& event) const;
  Topic* topic_of(const std::string& name);
  bool has_changed(Topic& topic, const Event& event, const std::optional<double>& number) const;
  Verdict pace(Topic& topic, const Event& event, Instant now);

  const SubscribeOptions& options_;
  const std::size_t topics_max_;

  mutable std::mutex mutex_;  // guards all below
  Topics topics_;             // the one that passed last stands at the end
  std::unordered_map<std::string_view, Topics::iterator> places_;
  std::vector<Held> line_;  // a heap, the next one first
  std::uint64_t held_ever_ = 0;
};

}  // namespace edgepost::bus
