// SPDX-License-Identifier: BSD-3-Clause
// A program that finds Treadle as anybody's would.
#include <cstdio>
#include <vector>

#include <treadle/treadle.hpp>

int main()
{
    const std::vector<double> x{1, 2, 3}, y{10, 20, 30};
    std::vector<double> out(3);
    const treadle::used used = treadle::add(x, y, out);
    std::printf("%g %g %g by %s\n", out[0], out[1], out[2], used.backend);
    return 0;
}
