// SPDX-License-Identifier: BSD-3-Clause
// Treadle from Java by JNA: javac -cp jna.jar Hello.java
// TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 java -cp jna.jar:. Hello
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;
import java.util.Arrays;

public class Hello {
    // Direct mapping. Names and arrays go as addresses: a String or a Pointer would be converted at each call.
    static native int treadle_binary(long op, long x, long y, long out, long used);
    static native int treadle_reduce(long op, long x, long axes, int count, long out, long used);

    static native String treadle_last_error();
    static native int treadle_set_backend(String spec);
    static native int treadle_backend_count();
    static native int treadle_backend_info(int i, Pointer info);

    static {
        String path = System.getenv().getOrDefault("TREADLE_LIBRARY", "libtreadle.so.0");
        Native.register(NativeLibrary.getInstance(path));
    }

    /** A zero-terminated name that stays where it is. */
    static Memory name(String text) {
        Memory letters = new Memory(text.length() + 1);
        letters.setString(0, text);
        return letters;
    }

    static final Memory ADD = name("add"), MATMUL = name("matmul"), SUM = name("sum");

    /**
     * float64 in C order, in memory that the collector does not move: a double[] would be copied. Described once, by
     * a struct treadle_array with shape and strides behind it. Memory is freed when nobody holds it any more: an
     * address does not.
     */
    static final class Array {
        final Memory data, description;
        final int count;

        Array(long... extents) {
            int axes = extents.length;
            count = (int) Arrays.stream(extents).reduce(1, (a, b) -> a * b);
            data = new Memory(8L * count);
            description = new Memory(64 + 16L * axes);
            description.clear();
            description.setPointer(0, data);
            description.setPointer(8, description.share(64));
            description.setPointer(16, description.share(64).share(8L * axes));
            description.setInt(24, axes);
            description.setInt(32, 0x14002); // its type: TREADLE_TYPE_FLOAT64
            description.setInt(36, 8);
            long stride = 8;
            for (int i = axes - 1; i >= 0; i--) {
                description.setLong(64 + 8L * i, extents[i]);
                description.setLong(64 + 8L * (axes + i), stride);
                stride *= extents[i];
            }
        }

        long address() {
            return Pointer.nativeValue(description);
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

    static String binary(Memory op, Array x, Array y, Array out) {
        Memory used = new Memory(24);
        try {
            check(treadle_binary(Pointer.nativeValue(op), x.address(), y.address(), out.address(),
                    Pointer.nativeValue(used)));
            return used.getPointer(0).getString(0) + " on " + used.getInt(16);
        } finally {
            Reference.reachabilityFence(x);
            Reference.reachabilityFence(y);
            Reference.reachabilityFence(out);
        }
    }

    static double sum(Array x) {
        Array out = new Array();
        try {
            check(treadle_reduce(Pointer.nativeValue(SUM), x.address(), 0, -1, out.address(), 0));
            return out.values()[0];
        } finally {
            Reference.reachabilityFence(x);
        }
    }

    public static void main(String[] arguments) {
        Memory info = new Memory(48);
        for (int i = 0; i < treadle_backend_count(); i++) {
            check(treadle_backend_info(i, info));
            System.out.println("found " + info.getPointer(0).getString(0) + " " + info.getPointer(32).getString(0));
        }
        Array x = new Array(1000000).fill(1), y = new Array(1000000).fill(2), out = new Array(1000000);
        Array a = new Array(200, 200).fill(0.5), product = new Array(200, 200);
        System.out.println("the environment chose " + binary(ADD, x, y, out));
        double[][] sums = new double[2][], products = new double[2][], totals = new double[2][];
        String[] backends = {"serial", "openmp"};
        for (int i = 0; i < 2; i++) {
            check(treadle_set_backend(backends[i]));
            System.out.println("add by " + binary(ADD, x, y, out));
            System.out.println("matmul by " + binary(MATMUL, a, a, product));
            sums[i] = out.values();
            products[i] = product.values();
            totals[i] = new double[] {sum(out)};
        }
        boolean equal = Arrays.equals(sums[0], sums[1]) && Arrays.equals(products[0], products[1])
                && Arrays.equals(totals[0], totals[1]);
        System.out.printf("equal %s sum %.0f%n", equal, totals[0][0]);
        try {
            binary(ADD, x, y, new Array(3));
        } catch (IllegalArgumentException error) {
            System.out.println("error " + error.getMessage());
        }
    }
}
