#include <array>
#include <charconv>

#include "document/codec.hpp"
#include "wire/json.hpp"

namespace edgepost::document {
namespace {

void append_time(HybridTime time, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned shift = 64; shift > 0; shift -= 4)
    out += kDigits[time >> (shift - 4) & 0xFU];
}

void append_write(const Write& write, std::string& out) {
  out += "\"r\":";
  wire::append_json_string(write.dot.replica, out);
  out += ",\"s\":" + std::to_string(write.dot.sequence) + ",\"ts\":\"";
  append_time(write.time, out);
  out += '"';
  if (!write.value.empty()) out += ",\"v\":" + write.value;
}

/// Puts commas between what is added.
class List {
 public:
  List(std::string& out, char end) : out_(out), end_(end) {}
  ~List() { out_ += end_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  std::string& next() {
    if (!is_first_) out_ += ',';
    is_first_ = false;
    return out_;
  }
  void name(std::string_view name) {
    wire::append_json_string(name, next());
    out_ += ':';
  }

 private:
  std::string& out_;
  const char end_;
  bool is_first_ = true;
};

struct Append {
  std::string& out;

  void operator()(const Register& field) const {
    out += ',';
    append_write(field.last, out);
  }
  void operator()(const Siblings& field) const {
    out += ",\"w\":[";
    List list(out, ']');
    for (const auto& [dot, write] : field.writes) {
      list.next() += '{';
      append_write(write, out);
      out += '}';
    }
  }
  void extreme(const Extreme& field) const {
    out += ",\"e\":" + std::to_string(field.epoch) + ",\"v\":" + field.number;
  }
  void operator()(const Maximum& field) const { extreme(field); }
  void operator()(const Minimum& field) const { extreme(field); }
  void operator()(const Counter& field) const {
    out += ",\"e\":" + std::to_string(field.epoch) + ",\"n\":{";
    List list(out, '}');
    for (const auto& [replica, sums] : field.sums) {
      list.name(replica);
      out += '[' + std::to_string(sums.added) + ',' + std::to_string(sums.taken) + ']';
    }
  }
  void operator()(const Set& field) const {
    out += ",\"m\":{";
    List list(out, '}');
    for (const auto& [element, dots] : field.elements) {
      list.name(element);
      out += '[';
      List inner(out, ']');
      for (const Dot& dot : dots) {
        inner.next() += '[';
        wire::append_json_string(dot.replica, out);
        out += ',' + std::to_string(dot.sequence) + ']';
      }
    }
  }
  void operator()(const Log& field) const {
    out += ",\"w\":[";
    List list(out, ']');
    for (const Write& entry : field.entries) {
      list.next() += '{';
      append_write(entry, out);
      out += '}';
    }
  }
};

}  // namespace

void append_state(std::string_view key, const State& state, std::string& out) {
  out += "{\"v\":1,\"k\":";
  wire::append_json_string(key, out);
  out += ",\"g\":" + std::to_string(state.generation) + ",\"cc\":{";
  {
    List list(out, '}');
    for (const auto& [replica, sequence] : state.context) {
      list.name(replica);
      out += std::to_string(sequence);
    }
  }
  out += ",\"f\":{";
  {
    List list(out, '}');
    for (const auto& [field_key, field] : state.fields) {
      const char tag = kTypeTags[field_key.type];
      list.name(std::string(1, tag) + ':' + field_key.name);
      out += std::string("{\"t\":\"") + tag + '"';
      std::visit(Append{out}, field);
      out += '}';
    }
  }
  out += '}';
}

}  // namespace edgepost::document
