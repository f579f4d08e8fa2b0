package io.octavo.engine.serve;

/** Checks of what clients send. */
final class Ranges {

    private Ranges() {}

    /** @throws IllegalArgumentException if the value is outside, or NaN */
    static void require(String name, double actual, double least, double most) {
        if (!(actual >= least && actual <= most)) {
            throw new IllegalArgumentException(
                    name + " is " + text(actual) + "; allowed: " + text(least) + " to " + text(most));
        }
    }

    private static String text(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15
                ? Long.toString((long) number)
                : Double.toString(number);
    }
}
