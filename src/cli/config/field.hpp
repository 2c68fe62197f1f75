#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cli/config/values.hpp"

namespace edgepost::cli {

/// One name that an object of the configuration may have. A table of them reads the object, and
/// explains it to people.
template <typename Object>
struct Field {
  using Owner = Object;

  std::string_view name;  ///< As it is written.
  std::string_view help;  ///< One sentence at most, without kind and default.
  /// Sets what the value stands for, or complains.
  void (*read)(const wire::JsonNode& node, const Range& range, Object& object, Reading& reading);
  std::string (*kind)(const Range& range);        ///< What it takes; null for an inner table.
  std::string (*standard)(const Object& object);  ///< The default; null: none.
  void (*explain)(std::size_t indent, std::string& out) = nullptr;  ///< Of an inner table.
  Range range{};                                                    ///< Of a number.
  bool is_needed = false;  ///< The object is wrong without it.
};

/// Reads `node` by its table.
template <typename Object>
void read_object(const wire::JsonNode& node,
                 std::type_identity_t<std::span<const Field<Object>>> fields, Object& object,
                 Reading& reading) {
  if (node.kind != wire::JsonKind::object) return reading.complain(node, "an object is wanted");
  for (const wire::JsonNode& child : node.children) {
    const auto field = std::ranges::find(fields, child.name, &Field<Object>::name);
    if (node.find(child.name) != &child) {
      reading.complain(child, "it stands there twice");
    } else if (field != fields.end()) {
      field->read(child, field->range, object, reading);
    } else {
      std::vector<std::string_view> names;
      for (const Field<Object>& known : fields)
        names.push_back(known.name);
      const std::string_view meant = nearest(child.name, names);
      reading.complain(child, meant.empty()
                                  ? "unknown name"
                                  : "unknown name; is \"" + std::string(meant) + "\" meant?");
    }
  }
  for (const Field<Object>& field : fields) {
    if (!field.is_needed || node.find(field.name) != nullptr) continue;
    reading.complain(node, "\"" + std::string(field.name) + "\" is missing");
  }
}

/// Appends what `fields` are, one to a line or two.
template <typename Table>
void explain_object(const Table& fields, std::size_t indent, std::string& out) {
  const typename std::ranges::range_value_t<Table>::Owner standard{};
  for (const auto& field : fields) {
    const std::string margin(indent, ' ');
    out.append(margin).append("\"").append(field.name).append("\": ");
    out.append(field.kind != nullptr ? field.kind(field.range) : "{...}");
    if (field.is_needed) out.append("; needed");
    const std::string value = field.standard != nullptr ? field.standard(standard) : "";
    if (!value.empty()) out.append("; default ").append(value);
    out.append("\n").append(margin).append("    ").append(field.help).append("\n");
    if (field.explain != nullptr) field.explain(indent + 2, out);
  }
}

/// What a path of member pointers leads to, beginning at the object of the table.
template <auto First, auto... Rest>
struct Place {
  template <typename Object, typename Member>
  static Object object_of(Member Object::*);
  using Object = decltype(object_of(First));

  static auto& in(Object& object) { return ((object.*First).*....*Rest); }
  static const auto& in(const Object& object) { return ((object.*First).*....*Rest); }
  using Value = std::remove_cvref_t<decltype(in(std::declval<Object&>()))>;
};

/// A field that holds one value, which its type says how to read.
template <auto... Path>
constexpr auto field(std::string_view name, std::string_view help, const Range& range = {}) {
  using At = Place<Path...>;
  using Object = typename At::Object;
  return Field<Object>{
      .name = name,
      .help = help,
      .read = [](const wire::JsonNode& node, const Range& own, Object& object,
                 Reading& reading) { read_value(node, own, At::in(object), reading); },
      .kind = kind_of<typename Present<typename At::Value>::Type>,
      .standard = [](const Object& object) { return show_value(At::in(object)); },
      .range = range};
}

/// The same field, without which the object is wrong.
template <typename Object>
constexpr Field<Object> needed(Field<Object> field) {
  field.is_needed = true;
  return field;
}

/// A field that holds an object with a table of its own.
template <const auto& kTable, auto... Path>
constexpr auto inner(std::string_view name, std::string_view help) {
  using At = Place<Path...>;
  using Object = typename At::Object;
  return Field<Object>{
      .name = name,
      .help = help,
      .read = [](const wire::JsonNode& node, const Range& /*range*/, Object& object,
                 Reading& reading) { read_object(node, kTable, At::in(object), reading); },
      .explain = [](std::size_t indent, std::string& out) { explain_object(kTable, indent, out); }};
}

/// A field that holds an array of such objects, which know their origin.
template <const auto& kTable, auto... Path>
constexpr auto list(std::string_view name, std::string_view help) {
  using At = Place<Path...>;
  using Object = typename At::Object;
  return Field<Object>{
      .name = name,
      .help = help,
      .read =
          [](const wire::JsonNode& node, const Range& /*range*/, Object& object, Reading& reading) {
            if (node.kind != wire::JsonKind::array) {
              return reading.complain(node, "an array of objects is wanted");
            }
            for (const wire::JsonNode& child : node.children) {
              auto& element = At::in(object).emplace_back();
              element.origin = origin_of(child);
              read_object(child, kTable, element, reading);
            }
          },
      .explain = [](std::size_t indent, std::string& out) { explain_object(kTable, indent, out); }};
}

}  // namespace edgepost::cli
