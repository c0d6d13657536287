// SPDX-License-Identifier: BSD-3-Clause
// Treadle from C# by DllImport, here with mono: mcs -unsafe Hello.cs
// LD_LIBRARY_PATH=PREFIX/lib mono Hello.exe
using System;
using System.Linq;
using System.Runtime.InteropServices;

static unsafe class Hello
{
    const string Library = "libtreadle.so.0";
    const uint Float64 = 0x14002;

    [StructLayout(LayoutKind.Sequential)]
    struct Used
    {
        public IntPtr Backend, Variant;
        public uint Threads, Fallbacks;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct BackendInfo
    {
        public IntPtr Name, Path, Version, Vendor, Reason;
        public ulong Flags;
    }

    // An array is data, type, number of axes, shape, strides (null for C order).
    [DllImport(Library)]
    static extern int treadle_binary_flat(
        string op,
        double* x, uint xType, int xAxes, long* xShape, long* xStrides,
        double* y, uint yType, int yAxes, long* yShape, long* yStrides,
        double* result, uint resultType, int resultAxes, long* resultShape, long* resultStrides,
        out Used used);

    [DllImport(Library)]
    static extern int treadle_reduce_flat(
        string op,
        double* x, uint xType, int xAxes, long* xShape, long* xStrides,
        int* axes, int count,
        double* result, uint resultType, int resultAxes, long* resultShape, long* resultStrides,
        out Used used);

    [DllImport(Library)] static extern IntPtr treadle_last_error();
    [DllImport(Library)] static extern int treadle_set_backend(string spec);
    [DllImport(Library)] static extern uint treadle_backend_count();
    [DllImport(Library)] static extern int treadle_backend_info(uint i, out BackendInfo info);

    /// <summary>float64 in C order; `fixed` holds the managed memory still for a call.</summary>
    sealed class NdArray
    {
        public readonly double[] Data;
        public readonly long[] Shape;

        public NdArray(params long[] shape)
        {
            Shape = shape;
            Data = new double[shape.Aggregate(1L, (a, b) => a * b)];
        }

        public NdArray Fill(double value)
        {
            for (int i = 0; i < Data.Length; i++) Data[i] = value + i % 7;
            return this;
        }
    }

    static void Check(int status)
    {
        if (status != 0) throw new ArgumentException(Marshal.PtrToStringAnsi(treadle_last_error()));
    }

    static string Binary(string op, NdArray x, NdArray y, NdArray result)
    {
        Used used;
        fixed (double* a = x.Data, b = y.Data, to = result.Data)
        fixed (long* aShape = x.Shape, bShape = y.Shape, toShape = result.Shape)
            Check(treadle_binary_flat(op, a, Float64, x.Shape.Length, aShape, null, b, Float64, y.Shape.Length,
                bShape, null, to, Float64, result.Shape.Length, toShape, null, out used));
        return Marshal.PtrToStringAnsi(used.Backend) + " on " + used.Threads;
    }

    static double Sum(NdArray x)
    {
        Used used;
        double total;
        fixed (double* a = x.Data)
        fixed (long* shape = x.Shape)
            Check(treadle_reduce_flat("sum", a, Float64, x.Shape.Length, shape, null, null, -1, &total, Float64, 0,
                null, null, out used));
        return total;
    }

    static void Main()
    {
        for (uint i = 0; i < treadle_backend_count(); i++)
        {
            BackendInfo info;
            Check(treadle_backend_info(i, out info));
            Console.WriteLine("found {0} {1}", Marshal.PtrToStringAnsi(info.Name), Marshal.PtrToStringAnsi(info.Reason));
        }
        NdArray x = new NdArray(1000000).Fill(1), y = new NdArray(1000000).Fill(2), a = new NdArray(200, 200).Fill(0.5);
        Console.WriteLine("the environment chose " + Binary("add", x, y, new NdArray(1000000)));
        var results = new[] { "serial", "openmp" }.Select(backend =>
        {
            Check(treadle_set_backend(backend));
            NdArray sums = new NdArray(1000000), product = new NdArray(200, 200);
            Console.WriteLine("add by " + Binary("add", x, y, sums));
            Console.WriteLine("matmul by " + Binary("matmul", a, a, product));
            return sums.Data.Concat(product.Data).Concat(new[] { Sum(sums) }).ToArray();
        }).ToArray();
        bool equal = results[0].SequenceEqual(results[1]);
        Console.WriteLine("equal {0} sum {1}", equal ? "true" : "false", results[0].Last());
        try
        {
            Binary("add", x, y, new NdArray(3));
        }
        catch (ArgumentException error)
        {
            Console.WriteLine("error " + error.Message);
        }
    }
}
