# Layers that are preloaded under the program, and the scripts that run it under them (labels: cli; `all` of each: slow).
add_library(collectives MODULE faults/collectives.c)
target_link_libraries(collectives PRIVATE MPI::MPI_C thalweg_settings)
add_executable(seeded faults/seeded.c)
target_link_libraries(seeded PRIVATE MPI::MPI_C thalweg_settings)

# add_faults(NAME ARGUMENT...): faults/NAME.sh as it is, and with the further argument `all` as faults/NAME-all, which is slow.
function(add_faults name)
  foreach(all "" all)
    set(test faults/${name})
    set(label cli)
    if(all)
      set(test ${test}-all)
      set(label "cli;slow")
    endif()
    add_test(NAME ${test} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/faults/${name}.sh $<TARGET_FILE:thalweg> ${CMAKE_SOURCE_DIR}
             ${ARGN} ${all})
    set_tests_properties(${test} PROPERTIES LABELS "${label}" TIMEOUT 900 PROCESSORS 2 SKIP_RETURN_CODE 77
      ENVIRONMENT "${mpi_environment}")
  endforeach()
endfunction()

add_faults(collectives $<TARGET_FILE:collectives> $<TARGET_FILE:seeded> $<TARGET_FILE:bad_files> $<TARGET_FILE_DIR:mpi_comm>)
set_tests_properties(faults/collectives-all PROPERTIES TIMEOUT 900)

add_library(mallocfail MODULE faults/mallocfail.c)
target_link_libraries(mallocfail PRIVATE thalweg_settings ${CMAKE_DL_LIBS})
target_compile_options(mallocfail PRIVATE -fno-builtin) # malloc is what it defines
add_faults(malloc $<TARGET_FILE:mallocfail>)
set_tests_properties(faults/malloc-all PROPERTIES TIMEOUT 3600)

# Builds of their own: sanitizers, valgrind, coverage. Not run where the tool is missing.
foreach(tool asan ubsan tsan valgrind)
  add_test(NAME faults/${tool} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/faults/sanitizers.sh ${CMAKE_SOURCE_DIR} ${tool})
  set_tests_properties(faults/${tool} PROPERTIES LABELS slow TIMEOUT 7200 PROCESSORS 4 SKIP_RETURN_CODE 77)
endforeach()
add_test(NAME faults/coverage COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/faults/coverage.sh ${CMAKE_SOURCE_DIR})
set_tests_properties(faults/coverage PROPERTIES LABELS slow TIMEOUT 7200 PROCESSORS 4 SKIP_RETURN_CODE 77)
add_test(NAME faults/mutants COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/faults/mutants.sh ${CMAKE_SOURCE_DIR})
set_tests_properties(faults/mutants PROPERTIES LABELS slow TIMEOUT 3600 PROCESSORS 4)
