# Run by cpack on the files of the package, before it packs them: what Debian wants to have elsewhere, or packed.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX})
set(doc ${usr}/share/doc/${CPACK_PACKAGE_NAME})

# The licence stands in `copyright`, which points to Debian's copy.
file(REMOVE ${doc}/LICENSE)
file(MAKE_DIRECTORY ${usr}/share/zsh/vendor-completions)
file(RENAME ${usr}/share/zsh/site-functions/_sterna ${usr}/share/zsh/vendor-completions/_sterna)
file(REMOVE_RECURSE ${usr}/share/zsh/site-functions)

file(MAKE_DIRECTORY ${usr}/share/lintian/overrides)
file(COPY_FILE ${CMAKE_CURRENT_LIST_DIR}/lintian-overrides ${usr}/share/lintian/overrides/sterna)

file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
file(WRITE ${doc}/changelog.Debian
"${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) bookworm; urgency=medium

  * Packed by cpack; /usr/share/doc/${CPACK_PACKAGE_NAME}/changelog.gz has what changed.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9n ${doc}/changelog ${doc}/changelog.Debian ${usr}/share/man/man1/sterna.1
  COMMAND_ERROR_IS_FATAL ANY)
