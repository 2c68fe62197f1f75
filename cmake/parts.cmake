# The library's parts, its generated SQL header and its examples.

# edgepost_part(name [LINKS targets…]): the static library target edgepost_<name>, known to others
# as edgepost::<name>, archive libedgepost_<name>.a (core: libedgepost.a), installed and exported.
# Every part but core stands on core. Sources are registered by the folders under src/.
function(edgepost_part name)
  cmake_parse_arguments(a "" "" "LINKS" ${ARGN})
  set(target edgepost_${name})
  edgepost_need(${a_LINKS})
  add_library(${target} STATIC)
  add_library(edgepost::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  if(name STREQUAL "core")
    set_target_properties(${target} PROPERTIES OUTPUT_NAME edgepost)
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    target_link_libraries(${target} PUBLIC Threads::Threads)
  else()
    target_link_libraries(${target} PUBLIC edgepost_core)
  endif()
  target_link_libraries(${target} PRIVATE ${a_LINKS})
  set_target_properties(${target} PROPERTIES EDGEPOST_LINKS "${a_LINKS}")
  set_property(GLOBAL APPEND PROPERTY EDGEPOST_PARTS ${name})
endfunction()

# edgepost_embed_sql(target files…): makes <folder>/sql.hpp, in which sql/0001_initial.sql is the
# string_view edgepost::<folder>::sql::file_0001_initial; sql::files lists all in the order given.
function(edgepost_embed_sql target)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  set(header ${PROJECT_BINARY_DIR}/generated/${folder}/sql.hpp)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed_sql.cmake)
  add_custom_command(OUTPUT ${header} VERBATIM DEPENDS ${files} ${script} COMMENT "Embedding SQL"
    COMMAND ${CMAKE_COMMAND} -D "FILES=${files}" -D NAMESPACE=edgepost::${folder}::sql
      -D OUTPUT=${header} -P ${script})
  # A target of its own, because a command's output is known to its own directory only.
  add_custom_target(${target}_${folder}_sql DEPENDS ${header})
  add_dependencies(${target} ${target}_${folder}_sql)
  target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/generated)
endfunction()

# edgepost_example(name [LINKS targets…]): examples/<name>/main.cpp, built as example_<name> with
# core and what it names. It sees the public headers alone.
function(edgepost_example name)
  cmake_parse_arguments(a "" "" "LINKS" ${ARGN})
  add_executable(example_${name} ${name}/main.cpp)
  target_link_libraries(example_${name} PRIVATE edgepost::core ${a_LINKS} ${a_UNPARSED_ARGUMENTS})
  set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name})
endfunction()
