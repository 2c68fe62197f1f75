# How our own code is compiled. Nothing of a third party is compiled in this tree, so the flags are
# the directory's, not each target's.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

add_compile_options(-fno-exceptions -fno-rtti -ffunction-sections -fdata-sections
  -fstack-protector-strong -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_link_options(-Wl,--gc-sections -Wl,-z,relro -Wl,-z,now)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  add_compile_definitions(_FILE_OFFSET_BITS=64 _TIME_BITS=64)   # past 2038 and 2 GiB
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2
  -Wno-missing-field-initializers)      # designated initialisers leave fields out on purpose
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-psabi)       # about a change of GCC 7 that nobody here links across
  if(CMAKE_UNITY_BUILD)
    add_compile_options(-Wno-subobject-linkage)   # takes the sources of a unity for headers
  endif()
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    add_compile_options(-Wno-restrict)  # false alarms in std::string (GCC bug 105329)
  endif()
endif()
if(EDGEPOST_WERROR)
  add_compile_options(-Werror)
endif()

if(EDGEPOST_SANITIZE)
  add_compile_options(-fsanitize=${EDGEPOST_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1 -g1)    # a report needs lines, not types
  add_link_options(-fsanitize=${EDGEPOST_SANITIZE})
else()
  # It needs an optimised build; some distributions' compilers define it themselves.
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  add_compile_options($<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
endif()
