# 32-bit ARMv7, hard float, glibc: Debian's cross compiler, or any toolchain of the same prefix.
# A vendor's SDK: copy this file, change the prefix and CMAKE_FIND_ROOT_PATH.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(prefix arm-linux-gnueabihf)
set(CMAKE_C_COMPILER ${prefix}-gcc)
set(CMAKE_CXX_COMPILER ${prefix}-g++)
set(CMAKE_AR ${prefix}-gcc-ar)          # the gcc- wrappers understand LTO objects
set(CMAKE_RANLIB ${prefix}-gcc-ranlib)
set(CMAKE_FIND_ROOT_PATH /usr/${prefix})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# With QEMU's user emulator ctest runs the target's programs on this machine.
find_program(EDGEPOST_QEMU NAMES qemu-arm-static qemu-arm)
if(EDGEPOST_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${EDGEPOST_QEMU};-L;${CMAKE_FIND_ROOT_PATH}")
endif()
