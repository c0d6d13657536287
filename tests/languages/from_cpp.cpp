// SPDX-License-Identifier: BSD-3-Clause
// libtreadle through treadle.hpp, as C++17 by every compiler there is.
#include <array>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <treadle/treadle.hpp>

static void check(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "%s: does not hold\n", what);
        std::exit(1);
    }
}

template <class Call> static treadle::error refused(Call call)
{
    try {
        call();
    } catch (const treadle::error &error) {
        return error;
    }
    std::fprintf(stderr, "a wrong call was not refused\n");
    std::exit(1);
}

// As much of std::mdspan as the header asks for; strides in elements.
template <class T> struct grid {
    T *first;
    std::size_t rows, columns;
    std::ptrdiff_t down, right;

    static constexpr std::size_t rank()
    {
        return 2;
    }
    std::size_t extent(std::size_t axis) const
    {
        return axis ? columns : rows;
    }
    std::ptrdiff_t stride(std::size_t axis) const
    {
        return axis ? right : down;
    }
    T *data_handle() const
    {
        return first;
    }
};

static void containers()
{
    const std::vector<double> x{1, 2, 3};
    const std::array<double, 3> y{10, 20, 30};
    double out[3] = {};
    const treadle::used used = treadle::add(x, y, out);
    check(out[0] == 11 && out[1] == 22 && out[2] == 33, "add of a vector and an array");
    check(used.threads == 1 && std::strlen(used.backend) > 0, "who ran");

    std::vector<std::int32_t> whole{7, -8, 9};
    treadle::negative(whole, whole);
    check(whole == std::vector<std::int32_t>{-7, 8, -9}, "negative in place");
    std::vector<float> third(3);
    treadle::divide(std::vector<float>{1, 2, 3}, 3.0f, third);
    check(third[1] == 2.0f / 3.0f, "one number is broadcast");

    const std::vector<std::complex<double>> turn{{0, 1}, {2, 0}};
    std::complex<double> product;
    treadle::dot(turn, turn, product);
    check(product == 3.0, "dot of complex numbers");
    const bool truth[2][2] = {{true, false}, {false, true}};
    bool copied[2][2] = {};
    treadle::copy(truth, copied);
    check(!std::memcmp(truth, copied, sizeof(truth)), "copy of bool");
}

static void strided_views()
{
    const double x[] = {1, 2, 3, 4, 5, 6};
    std::vector<double> out(3);
    treadle::add(treadle::view(x + 5, {3}, {-16}), treadle::view(x, {3}), out);
    check(out == std::vector<double>{7, 6, 5}, "backwards, every other one");
    treadle::sum(treadle::view(x, {2, 3}), {0}, out);
    check(out == std::vector<double>{5, 7, 9}, "sum of axis 0");
    treadle::sum(treadle::view(x, {2, 3}).transposed(), {-1}, out);
    check(out == std::vector<double>{5, 7, 9}, "sum of the last axis, transposed");

    double product[2][2];
    const grid<const double> left{x, 2, 3, 3, 1};
    const auto right = treadle::view(x, {2, 3}).transposed();
    treadle::matmul(left, right, product);
    check(product[0][0] == 14 && product[0][1] == 32 && product[1][1] == 77, "matmul of mdspans");
    treadle::run("matmul", 2, 0, left, right, product);
    check(product[0][1] == 32, "run");
}

static bool usable(const char *name)
{
    for (const treadle::backend_info &backend : treadle::backends())
        if (backend.name == std::string(name) && !*backend.reason)
            return true;
    return false;
}

static void linear_algebra()
{
    if (!usable("blis"))
        return;
    const double square[2][2] = {{3, 0}, {4, 5}};
    double s[2], u[2][2], v[2][2];
    treadle::run("svd", 1, TREADLE_FULL_MATRICES, square, u, s, v);
    check(std::abs(s[0] * s[1] - 15) < 1e-12 && s[0] > s[1], "svd");
}

static void returned_values()
{
    const std::vector<double> x{4, 1, 9};
    check(treadle::sum(x) == 14 && treadle::prod(x) == 36, "sum, prod");
    check(treadle::min(x) == 1 && treadle::max(x) == 9, "min, max");
    const std::vector<std::int32_t> whole{1, 2};
    check(treadle::mean(whole) == 1.5, "the mean of integers is a double");
}

static void errors()
{
    std::vector<double> x(3), out(2, 7.0);
    const treadle::error shapes = refused([&] { treadle::add(x, x, out); });
    check(shapes.status() == TREADLE_E_INVALID && std::strlen(shapes.what()) > 20, "a sentence");
    std::printf("an error reads: %s\n", shapes.what());
    check(out[0] == 7.0, "nothing was written");
    const std::vector<double> fixed(3);
    const treadle::error constant = refused([&] { treadle::run("add", 2, 0, x, x, fixed); });
    check(constant.status() == TREADLE_E_INVALID, "an output of const elements");
    const treadle::error none = refused([&] { treadle::binary("org.test.none", x, x, x); });
    check(none.status() == TREADLE_E_UNSUPPORTED, "an op that nobody has");
    check(refused([] { treadle::set_backend("nonsense"); }).status() == TREADLE_E_INVALID,
          "a backend that is not there");
}

static void choosing()
{
    const std::vector<double> big(1'000'000, 1.0);
    std::vector<double> out(big.size());
    check(treadle::backends().at(0).name == std::string("serial"), "serial is always there");
    {
        treadle::thread_backend outer("auto");
        {
            treadle::thread_backend inner("serial");
            check(treadle::add(big, big, out).backend == std::string("serial"), "serial asked for");
        }
        check(treadle_get_backend() == std::string("auto"), "the outer choice is back");
    }
    check(out.front() == 2 && out.back() == 2, "a large add");
    const treadle::decision made = treadle::explain("add", 2, big, big, out);
    check(made.elements == 1e6 && std::strlen(made.reason) > 0, "explain");
}

int main()
{
    containers();
    strided_views();
    linear_algebra();
    returned_values();
    errors();
    choosing();
    std::printf("treadle %s works from C++\n", treadle_version());
    return 0;
}
