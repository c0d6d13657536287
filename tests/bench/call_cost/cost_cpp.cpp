// SPDX-License-Identifier: BSD-3-Clause
// Nanoseconds of one tiny call through treadle.hpp.
#include <chrono>
#include <cstdio>
#include <vector>

#include <treadle/treadle.hpp>

int main()
{
    constexpr int calls = 300000;
    std::vector<double> x(8), y(8), out(8);
    treadle::add(x, y, out);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; i++)
        treadle::add(x, y, out);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    std::printf("%.2f\n", spent.count() / calls);
}
