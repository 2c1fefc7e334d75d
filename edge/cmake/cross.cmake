# Builds for another CPU are one static program each, without symbols: copied to a board, it runs.  Before ncnn.cmake.
if(NOT CMAKE_CROSSCOMPILING)
  return()
endif()

add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-static -Wl,--gc-sections)
# Tables for exceptions, which nothing of this throws.
set(EDGEWRIGHT_NO_UNWINDING -fno-unwind-tables -fno-asynchronous-unwind-tables)

# Instructions that no Raspberry Pi has: fp16 widening products, bf16, int8 matrices, SVE.
foreach(option ARM82FP16FML ARM84BF16 ARM84I8MM ARM86SVE ARM86SVE2 ARM86SVEBF16 ARM86SVEI8MM ARM86SVEF32MM)
  set(NCNN_${option} OFF CACHE BOOL "" FORCE)
endforeach()

# Nor do the libraries of a GNU compiler need theirs.  On 32 bits they are of another kind, and small.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  add_link_options(-Wl,-T,${CMAKE_CURRENT_LIST_DIR}/no_unwinding.ld)
endif()

if(EDGEWRIGHT_PACK_LAYERS)
  set(NCNN_SIMPLEOMP ON CACHE BOOL "" FORCE)  # 150 kB less
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # CMake would take the shared library, which a static program cannot be linked with.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a
    OUTPUT_VARIABLE gomp OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(OpenMP_gomp_LIBRARY ${gomp} CACHE FILEPATH "" FORCE)
else()
  set(NCNN_SIMPLEOMP ON CACHE BOOL "" FORCE)  # clang's OpenMP library is not there for musl
  # zig adds what debuggers need unless told otherwise, and then clang writes its file's path beside every parallel loop.
  add_compile_options(-g0)
endif()
