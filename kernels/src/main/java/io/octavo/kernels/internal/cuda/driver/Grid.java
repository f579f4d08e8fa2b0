package io.octavo.kernels.internal.cuda.driver;

/**
 * Blocks of a launch and threads in each.
 *
 * @param x at most 2^31 - 1
 * @param y at most 65535, like {@code z}
 */
public record Grid(int x, int y, int z, int threads) {

    private static final int MOST = 65535;

    public Grid {
        if (y > MOST || z > MOST) {
            throw new IllegalArgumentException(
                    "grid " + x + " x " + y + " x " + z + ": at most " + MOST + " in the second and third dimension");
        }
    }

    public static Grid of(long blocks, int threads) {
        return new Grid(Math.toIntExact(blocks), 1, 1, threads);
    }

    /** As many blocks as give each of {@code items} a thread. */
    public static Grid covering(long items, int threads) {
        return of(Math.ceilDiv(items, (long) threads), threads);
    }

    boolean isEmpty() {
        return x == 0 || y == 0 || z == 0;
    }
}
