# The third-party libraries, as the targets edgepost::sqlite3, mosquitto, yyjson, mbedtls, httplib
# and doctest (also edgepost_sqlite3 and so on).
#   EDGEPOST_DEPS=bundled   pinned sources, built once into the user's cache (the default)
#   EDGEPOST_DEPS=system    what the machine or sysroot has: Yocto, Buildroot, distributions
#   EDGEPOST_DEPS_yyjson=…  the same for one of them
set(EDGEPOST_DEPS bundled CACHE STRING "where the third-party libraries come from")
set_property(CACHE EDGEPOST_DEPS PROPERTY STRINGS bundled system)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# What every program that includes httplib.h must see.
set(EDGEPOST_HTTPLIB_DEFINITIONS
  CPPHTTPLIB_NO_EXCEPTIONS
  CPPHTTPLIB_SEND_FLAGS=MSG_NOSIGNAL            # else a peer that closes kills the process
  CPPHTTPLIB_TCP_NODELAY=true                   # else ~45 ms a request: Nagle and delayed ACK
  CPPHTTPLIB_EXPECT_100_THRESHOLD=0x7fffffff    # else a POST over 1 KiB can wait a second
  CPPHTTPLIB_THREAD_POOL_COUNT=2)

# Builds the archives unless the cache has them; sets EDGEPOST_DEPS_PREFIX to their install tree.
function(edgepost_build_dependencies)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(cache $ENV{XDG_CACHE_HOME}/edgepost)
  else()
    set(cache $ENV{HOME}/.cache/edgepost)
  endif()
  set(optimise -O2)
  if(CMAKE_BUILD_TYPE STREQUAL "MinSizeRel")
    set(optimise -Os)
  endif()
  set(folder ${PROJECT_SOURCE_DIR}/cmake/dependencies)
  file(SHA256 ${folder}/dependencies.lock lock)
  file(SHA256 ${folder}/CMakeLists.txt recipe)
  file(SHA256 ${folder}/edgepost_mbedtls_config.h mbedtls)
  string(SHA256 key "${lock} ${recipe} ${mbedtls} ${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_ID}\
    ${CMAKE_C_COMPILER_VERSION} ${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_SYSROOT} ${CMAKE_C_FLAGS}\
    ${optimise} ${EDGEPOST_SANITIZE}")
  string(SUBSTRING ${key} 0 16 key)
  string(SUBSTRING ${lock} 0 16 lock)
  set(name ${CMAKE_SYSTEM_PROCESSOR}-${CMAKE_C_COMPILER_ID}-${key})
  set(prefix ${cache}/${name})
  set(EDGEPOST_DEPS_PREFIX ${prefix} PARENT_SCOPE)

  file(LOCK ${cache}/${name}.lock GUARD FUNCTION TIMEOUT 1800)
  if(EXISTS ${prefix})
    return()
  endif()
  message(STATUS "edgepost: building the third-party libraries, once, into ${prefix}")
  file(LOCK ${cache}/sources.lock GUARD FUNCTION TIMEOUT 1800)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/cmake/dependencies/fetch ${cache}/sources-${lock}
    COMMAND_ERROR_IS_FATAL ANY)
  file(LOCK ${cache}/sources.lock RELEASE)
  if(EXISTS ${cache}/sources-${lock}/floated)
    message(WARNING "edgepost: not the pinned sources; see ${cache}/sources-${lock}/floated")
  endif()

  set(work ${prefix}.work)
  file(REMOVE_RECURSE ${work})
  set(arguments -DSOURCES=${cache}/sources-${lock} -DSANITIZE=${EDGEPOST_SANITIZE}
    -DOPTIMISE=${optimise} -DCMAKE_INSTALL_PREFIX=${work}/install -DCMAKE_INSTALL_MESSAGE=NEVER)
  if(CMAKE_TOOLCHAIN_FILE)
    list(APPEND arguments -DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE})
  else()
    list(APPEND arguments -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER})
  endif()
  foreach(variable CMAKE_C_FLAGS CMAKE_SYSROOT CMAKE_C_COMPILER_LAUNCHER CMAKE_MAKE_PROGRAM)
    if(${variable})
      list(APPEND arguments "-D${variable}=${${variable}}")
    endif()
  endforeach()
  execute_process(OUTPUT_QUIET COMMAND ${CMAKE_COMMAND} -G ${CMAKE_GENERATOR} -S ${folder}
    -B ${work} ${arguments} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${work} --target install --parallel 2
    OUTPUT_FILE ${work}.log ERROR_FILE ${work}.log RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "edgepost: the third-party libraries do not build; see ${work}.log")
  endif()
  file(RENAME ${work}/install ${prefix})   # whole or not at all
  file(REMOVE_RECURSE ${work} ${work}.log)
endfunction()

# A target edgepost::<name> for what the cache holds.
function(edgepost_bundled name)
  set(archive ${EDGEPOST_DEPS_PREFIX}/lib/libedgepost_${name}.a)
  if(EXISTS ${archive})
    add_library(edgepost::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(edgepost::${name} PROPERTIES IMPORTED_LOCATION ${archive})
  else()
    add_library(edgepost::${name} INTERFACE IMPORTED GLOBAL)
  endif()
  set(definitions_mosquitto LIBMOSQUITTO_STATIC)
  set(definitions_mbedtls "MBEDTLS_CONFIG_FILE=\"edgepost_mbedtls_config.h\"")
  set(definitions_httplib ${EDGEPOST_HTTPLIB_DEFINITIONS})
  target_compile_definitions(edgepost::${name} INTERFACE ${definitions_${name}})
  target_include_directories(edgepost::${name} INTERFACE ${EDGEPOST_DEPS_PREFIX}/include/${name})
  target_link_libraries(edgepost::${name} INTERFACE Threads::Threads)
endfunction()

set(EDGEPOST_DEPS_PREFIX "")
include(${CMAKE_CURRENT_LIST_DIR}/dependencies-system.cmake)
foreach(name sqlite3 mosquitto yyjson mbedtls httplib doctest)
  set(origin_${name} ${EDGEPOST_DEPS})
  if(DEFINED EDGEPOST_DEPS_${name})
    set(origin_${name} ${EDGEPOST_DEPS_${name}})
  endif()
  if(origin_${name} STREQUAL "bundled")
    if(NOT EDGEPOST_DEPS_PREFIX)
      edgepost_build_dependencies()
    endif()
    edgepost_bundled(${name})
  elseif(origin_${name} STREQUAL "system")
    edgepost_system(${name})
  else()
    message(FATAL_ERROR "EDGEPOST_DEPS is '${origin_${name}}'; it must be bundled or system")
  endif()
  if(TARGET edgepost::${name})
    add_library(edgepost_${name} ALIAS edgepost::${name})
    message(STATUS "edgepost: ${name}: ${origin_${name}}")
  else()
    message(STATUS "edgepost: no ${name}: ${EDGEPOST_WITHOUT_${name}}")
  endif()
endforeach()

# edgepost_need(targets…): stops where one of edgepost's third-party libraries is missing.
function(edgepost_need)
  foreach(target ${ARGN})
    string(REPLACE "edgepost::" "" name ${target})
    if(EDGEPOST_WITHOUT_${name} AND NOT TARGET ${target})
      message(FATAL_ERROR "edgepost: ${EDGEPOST_WITHOUT_${name}}")
    endif()
  endforeach()
endfunction()
