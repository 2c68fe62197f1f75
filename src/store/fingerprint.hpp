#pragma once

#include <string>
#include <vector>

#include "store/connection.hpp"

namespace edgepost::store {

/// How the objects in a database differ from those this library makes. An object is ours by its
/// name, or by the name of the table it is made for. Each entry names one object.
struct SchemaDifference {
  std::vector<std::string>
      strange;  ///< Nobody but a stranger makes it: a trigger, an index, a view.
  std::vector<std::string> broken;  ///< A table of ours is missing or has another form.
};

/// Compares what stands in the database with what the migrations up to its version make of a new
/// one, and each segment table with the form that all of them have. Reads the schema and the list
/// of streams, nothing else.
/// Errors: corrupt; io_error.
Result<SchemaDifference> compare_schema(Connection& connection);

}  // namespace edgepost::store
