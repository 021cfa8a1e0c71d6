// What the processor that runs this program can do beyond what the program was compiled for.
#pragma once

namespace sterna {

// Whether it has AVX2 and FMA; false where the build is not for x86-64, which then has no code for them.
[[nodiscard]] bool has_avx2();

// Whether it has AVX-512 F, BW, DQ, VL and VBMI2 (Ice Lake and Zen 4, and later); false as above.
[[nodiscard]] bool has_avx512();

}  // namespace sterna
