// What marks the names that the installed library exports: everything else in it is hidden.
#pragma once

#define STERNA_API __attribute__((visibility("default")))
