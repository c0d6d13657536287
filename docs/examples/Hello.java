// SPDX-License-Identifier: BSD-3-Clause
// Treadle from Java by JNA: javac -cp jna.jar Hello.java
// TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 java -cp jna.jar:. Hello
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Arrays;

public class Hello {
    static final int FLOAT64 = 0x14002;

    // Direct mapping: an array is data, type, number of axes, shape, strides (null for C order).
    static native int treadle_binary_flat(
            String op,
            Pointer x, int xType, int xAxes, Pointer xShape, Pointer xStrides,
            Pointer y, int yType, int yAxes, Pointer yShape, Pointer yStrides,
            Pointer out, int outType, int outAxes, Pointer outShape, Pointer outStrides,
            Pointer used);

    static native int treadle_reduce_flat(
            String op,
            Pointer x, int xType, int xAxes, Pointer xShape, Pointer xStrides,
            Pointer axes, int count,
            Pointer out, int outType, int outAxes, Pointer outShape, Pointer outStrides,
            Pointer used);

    static native String treadle_last_error();
    static native int treadle_set_backend(String spec);
    static native int treadle_backend_count();
    static native int treadle_backend_info(int i, Pointer info);

    static {
        String path = System.getenv().getOrDefault("TREADLE_LIBRARY", "libtreadle.so.0");
        Native.register(NativeLibrary.getInstance(path));
    }

    /** float64 in C order, in memory that the collector does not move: a double[] would be copied. */
    static final class Array {
        final Memory data, shape;
        final int count, axes;

        Array(long... extents) {
            count = (int) Arrays.stream(extents).reduce(1, (a, b) -> a * b);
            axes = extents.length;
            data = new Memory(8L * count);
            shape = axes > 0 ? new Memory(8L * axes) : null;
            for (int i = 0; i < axes; i++) shape.setLong(8L * i, extents[i]);
        }

        Array fill(double value) {
            for (int i = 0; i < count; i++) data.setDouble(8L * i, value + i % 7);
            return this;
        }

        double[] values() {
            return data.getDoubleArray(0, count);
        }
    }

    static void check(int status) {
        if (status != 0) throw new IllegalArgumentException(treadle_last_error());
    }

    static String binary(String op, Array x, Array y, Array out) {
        Memory used = new Memory(24);
        check(treadle_binary_flat(op, x.data, FLOAT64, x.axes, x.shape, null, y.data, FLOAT64, y.axes,
                y.shape, null, out.data, FLOAT64, out.axes, out.shape, null, used));
        return used.getPointer(0).getString(0) + " on " + used.getInt(16);
    }

    static double sum(Array x) {
        Array out = new Array();
        check(treadle_reduce_flat("sum", x.data, FLOAT64, x.axes, x.shape, null, null, -1, out.data, FLOAT64, 0,
                null, null, null));
        return out.values()[0];
    }

    public static void main(String[] arguments) {
        Memory info = new Memory(48);
        for (int i = 0; i < treadle_backend_count(); i++) {
            check(treadle_backend_info(i, info));
            System.out.println("found " + info.getPointer(0).getString(0) + " " + info.getPointer(32).getString(0));
        }
        Array x = new Array(1000000).fill(1), y = new Array(1000000).fill(2), out = new Array(1000000);
        Array a = new Array(200, 200).fill(0.5), product = new Array(200, 200);
        System.out.println("the environment chose " + binary("add", x, y, out));
        double[][] sums = new double[2][], products = new double[2][], totals = new double[2][];
        String[] backends = {"serial", "openmp"};
        for (int i = 0; i < 2; i++) {
            check(treadle_set_backend(backends[i]));
            System.out.println("add by " + binary("add", x, y, out));
            System.out.println("matmul by " + binary("matmul", a, a, product));
            sums[i] = out.values();
            products[i] = product.values();
            totals[i] = new double[] {sum(out)};
        }
        boolean equal = Arrays.equals(sums[0], sums[1]) && Arrays.equals(products[0], products[1])
                && Arrays.equals(totals[0], totals[1]);
        System.out.printf("equal %s sum %.0f%n", equal, totals[0][0]);
        try {
            binary("add", x, y, new Array(3));
        } catch (IllegalArgumentException error) {
            System.out.println("error " + error.getMessage());
        }
    }
}
