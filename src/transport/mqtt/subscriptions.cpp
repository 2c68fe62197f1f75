#include "transport/mqtt/subscriptions.hpp"

#include <algorithm>

#include "transport/mqtt/answers.hpp"

namespace edgepost::mqtt {
namespace {

// Some brokers (AWS IoT) take no more in one packet.
constexpr std::size_t kFiltersPerPacket = 8;

constexpr int kFirstRefusal = 0x80;

}  // namespace

std::string Subscriptions::begin(Client& client, bool has_session, Instant now) {
  waiting_.clear();
  begun_ = now;
  if (has_session && is_standing_) return {};
  is_standing_ = false;
  for (std::size_t first = 0; first < filters_.size(); first += kFiltersPerPacket) {
    const auto begin = filters_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = std::min(kFiltersPerPacket, filters_.size() - first);
    Request request{.first = first};
    const int error =
        client.subscribe({begin, begin + static_cast<std::ptrdiff_t>(count)}, request.message_id);
    if (error != MOSQ_ERR_SUCCESS) return mosquitto_strerror(error);
    waiting_.push_back(request);
  }
  return {};
}

std::optional<Answer> Subscriptions::take(const Subscribed& subscribed, bool is_v5) {
  const auto request = std::ranges::find(waiting_, subscribed.message_id, &Request::message_id);
  if (request == waiting_.end()) return {};
  const std::size_t first = request->first;
  waiting_.erase(request);
  for (std::size_t i = 0; i < subscribed.codes.size() && first + i < filters_.size(); ++i) {
    if (subscribed.codes[i] < kFirstRefusal) continue;
    Answer refusal = subscribe_answer(subscribed.codes[i], is_v5);
    refusal.reason = filters_[first + i] + ": " + refusal.reason;
    return refusal;
  }
  if (!waiting_.empty()) return {};
  is_standing_ = true;
  return Answer{};
}

std::string Subscriptions::names() const {
  std::string names;
  for (const std::string& filter : filters_)
    names.append(names.empty() ? "" : ", ").append(filter);
  return names;
}

}  // namespace edgepost::mqtt
