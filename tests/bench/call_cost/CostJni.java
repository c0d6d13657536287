// SPDX-License-Identifier: BSD-3-Clause
/** Nanoseconds of one tiny call by docs/examples/HelloJni.java. */
public class CostJni {
    static final int CALLS = 1000000;

    static double once(HelloJni.Array x, HelloJni.Array y, HelloJni.Array out) {
        long start = System.nanoTime();
        for (int i = 0; i < CALLS; i++) HelloJni.binary(HelloJni.ADD, x.address, y.address, out.address);
        return (double) (System.nanoTime() - start) / CALLS;
    }

    public static void main(String[] arguments) {
        HelloJni.Array x = new HelloJni.Array(8), y = new HelloJni.Array(8), out = new HelloJni.Array(8);
        once(x, y, out); // until the compiler has been here
        System.out.println(once(x, y, out));
    }
}
