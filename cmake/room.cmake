# A room of the house: one static library, named as its folder, that sees only what it links.
#
#   backsight_room(probes SOURCES address.cc craft.cc [NO_EXCEPTIONS] LINKS tl::expected)
#
# Includes are written from the root ("probes/ip/address.h"). Each room gets an include root of its own
# that holds links to the rooms it may include and to no other, so that a forbidden include does not
# compile. A room whose folder holds other rooms names its own HEADERS, and comes before those that
# include them.
function(backsight_room name)
  cmake_parse_arguments(ROOM "NO_EXCEPTIONS" "" "SOURCES;HEADERS;ROOMS;LINKS" ${ARGN})
  string(REPLACE "/" "_" target backsight_${name})
  add_library(${target} STATIC ${ROOM_SOURCES})
  set_target_properties(${target} PROPERTIES BACKSIGHT_HEADERS "${ROOM_HEADERS}")
  backsight_include_rooms(${target} ${name} ${ROOM_ROOMS})
  set(room_targets)
  foreach(room ${ROOM_ROOMS})
    string(REPLACE "/" "_" room_target backsight_${room})
    list(APPEND room_targets ${room_target})
  endforeach()
  target_link_libraries(${target} PUBLIC ${room_targets} ${ROOM_LINKS})
  backsight_compile_options(${target})
  if(ROOM_NO_EXCEPTIONS)
    target_compile_options(${target} PRIVATE -fno-exceptions -fno-rtti)
  endif()
endfunction()

# Lets `target` include the headers of these rooms and of no other.
function(backsight_include_rooms target)
  set(root ${CMAKE_BINARY_DIR}/include/${target})
  file(REMOVE_RECURSE ${root})
  foreach(room ${ARGN})
    set(links ${room})
    string(REPLACE "/" "_" room_target backsight_${room})
    if(TARGET ${room_target})
      get_target_property(headers ${room_target} BACKSIGHT_HEADERS)
      if(headers)
        list(TRANSFORM headers PREPEND ${room}/ OUTPUT_VARIABLE links)
      endif()
    endif()
    foreach(link ${links})
      get_filename_component(parent ${root}/${link} DIRECTORY)
      file(MAKE_DIRECTORY ${parent})
      file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${link} ${root}/${link} SYMBOLIC)
    endforeach()
  endforeach()
  target_include_directories(${target} BEFORE PRIVATE ${root})
endfunction()

function(backsight_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                           -Wmissing-declarations)
  if(BACKSIGHT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(BACKSIGHT_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${BACKSIGHT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
      # GCC 12 sees overflows in its own instrumented containers.
      $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>)
    target_link_options(${target} PUBLIC -fsanitize=${BACKSIGHT_SANITIZE})
  endif()
endfunction()

# Code that only wires things together, tests above all: where the rooms it calls are instrumented in
# full, checking it for undefined behaviour would triple its build time.
function(backsight_instrument_lightly target)
  if(BACKSIGHT_SANITIZE)
    target_compile_options(${target} PRIVATE -O0 -fno-sanitize=undefined)
  endif()
endfunction()

# A program: backsight_program(backsight-vp SOURCES main.cc ROOMS engine/control config ...)
function(backsight_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;ROOMS;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  backsight_include_rooms(${name} ${PROGRAM_ROOMS})
  foreach(room ${PROGRAM_ROOMS})
    string(REPLACE "/" "_" room_target backsight_${room})
    # A folder of headers beside the program's own sources is no target.
    if(TARGET ${room_target})
      target_link_libraries(${name} PRIVATE ${room_target})
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE ${PROGRAM_LINKS})
  backsight_compile_options(${name})
endfunction()
