#include "bus/links.hpp"

#include <algorithm>

#include "base/topic.hpp"
#include "bus/shared.hpp"

namespace edgepost {
namespace bus {
namespace {

// A firmware has hundreds; more means that topics have ids in them, and memory is to end somewhere.
constexpr std::size_t kPublishedMax = 10'000;

}  // namespace

void Trace::note(std::string_view publisher, std::string_view topic) {
  const std::lock_guard lock(mutex_);
  if (published_.size() < kPublishedMax) published_.emplace(publisher, topic);
}

std::set<Published> Trace::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::vector<BusLink> join(const std::set<Published>& published,
                          const std::vector<Listening>& listeners) {
  std::set<BusLink> links;
  for (const auto& [publisher, topic] : published) {
    bool is_heard = false;
    for (const Listening& listener : listeners) {
      if (!topic_matches(listener.filter, topic)) continue;
      links.insert({publisher, topic, listener.name});
      is_heard = true;
    }
    if (!is_heard) links.insert({publisher, topic, {}});
  }
  return {links.begin(), links.end()};
}

}  // namespace bus

void Bus::trace(bool is_on) { shared_->trace.turn(is_on); }

std::vector<BusLink> Bus::links() const {
  std::set<bus::Published> published = shared_->trace.published();
  std::vector<bus::Listening> listeners;
  {
    const std::lock_guard lock(shared_->mutex);
    for (const bus::PreparedTopic* topic : shared_->prepared)
      published.emplace(topic->publisher, topic->name);
    for (const bus::Entry* entry = shared_->first; entry != nullptr; entry = entry->next) {
      if (entry->is_counted()) listeners.push_back({std::string(entry->label()), entry->filter});
    }
  }
  return bus::join(published, listeners);
}

namespace {

// Topics and handlers may have the same name; a handler that listens and publishes is one node.
std::string topic_id(std::string_view topic) { return "topic " + std::string(topic); }
std::string handler_id(std::string_view name) { return "handler " + std::string(name); }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string to_dot(const std::vector<BusLink>& links) {
  std::set<std::string> nodes;
  std::set<std::string> edges;
  for (const auto& [publisher, topic, listener] : links) {
    const std::string middle = quoted(topic_id(topic));
    nodes.insert(middle + " [label=" + quoted(topic) + ", shape=ellipse]");
    for (const std::string& name : {publisher, listener}) {
      if (!name.empty()) nodes.insert(quoted(handler_id(name)) + " [label=" + quoted(name) + "]");
    }
    if (!publisher.empty()) edges.insert(quoted(handler_id(publisher)) + " -> " + middle);
    if (!listener.empty()) edges.insert(middle + " -> " + quoted(handler_id(listener)));
  }
  std::string out = "digraph bus {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const auto& lines : {nodes, edges}) {
    for (const std::string& line : lines)
      out += "  " + line + ";\n";
  }
  return out + "}\n";
}

}  // namespace edgepost
