package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Draws one token a row.
 *
 * <p>Logits are changed, then ordered by size, the smaller index first among equals, and only a first part of that order
 * stays:
 *
 * <pre>
 *   z = logit &gt; 0 ? logit / repetitionPenalty : logit * repetitionPenalty     for tokens that were seen
 *   z = z / temperature                                                       0: the first of the order is taken
 *   topK        the first topK tokens                                         0: all
 *   topP        of those, the fewest whose probabilities reach topP           1: all
 *   minP        of those, tokens at least minP times as likely as the first   0: all
 * </pre>
 *
 * <p>Weights {@code e^(z - max)} are integers, in units of 2^-40, so that sums do not depend on an order and every backend
 * draws the same token. The draw is the token where the cumulated weight, by index, passes {@code r * total / 2^64}; r are
 * the first two words of Philox4x32-10 (Salmon et al., SC 2011) with the seed as key and (step, sequence, 0) as counter. So a
 * token depends on its own request alone, whatever the batch.
 */
public interface Sampling {

    /** Words of a request as {@link Request#encode()} lays them out. */
    int REQUEST_WORDS = 10;

    float LEAST_TEMPERATURE = 0.001f;

    /**
     * How a row's token is drawn.
     *
     * @param temperature 0 for the most likely token, else at least {@value #LEAST_TEMPERATURE}, so that quotients stay finite
     * @param topK 0 for all
     * @param topP above 0, 1 for all
     * @param minP from 0 for all to 1
     * @param repetitionPenalty positive, 1 for none
     * @param sequence tells requests of one seed apart
     * @param step tokens that the request has drawn before
     */
    record Request(
            float temperature,
            int topK,
            float topP,
            float minP,
            float repetitionPenalty,
            long seed,
            long sequence,
            int step) {

        public Request {
            boolean finite = temperature >= LEAST_TEMPERATURE && Float.isFinite(temperature);
            require(temperature == 0 || finite, "temperature", temperature, "0, or " + LEAST_TEMPERATURE + " or more");
            require(topK >= 0, "topK", topK, "0 or more");
            require(topP > 0 && topP <= 1, "topP", topP, "above 0, up to 1");
            require(minP >= 0 && minP <= 1, "minP", minP, "0 to 1");
            boolean penalizes = repetitionPenalty > 0 && Float.isFinite(repetitionPenalty);
            require(penalizes, "repetitionPenalty", repetitionPenalty, "above 0");
        }

        private static void require(boolean holds, String name, float actual, String allowed) {
            if (!holds) {
                throw new IllegalArgumentException(name + " is " + actual + "; allowed: " + allowed);
            }
        }

        /** The most likely token. */
        public static Request greedy() {
            return new Request(0, 0, 1, 0, 1, 0, 0, 0);
        }

        public Request atStep(int newStep) {
            return new Request(temperature, topK, topP, minP, repetitionPenalty, seed, sequence, newStep);
        }

        /** {@link #REQUEST_WORDS} words; floats as their bits, long numbers low word first. */
        public int[] encode() {
            return new int[] {
                Float.floatToRawIntBits(temperature),
                topK,
                Float.floatToRawIntBits(topP),
                Float.floatToRawIntBits(minP),
                Float.floatToRawIntBits(repetitionPenalty),
                (int) seed,
                (int) (seed >>> Integer.SIZE),
                (int) sequence,
                (int) (sequence >>> Integer.SIZE),
                step
            };
        }

        /** What {@link #encode()} made. */
        public static Request decode(int[] words) {
            return new Request(
                    Float.intBitsToFloat(words[0]),
                    words[1],
                    Float.intBitsToFloat(words[2]),
                    Float.intBitsToFloat(words[3]),
                    Float.intBitsToFloat(words[4]),
                    (long) words[6] << Integer.SIZE | Integer.toUnsignedLong(words[5]),
                    (long) words[8] << Integer.SIZE | Integer.toUnsignedLong(words[7]),
                    words[9]);
        }
    }

    /**
     * @param logits {@code [rows, vocabulary]} F32
     * @param requests {@code [rows, REQUEST_WORDS]} I32
     * @param seen {@code [rows, ceil(vocabulary / 32)]} I32: bit {@code t % 32} of word {@code t / 32} is set for tokens that
     *     are penalized; that of the drawn token becomes set
     * @param tokens receives {@code [1, rows]} I32; -1 if a logit of the row is NaN
     */
    void sample(Matrix logits, Matrix requests, Matrix seen, Matrix tokens, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix logits, Matrix requests, Matrix seen, Matrix tokens) {
        Operands.requireF32("logits", logits);
        Operands.requireType("requests", requests, Set.of(DType.I32));
        Operands.requireShape("requests", requests, logits.rows(), REQUEST_WORDS);
        Operands.requireType("seen", seen, Set.of(DType.I32));
        Operands.requireShape("seen", seen, logits.rows(), Math.ceilDiv(logits.columns(), (long) Integer.SIZE));
        Operands.requireInts("tokens", tokens, logits.rows());
        Operands.requireIntColumns("logits", logits);
        Operands.requireAtLeastOneColumn("logits", logits);
    }
}
