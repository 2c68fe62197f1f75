#include "wire/json_tree.hpp"

#include <yyjson.h>

#include <algorithm>
#include <memory>

namespace edgepost::wire {
namespace {

constexpr std::size_t kBytesMax = 1024 * 1024;
constexpr int kDepthMax = 16;  // bounds the recursion

/// Walks over valid JSON, value by value in the order of the text, and counts the lines.
class Lines {
 public:
  explicit Lines(std::string_view json) : json_(json) {}

  /// Goes to the next value or name; returns its line.
  unsigned next() {
    for (; json_.find_first_of(" \t\r\n,:]}", at_) == at_; ++at_)
      line_ += json_[at_] == '\n' ? 1U : 0U;
    if (json_[at_] == '{' || json_[at_] == '[') {
      ++at_;
    } else if (json_[at_] == '"') {
      while (json_[++at_] != '"')
        at_ += json_[at_] == '\\' ? 1U : 0U;
      ++at_;
    } else {
      at_ = std::min(json_.find_first_of(" \t\r\n,]}", at_), json_.size());
    }
    return line_;
  }

  [[nodiscard]] unsigned line() const { return line_; }

 private:
  std::string_view json_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
};

JsonKind kind_of(yyjson_val* value) {
  switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_BOOL:
      return JsonKind::boolean;
    case YYJSON_TYPE_RAW:
      return JsonKind::number;
    case YYJSON_TYPE_STR:
      return JsonKind::text;
    case YYJSON_TYPE_ARR:
      return JsonKind::array;
    case YYJSON_TYPE_OBJ:
      return JsonKind::object;
    default:
      return JsonKind::null;
  }
}

/// Copies `value` to `node`, whose path is there already. False when it is nested too deep.
bool copy(yyjson_val* value, int depth, Lines& lines, JsonNode& node) {
  node.kind = kind_of(value);
  node.line = lines.next();
  if (node.kind == JsonKind::text) node.text.assign(yyjson_get_str(value), yyjson_get_len(value));
  if (node.kind == JsonKind::number) node.text.assign(yyjson_get_raw(value), yyjson_get_len(value));
  if (node.kind == JsonKind::boolean) node.text = yyjson_get_bool(value) ? "true" : "false";
  if (!yyjson_is_ctn(value)) return true;
  if (depth == kDepthMax) return false;
  const std::size_t count = yyjson_is_obj(value) ? yyjson_obj_size(value) : yyjson_arr_size(value);
  node.children.reserve(count);
  // In both, the values stand in a row; of an object, each behind its name.
  yyjson_val* next = unsafe_yyjson_get_first(value);
  for (std::size_t i = 0; i < count; ++i, next = unsafe_yyjson_get_next(next)) {
    JsonNode& child = node.children.emplace_back();
    if (yyjson_is_obj(value)) {
      lines.next();
      child.name.assign(yyjson_get_str(next), yyjson_get_len(next));
      child.path = node.path + "." + child.name;
      ++next;
    } else {
      child.path = node.path + "[" + std::to_string(i) + "]";
    }
    if (!copy(next, depth + 1, lines, child)) return false;
  }
  return true;
}

}  // namespace

const JsonNode* JsonNode::find(std::string_view wanted) const {
  const auto found = std::ranges::find(children, wanted, &JsonNode::name);
  return found == children.end() ? nullptr : &*found;
}

JsonTree read_json_tree(std::string_view json) {
  JsonTree tree;
  if (json.size() > kBytesMax) {
    tree.error = "the text is longer than 1 MiB";
    return tree;
  }
  yyjson_read_err error{};
  // The reader takes a non-const pointer for its in-place mode, which is not asked for here.
  const std::unique_ptr<yyjson_doc, decltype(&yyjson_doc_free)> document(
      yyjson_read_opts(const_cast<char*>(json.data()), json.size(), YYJSON_READ_NUMBER_AS_RAW,
                       nullptr, &error),
      &yyjson_doc_free);
  if (document == nullptr) {
    tree.error = error.msg;
    tree.error_line += static_cast<unsigned>(std::ranges::count(json.substr(0, error.pos), '\n'));
    return tree;
  }
  tree.root.path = "$";
  Lines lines(json);
  if (copy(document->root, 0, lines, tree.root)) return tree;
  tree.error = "nested deeper than " + std::to_string(kDepthMax);
  tree.error_line = lines.line();
  return tree;
}

}  // namespace edgepost::wire
