# Writes a header with the text of each SQL file as a string_view; see edgepost_embed_sql.
#   cmake -D FILES=a.sql;b.sql -D NAMESPACE=x::sql -D OUTPUT=sql.hpp -P embed_sql.cmake
set(texts "")
set(entries "")
foreach(file IN LISTS FILES)
  cmake_path(GET file STEM stem)
  file(READ ${file} text)
  if(text MATCHES "\\)sql\"")
    message(FATAL_ERROR "${file} contains )sql\", which would end the string")
  endif()
  string(APPEND texts "inline constexpr std::string_view file_${stem} = R\"sql(${text})sql\";\n\n")
  string(APPEND entries "    {\"${stem}\", file_${stem}},\n")
endforeach()
list(LENGTH FILES count)
file(WRITE ${OUTPUT}
"// Made by cmake/embed_sql.cmake from the .sql files beside the sources. Do not edit.
#pragma once
#include <array>
#include <string_view>

namespace ${NAMESPACE} {

${texts}struct File {
  std::string_view name;
  std::string_view text;
};

inline constexpr std::array<File, ${count}> files = {{
${entries}}};

}  // namespace ${NAMESPACE}
")
