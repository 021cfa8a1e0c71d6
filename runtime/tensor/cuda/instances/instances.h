// What launches.h declares: included last, by a file in which StreamLauncher can launch. The functions are
// not inline: a program has one such file.
#pragma once

#include "runtime/tensor/cuda/instances/elementwise.h"
#include "runtime/tensor/cuda/instances/images.h"
#include "runtime/tensor/cuda/instances/rows.h"
#include "runtime/tensor/cuda/instances/sequences.h"
