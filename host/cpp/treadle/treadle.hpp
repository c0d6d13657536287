/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TREADLE_HPP
#define TREADLE_TREADLE_HPP

/**
 * libtreadle for C++17: the calls of <treadle/treadle.h> on views, vectors, arrays, spans and
 * mdspans, with exceptions. Nothing is copied and nothing allocated on the way of a call.
 *
 * An operand is one of
 *   - treadle::view: a pointer, a shape, and strides in bytes;
 *   - std::mdspan or its like: rank(), extent(i), stride(i), and data_handle() or data();
 *   - what has std::data() and std::size(): std::vector, std::array, std::span; one axis;
 *   - a built-in array of any rank;
 *   - one number, which has no axes.
 * Elements are bool, integers, float, double, and std::complex of the last two. A view of const
 * elements is refused as an output by the compiler. What the library refuses is thrown as
 * treadle::error with the library's sentence. Thread safety is that of treadle.h.
 */

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <treadle/treadle.h>

namespace treadle
{

/** Who served a call: backend, variant, threads, fallbacks. */
using used = ::treadle_used;
using decision = ::treadle_decision;
using backend_info = struct ::treadle_backend_info;

/** A call failed; what() names the argument or variable and what is allowed. */
class error : public std::runtime_error
{
  public:
    error(std::int32_t status, const char *sentence) : std::runtime_error(sentence), status_(status)
    {
    }

    /** TREADLE_E_... of <treadle/status.h> */
    std::int32_t status() const noexcept
    {
        return status_;
    }

  private:
    std::int32_t status_;
};

namespace detail
{

inline void check(std::int32_t status)
{
    if (status != TREADLE_OK)
        throw error(status, ::treadle_last_error());
}

template <class T> inline constexpr bool is_complex = false;
template <class T> inline constexpr bool is_complex<std::complex<T>> = true;

template <class T>
inline constexpr bool
    is_element = (std::is_integral_v<T> && sizeof(T) <= 8) || std::is_same_v<T, float> ||
                 std::is_same_v<T, double> || std::is_same_v<T, std::complex<float>> ||
                 std::is_same_v<T, std::complex<double>>;

template <class T> constexpr ::treadle_dtype dtype_of()
{
    static_assert(is_element<T>, "elements are bool, integers, float, double, and std::complex");
    constexpr std::uint8_t bits = 8 * sizeof(T);
    if constexpr (std::is_same_v<T, bool>)
        return {TREADLE_BOOL, bits, 1};
    else if constexpr (std::is_integral_v<T>)
        return {std::is_signed_v<T> ? TREADLE_INT : TREADLE_UINT, bits, 1};
    else
        return {is_complex<T> ? TREADLE_COMPLEX : TREADLE_FLOAT, bits, 1};
}

} // namespace detail

/**
 * A strided array in somebody else's memory. T is the element, const if it must not be written.
 *
 *     treadle::view(pointer, {rows, columns})                       C order
 *     treadle::view(pointer, {rows, columns}, {8, 8 * rows})        strides in bytes
 */
template <class T, std::size_t Rank> class view
{
    static_assert(Rank <= TREADLE_NDIM_MAX, "an array has up to 64 axes");

  public:
    using extents = std::array<std::int64_t, Rank>;

    /** `data` is the element with all indices zero; strides may be zero or negative. */
    constexpr view(T *data, const extents &shape, const extents &byte_strides) noexcept
        : data_(data), shape_(shape), strides_(byte_strides)
    {
    }

    constexpr view(T *data, const extents &shape) noexcept : data_(data), shape_(shape), strides_{}
    {
        std::int64_t stride = sizeof(T);
        for (std::size_t axis = Rank; axis-- > 0; stride *= shape[axis])
            strides_[axis] = stride;
    }

    template <class Shape, std::size_t N>
    constexpr view(T *data, const Shape (&shape)[N]) noexcept : view(data, wide(shape))
    {
    }

    template <class Shape, class Stride, std::size_t N, std::size_t M>
    constexpr view(T *data, const Shape (&shape)[N], const Stride (&byte_strides)[M]) noexcept
        : view(data, wide(shape), wide(byte_strides))
    {
    }

    constexpr operator view<const T, Rank>() const noexcept
    {
        return {data_, shape_, strides_};
    }

    constexpr T *data() const noexcept
    {
        return data_;
    }

    constexpr const extents &shape() const noexcept
    {
        return shape_;
    }

    constexpr const extents &byte_strides() const noexcept
    {
        return strides_;
    }

    /** The axes in reverse order. */
    constexpr view transposed() const noexcept
    {
        view other = *this;
        for (std::size_t axis = 0; axis < Rank; axis++) {
            other.shape_[axis] = shape_[Rank - 1 - axis];
            other.strides_[axis] = strides_[Rank - 1 - axis];
        }
        return other;
    }

  private:
    template <class Number, std::size_t N>
    static constexpr extents wide(const Number (&numbers)[N]) noexcept
    {
        static_assert(std::is_integral_v<Number>, "extents and strides are integers");
        static_assert(N == Rank, "a view has one extent and one stride for each axis");
        extents result{};
        for (std::size_t axis = 0; axis < Rank; axis++)
            result[axis] = static_cast<std::int64_t>(numbers[axis]);
        return result;
    }

    T *data_;
    extents shape_, strides_;
};

template <class T, class Shape, std::size_t Rank> view(T *, const Shape (&)[Rank]) -> view<T, Rank>;
template <class T, class Shape, class Stride, std::size_t Rank>
view(T *, const Shape (&)[Rank], const Stride (&)[Rank]) -> view<T, Rank>;

namespace detail
{

template <class X, class = void> inline constexpr bool is_mdspan = false;
template <class X>
inline constexpr bool
    is_mdspan<X, std::void_t<decltype(std::declval<const X &>().extent(0)),
                             decltype(std::declval<const X &>().stride(0)), decltype(X::rank())>> =
        true;

template <class X, class = void> inline constexpr bool has_handle = false;
template <class X>
inline constexpr bool has_handle<X, std::void_t<decltype(std::declval<X &>().data_handle())>> =
    true;

template <class X> constexpr auto data_of_mdspan(X &x)
{
    if constexpr (has_handle<X>)
        return x.data_handle();
    else
        return x.data();
}

template <class X> constexpr auto view_of_mdspan(X &x)
{
    constexpr std::size_t rank = std::remove_const_t<X>::rank();
    auto *data = data_of_mdspan(x);
    std::array<std::int64_t, rank> shape{}, strides{};
    for (std::size_t axis = 0; axis < rank; axis++) {
        shape[axis] = static_cast<std::int64_t>(x.extent(axis));
        strides[axis] = static_cast<std::int64_t>(x.stride(axis)) * std::int64_t{sizeof(*data)};
    }
    return view<std::remove_pointer_t<decltype(data)>, rank>(data, shape, strides);
}

template <class Array, std::size_t... Axes>
constexpr auto view_of_built_in(Array &x, std::index_sequence<Axes...>)
{
    using element = std::remove_all_extents_t<Array>;
    const std::array<std::int64_t, sizeof...(Axes)> shape{std::extent_v<Array, Axes>...};
    return view<element, sizeof...(Axes)>(reinterpret_cast<element *>(&x), shape);
}

template <class T, std::size_t Rank> constexpr view<T, Rank> as_view(const view<T, Rank> &x)
{
    return x;
}

template <class X> constexpr auto as_view(X &x)
{
    if constexpr (is_element<std::remove_const_t<X>>) {
        return view<X, 0>(&x, {});
    } else if constexpr (is_mdspan<X>) {
        return view_of_mdspan(x);
    } else if constexpr (std::is_array_v<X>) {
        return view_of_built_in(x, std::make_index_sequence<std::rank_v<X>>{});
    } else {
        auto *data = std::data(x);
        return view<std::remove_pointer_t<decltype(data)>, 1>(
            data, {static_cast<std::int64_t>(std::size(x))});
    }
}

/* Points into `x`, which must live as long. Inputs are not marked as read-only: that is for what
 * may turn out to be an output, and would take a tiny call off the library's shortest way. */
template <class T, std::size_t Rank>::treadle_array describe(const view<T, Rank> &x) noexcept
{
    using element = std::remove_const_t<T>;
    return {const_cast<element *>(x.data()),
            x.shape().data(),
            x.byte_strides().data(),
            static_cast<std::int32_t>(Rank),
            0,
            dtype_of<element>(),
            sizeof(T),
            {0, 0, 0}};
}

template <class T, std::size_t Rank>::treadle_array describe_output(const view<T, Rank> &x)
{
    static_assert(!std::is_const_v<T>, "an output must not have const elements");
    return describe(x);
}

template <class T, std::size_t Rank>::treadle_array describe_either(const view<T, Rank> &x)
{
    ::treadle_array array = describe(x);
    array.flags = std::is_const_v<T> ? std::uint32_t{TREADLE_READONLY} : 0;
    return array;
}

template <class X>
using element_of =
    std::remove_const_t<std::remove_pointer_t<decltype(as_view(std::declval<const X &>()).data())>>;

} // namespace detail

/* ---- calls ---------------------------------------------------------------------------------- */

/** out = op(x); see treadle_unary(). */
template <class X, class Out> used unary(const char *op, const X &x, Out &&out)
{
    const auto x_view = detail::as_view(x);
    const auto out_view = detail::as_view(out);
    const ::treadle_array in = detail::describe(x_view), to = detail::describe_output(out_view);
    used who;
    detail::check(::treadle_unary(op, &in, &to, &who));
    return who;
}

/** out = op(x1, x2); see treadle_binary(). */
template <class X1, class X2, class Out>
used binary(const char *op, const X1 &x1, const X2 &x2, Out &&out)
{
    const auto x1_view = detail::as_view(x1);
    const auto x2_view = detail::as_view(x2);
    const auto out_view = detail::as_view(out);
    const ::treadle_array first = detail::describe(x1_view), second = detail::describe(x2_view),
                          to = detail::describe_output(out_view);
    used who;
    detail::check(::treadle_binary(op, &first, &second, &to, &who));
    return who;
}

/** out = op(x) over some axes, negative ones counting from the end; see treadle_reduce(). */
template <class X, class Out>
used reduce(const char *op, const X &x, std::initializer_list<std::int32_t> axes, Out &&out)
{
    const auto x_view = detail::as_view(x);
    const auto out_view = detail::as_view(out);
    const ::treadle_array in = detail::describe(x_view), to = detail::describe_output(out_view);
    used who;
    detail::check(
        ::treadle_reduce(op, &in, axes.begin(), static_cast<std::int32_t>(axes.size()), &to, &who));
    return who;
}

/** The same over all axes. */
template <class X, class Out> used reduce(const char *op, const X &x, Out &&out)
{
    const auto x_view = detail::as_view(x);
    const auto out_view = detail::as_view(out);
    const ::treadle_array in = detail::describe(x_view), to = detail::describe_output(out_view);
    used who;
    detail::check(::treadle_reduce(op, &in, nullptr, -1, &to, &who));
    return who;
}

/**
 * Any operation: `nin` inputs, then the outputs; see treadle_run().
 * @param flags  enum treadle_linalg_flags
 */
template <class... Operands>
used run(const char *op, std::uint32_t nin, std::uint32_t flags, Operands &&...operands)
{
    return std::apply(
        [&](const auto &...views) {
            const ::treadle_array args[] = {detail::describe_either(views)...};
            const ::treadle_linalg attrs = {sizeof(attrs), flags};
            used who;
            detail::check(
                ::treadle_run(op, args, sizeof...(views), nin, flags ? &attrs : nullptr, &who));
            return who;
        },
        std::make_tuple(detail::as_view(operands)...));
}

/** What would be done with a call, and why; see treadle_explain(). */
template <class... Operands>
decision explain(const char *op, std::uint32_t nin, Operands &&...operands)
{
    return std::apply(
        [&](const auto &...views) {
            const ::treadle_array args[] = {detail::describe_either(views)...};
            decision made;
            detail::check(::treadle_explain(op, args, sizeof...(views), nin, nullptr, 0, &made));
            return made;
        },
        std::make_tuple(detail::as_view(operands)...));
}

#define TREADLE_UNARY(name)                                                                        \
    template <class X, class Out> used name(const X &x, Out &&out)                                 \
    {                                                                                              \
        return unary(#name, x, out);                                                               \
    }
#define TREADLE_BINARY(name)                                                                       \
    template <class X1, class X2, class Out> used name(const X1 &x1, const X2 &x2, Out &&out)      \
    {                                                                                              \
        return binary(#name, x1, x2, out);                                                         \
    }
/* Into an output, over all axes or some; or returned. */
#define TREADLE_REDUCTION(name)                                                                    \
    template <class X, class Out> used name(const X &x, Out &&out)                                 \
    {                                                                                              \
        return reduce(#name, x, out);                                                              \
    }                                                                                              \
    template <class X, class Out>                                                                  \
    used name(const X &x, std::initializer_list<std::int32_t> axes, Out &&out)                     \
    {                                                                                              \
        return reduce(#name, x, axes, out);                                                        \
    }                                                                                              \
    template <class X> auto name(const X &x)                                                       \
    {                                                                                              \
        detail::result_of_##name<detail::element_of<X>> out{};                                     \
        reduce(#name, x, out);                                                                     \
        return out;                                                                                \
    }

namespace detail
{

template <class T> using result_of_sum = T;
template <class T> using result_of_prod = T;
template <class T> using result_of_min = T;
template <class T> using result_of_max = T;
template <class T> using result_of_mean = std::conditional_t<std::is_integral_v<T>, double, T>;

} // namespace detail

TREADLE_UNARY(negative)
TREADLE_UNARY(abs)
TREADLE_UNARY(sqrt)
TREADLE_UNARY(square)
TREADLE_UNARY(copy)
TREADLE_UNARY(cholesky)
TREADLE_UNARY(inv)
TREADLE_BINARY(add)
TREADLE_BINARY(subtract)
TREADLE_BINARY(multiply)
TREADLE_BINARY(divide)
TREADLE_BINARY(maximum)
TREADLE_BINARY(minimum)
TREADLE_BINARY(dot)
TREADLE_BINARY(matmul)
TREADLE_BINARY(solve)
TREADLE_REDUCTION(sum)
TREADLE_REDUCTION(prod)
TREADLE_REDUCTION(min)
TREADLE_REDUCTION(max)
TREADLE_REDUCTION(mean)

#undef TREADLE_UNARY
#undef TREADLE_BINARY
#undef TREADLE_REDUCTION

/* ---- choosing and looking ------------------------------------------------------------------- */

/** For all threads; see treadle_set_backend(). nullptr goes back to TREADLE_BACKEND. */
inline void set_backend(const char *spec)
{
    detail::check(::treadle_set_backend(spec));
}

/** Choose backends for this thread until the object dies; they nest. */
class thread_backend
{
  public:
    explicit thread_backend(std::string spec) : spec_(std::move(spec)), outer_(innermost)
    {
        detail::check(::treadle_set_thread_backend(spec_.c_str()));
        innermost = this;
    }

    ~thread_backend()
    {
        innermost = outer_;
        ::treadle_set_thread_backend(outer_ ? outer_->spec_.c_str() : nullptr);
    }

    thread_backend(const thread_backend &) = delete;
    thread_backend &operator=(const thread_backend &) = delete;

  private:
    std::string spec_;
    const thread_backend *outer_;
    inline static thread_local const thread_backend *innermost = nullptr;
};

/** Most threads a call may use; 0 goes back to the limits of environment and machine. */
inline void set_num_threads(std::int32_t threads)
{
    detail::check(::treadle_set_num_threads(threads));
}

/** Every plugin that was found; `reason` is "" for those that can be used. */
inline std::vector<backend_info> backends()
{
    std::vector<backend_info> all(::treadle_backend_count());
    for (std::uint32_t i = 0; i < all.size(); i++)
        detail::check(::treadle_backend_info(i, &all[i]));
    return all;
}

} // namespace treadle

#endif /* TREADLE_TREADLE_HPP */
