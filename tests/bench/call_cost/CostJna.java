// SPDX-License-Identifier: BSD-3-Clause
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;

/** Nanoseconds of one tiny call by docs/examples/Hello.java. */
public class CostJna {
    static final int CALLS = 300000;

    static double once(Hello.Array x, Hello.Array y, Hello.Array out) {
        Memory used = new Memory(24);
        long op = Pointer.nativeValue(Hello.ADD), to = Pointer.nativeValue(used);
        long first = x.address(), second = y.address(), result = out.address();
        long start = System.nanoTime();
        for (int i = 0; i < CALLS; i++) Hello.check(Hello.treadle_binary(op, first, second, result, to));
        double spent = (double) (System.nanoTime() - start) / CALLS;
        Reference.reachabilityFence(used);
        return spent;
    }

    public static void main(String[] arguments) {
        Hello.Array x = new Hello.Array(8), y = new Hello.Array(8), out = new Hello.Array(8);
        once(x, y, out); // until the compiler has been here
        System.out.println(once(x, y, out));
        for (Hello.Array array : new Hello.Array[] {x, y, out}) Reference.reachabilityFence(array);
    }
}
