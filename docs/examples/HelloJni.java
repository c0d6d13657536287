// SPDX-License-Identifier: BSD-3-Clause
// Treadle from Java by JNI, with hello_jni.c between:
//     cc -shared -fPIC -I$JAVA_HOME/include -I$JAVA_HOME/include/linux hello_jni.c \
//         $(pkg-config --cflags --libs treadle) -o libhello_jni.so
//     javac HelloJni.java && java -Djava.library.path=. HelloJni
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.util.Arrays;

public class HelloJni {
    static {
        System.loadLibrary("hello_jni");
    }

    // A number that is an address: of an operation's name, or of an array's description.
    static native long operation(String name);
    static native long describe(DoubleBuffer data, long[] shape);
    static native void release(long array);

    static native void binary(long operation, long x, long y, long out);
    static native void sum(long x, long out);
    static native String who(long out);
    static native void setBackend(String spec);
    static native String[] backends();

    static final long ADD = operation("add"), MATMUL = operation("matmul");

    /** float64 in C order, outside of the heap: its memory stays where it is, and is described once. */
    static final class Array implements AutoCloseable {
        final DoubleBuffer data;
        final long address;

        Array(long... shape) {
            int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
            data = ByteBuffer.allocateDirect(8 * count).order(ByteOrder.nativeOrder()).asDoubleBuffer();
            address = describe(data, shape);
        }

        Array fill(double value) {
            for (int i = 0; i < data.capacity(); i++) data.put(i, value + i % 7);
            return this;
        }

        double[] values() {
            double[] copy = new double[data.capacity()];
            data.duplicate().get(copy);
            return copy;
        }

        @Override
        public void close() {
            release(address);
        }
    }

    static String binary(long operation, Array x, Array y, Array out) {
        binary(operation, x.address, y.address, out.address);
        return who(out.address);
    }

    static double sum(Array x) {
        try (Array out = new Array()) {
            sum(x.address, out.address);
            return out.data.get(0);
        }
    }

    public static void main(String[] arguments) {
        for (String backend : backends()) System.out.println("found " + backend);
        try (Array x = new Array(1000000).fill(1); Array y = new Array(1000000).fill(2);
                Array out = new Array(1000000); Array three = new Array(3);
                Array a = new Array(200, 200).fill(0.5); Array product = new Array(200, 200)) {
            System.out.println("the environment chose " + binary(ADD, x, y, out));
            double[][] sums = new double[2][], products = new double[2][];
            double[] totals = new double[2];
            String[] backends = {"serial", "openmp"};
            for (int i = 0; i < 2; i++) {
                setBackend(backends[i]);
                System.out.println("add by " + binary(ADD, x, y, out));
                System.out.println("matmul by " + binary(MATMUL, a, a, product));
                sums[i] = out.values();
                products[i] = product.values();
                totals[i] = sum(out);
            }
            boolean equal = Arrays.equals(sums[0], sums[1]) && Arrays.equals(products[0], products[1])
                    && totals[0] == totals[1];
            System.out.printf("equal %s sum %.0f%n", equal, totals[0]);
            binary(ADD, x, y, three);
        } catch (IllegalArgumentException error) {
            System.out.println("error " + error.getMessage());
        }
    }
}
