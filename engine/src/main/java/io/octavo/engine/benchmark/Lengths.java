package io.octavo.engine.benchmark;

import java.util.SplittableRandom;

/** How many tokens prompts or texts have. */
public sealed interface Lengths {

    /** No length is above it. */
    int most();

    /** The next length, at least 1. */
    int draw(SplittableRandom random);

    /** All alike. */
    record Fixed(int tokens) implements Lengths {
        public Fixed {
            require("tokens", tokens, 1, Integer.MAX_VALUE);
        }

        @Override
        public int most() {
            return tokens;
        }

        @Override
        public int draw(SplittableRandom random) {
            return tokens;
        }
    }

    /** Each from {@code least} to {@code most} is as likely as the others. */
    record Uniform(int least, int most) implements Lengths {
        public Uniform {
            require("least", least, 1, Integer.MAX_VALUE);
            require("most", most, least, Integer.MAX_VALUE - 1);
        }

        @Override
        public int draw(SplittableRandom random) {
            return random.nextInt(least, most + 1);
        }
    }

    /**
     * As chats have them, with few long ones: logarithms are normally distributed around that of the median; what lies
     * above {@code most} is cut to it.
     *
     * @param sigma standard deviation of the natural logarithm
     */
    record LogNormal(int median, double sigma, int most) implements Lengths {
        public LogNormal {
            require("median", median, 1, Integer.MAX_VALUE);
            require("most", most, median, Integer.MAX_VALUE);
            if (!(sigma >= 0 && sigma <= 10)) {
                throw new IllegalArgumentException("sigma is " + sigma + ", not 0 to 10");
            }
        }

        @Override
        public int draw(SplittableRandom random) {
            double length = Math.rint(median * Math.exp(sigma * random.nextGaussian()));
            return (int) Math.clamp(length, 1, most);
        }
    }

    private static void require(String what, int number, int least, int most) {
        if (number < least || number > most) {
            throw new IllegalArgumentException(what + " is " + number + ", not " + least + " to " + most);
        }
    }
}
