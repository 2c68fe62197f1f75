# Finds third-party libraries of the machine or sysroot, for EDGEPOST_DEPS=system; also installed,
# so that find_package(edgepost) finds the same ones. Versions are judged by compiling against the
# headers, which holds for cross builds too.
include(CheckCSourceCompiles)
find_package(PkgConfig QUIET)

# edgepost_system(name): makes edgepost::<name>, or says why not in EDGEPOST_WITHOUT_<name>.
macro(edgepost_system name)
  cmake_language(CALL edgepost_find_${name})
  if(NOT TARGET edgepost::${name})
    set(EDGEPOST_WITHOUT_${name}
      "${why}; use -DEDGEPOST_DEPS=bundled, or -DEDGEPOST_DEPS_${name}=bundled for it alone")
  endif()
endmacro()

# An interface target around what was found.
function(edgepost_found name)
  add_library(edgepost::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(edgepost::${name} INTERFACE ${ARGN} Threads::Threads)
endfunction()

# Sets `result` in the caller to whether `condition` holds after including `header`.
function(edgepost_header_says result libraries header condition)
  set(CMAKE_REQUIRED_LIBRARIES ${libraries})
  set(CMAKE_REQUIRED_QUIET TRUE)
  check_c_source_compiles("#include <${header}>
    #if !(${condition})
    #error it does not
    #endif
    int main(void) { return 0; }" ${result})
  set(${result} ${${result}} PARENT_SCOPE)
endfunction()

function(edgepost_find_sqlite3)
  find_package(SQLite3 QUIET)
  if(NOT SQLite3_FOUND)
    set(why "the system has no SQLite" PARENT_SCOPE)
    return()
  endif()
  edgepost_header_says(EDGEPOST_SQLITE3_FITS SQLite::SQLite3 sqlite3.h
    "SQLITE_VERSION_NUMBER >= 3040000")
  if(EDGEPOST_SQLITE3_FITS)
    edgepost_found(sqlite3 SQLite::SQLite3)
  else()
    set(why "the system's SQLite is ${SQLite3_VERSION}, edgepost needs 3.40" PARENT_SCOPE)
  endif()
endfunction()

function(edgepost_find_mosquitto)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(EDGEPOST_MOSQUITTO QUIET IMPORTED_TARGET GLOBAL libmosquitto)
  endif()
  if(NOT TARGET PkgConfig::EDGEPOST_MOSQUITTO)
    set(why "pkg-config knows no libmosquitto" PARENT_SCOPE)
    return()
  endif()
  edgepost_header_says(EDGEPOST_MOSQUITTO_FITS PkgConfig::EDGEPOST_MOSQUITTO mosquitto.h
    "LIBMOSQUITTO_MAJOR >= 2")
  if(EDGEPOST_MOSQUITTO_FITS)
    edgepost_found(mosquitto PkgConfig::EDGEPOST_MOSQUITTO)
  else()
    set(why "the system's libmosquitto is ${EDGEPOST_MOSQUITTO_VERSION}, edgepost needs 2.0"
      PARENT_SCOPE)
  endif()
endfunction()

function(edgepost_find_mbedtls)
  find_path(EDGEPOST_MBEDTLS_INCLUDE mbedtls/ssl.h)
  foreach(library mbedtls mbedx509 mbedcrypto)
    find_library(EDGEPOST_LIBRARY_${library} ${library})
    list(APPEND libraries ${EDGEPOST_LIBRARY_${library}})
  endforeach()
  if(NOT EDGEPOST_MBEDTLS_INCLUDE OR NOT EDGEPOST_LIBRARY_mbedcrypto)
    set(why "the system has no Mbed TLS" PARENT_SCOPE)
    return()
  endif()
  set(CMAKE_REQUIRED_INCLUDES ${EDGEPOST_MBEDTLS_INCLUDE})
  edgepost_header_says(EDGEPOST_MBEDTLS_FITS "" mbedtls/version.h
    "MBEDTLS_VERSION_NUMBER >= 0x03060000 && MBEDTLS_VERSION_NUMBER < 0x04000000")
  edgepost_header_says(EDGEPOST_MBEDTLS_HAS_13 "" mbedtls/ssl.h
    "defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_THREADING_C)")
  if(EDGEPOST_MBEDTLS_FITS AND EDGEPOST_MBEDTLS_HAS_13)
    edgepost_found(mbedtls ${libraries})
    target_include_directories(edgepost::mbedtls SYSTEM INTERFACE ${EDGEPOST_MBEDTLS_INCLUDE})
  elseif(EDGEPOST_MBEDTLS_FITS)
    set(why "the system's Mbed TLS 3.6 was built without TLS 1.3 or threading" PARENT_SCOPE)
  else()
    file(GLOB headers ${EDGEPOST_MBEDTLS_INCLUDE}/mbedtls/version.h
      ${EDGEPOST_MBEDTLS_INCLUDE}/mbedtls/build_info.h)
    foreach(header IN LISTS headers)
      file(STRINGS ${header} lines REGEX "define MBEDTLS_VERSION_STRING ")
      string(REGEX REPLACE "[^0-9.]" "" found "${found}${lines}")
    endforeach()
    set(why "the system's Mbed TLS is ${found}, edgepost needs 3.6 with TLS 1.3" PARENT_SCOPE)
  endif()
endfunction()

# A library known by its header: the version stands in a line that must match `pattern`.
function(edgepost_find_by_header name header library pattern needs)
  string(TOUPPER EDGEPOST_${name} prefix)
  find_path(${prefix}_INCLUDE ${header} PATH_SUFFIXES ${name})
  find_library(${prefix}_LIBRARY ${library})
  if(NOT ${prefix}_INCLUDE)
    set(why "the system has no ${header}" PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${${prefix}_INCLUDE}/${header} fitting REGEX "${pattern}")
  if(NOT fitting)
    set(why "the system's ${header} is too old, edgepost needs ${needs}" PARENT_SCOPE)
    return()
  endif()
  edgepost_found(${name})
  target_include_directories(edgepost::${name} SYSTEM INTERFACE ${${prefix}_INCLUDE})
  if(${prefix}_LIBRARY)
    target_link_libraries(edgepost::${name} INTERFACE ${${prefix}_LIBRARY})
  endif()
endfunction()

macro(edgepost_find_yyjson)
  edgepost_find_by_header(yyjson yyjson.h yyjson
    "define YYJSON_VERSION_STRING +\"(0\\.([89]|[1-9][0-9])|[1-9])" 0.8)
endmacro()

macro(edgepost_find_httplib)
  edgepost_find_by_header(httplib httplib.h cpp-httplib
    "define CPPHTTPLIB_VERSION +\"(0\\.(3[1-9]|[4-9][0-9])|[1-9])" 0.31)
  if(TARGET edgepost::httplib)
    target_compile_definitions(edgepost::httplib INTERFACE ${EDGEPOST_HTTPLIB_DEFINITIONS})
  endif()
endmacro()

macro(edgepost_find_doctest)
  edgepost_find_by_header(doctest doctest.h doctest "define DOCTEST_VERSION_STR " 2.4)
endmacro()
