# Completions and man page, written by the program that was built: of its flags, whatever they are.
set(documents ${CMAKE_CURRENT_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${documents})

# sterna_add_document(<file> <argument>...): what `sterna ARGUMENT...` prints
function(sterna_add_document file)
  add_custom_command(OUTPUT ${documents}/${file}
    COMMAND sterna ${ARGN} > ${file}.part
    COMMAND ${CMAKE_COMMAND} -E rename ${file}.part ${file}
    WORKING_DIRECTORY ${documents}
    DEPENDS sterna
    VERBATIM)
endfunction()

string(TIMESTAMP today "%Y-%m-%d" UTC)  # or of SOURCE_DATE_EPOCH, where it is set
sterna_add_document(sterna.bash completion bash)
sterna_add_document(_sterna completion zsh)
sterna_add_document(sterna.fish completion fish)
sterna_add_document(sterna.1 manual ${today})
add_custom_target(sterna_documents ALL
  DEPENDS ${documents}/sterna.bash ${documents}/_sterna ${documents}/sterna.fish ${documents}/sterna.1)
