package io.octavo.kernels.internal.vector.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.SampleRules;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.Sampling;

/**
 * Finds where the kept part of the order ends by looking at 8 bits of the logits at a time, so that nothing is sorted.
 *
 * <p>Memory is the limit of a row's passes, and the branches are taken per token: vectors would not pay.
 */
public final class VectorSampling implements Sampling {

    private static final int DIGIT_BITS = 8;
    private static final int DIGITS = 1 << DIGIT_BITS;

    private final WorkerPool workers;

    public VectorSampling(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void sample(Matrix logits, Matrix requests, Matrix seen, Matrix tokens, Stream stream) {
        HostStream.require(stream);
        Sampling.check(logits, requests, seen, tokens);
        int columns = (int) logits.columns();
        int words = (int) seen.columns();
        long logitsAt = Native.address(logits);
        long requestsAt = Native.address(requests);
        long seenAt = Native.address(seen);
        long tokensAt = Native.address(tokens);
        workers.runRanges(logits.rows(), 1, (from, to, scratch) -> {
            float[] z = scratch.floats(Scratch.Use.ROWS, columns);
            for (long row = from; row < to; row++) {
                Request request = request(requestsAt + row * REQUEST_WORDS * Integer.BYTES);
                long bits = seenAt + row * words * Integer.BYTES;
                int token = change(logitsAt + row * columns * Float.BYTES, bits, columns, request, z)
                        ? new Row(z, columns, request).draw()
                        : -1;
                Native.setInt(tokensAt + row * Integer.BYTES, token);
                if (token >= 0) {
                    long word = bits + (long) (token / Integer.SIZE) * Integer.BYTES;
                    Native.setInt(word, Native.getInt(word) | 1 << token % Integer.SIZE);
                }
            }
        });
    }

    private static Request request(long at) {
        int[] words = new int[REQUEST_WORDS];
        for (int i = 0; i < REQUEST_WORDS; i++) {
            words[i] = Native.getInt(at + (long) i * Integer.BYTES);
        }
        return Request.decode(words);
    }

    /** False if there is a NaN. */
    private static boolean change(long logits, long seen, int columns, Request request, float[] z) {
        boolean numbers = true;
        for (int token = 0; token < columns; token++) {
            int word = Native.getInt(seen + (long) (token / Integer.SIZE) * Integer.BYTES);
            boolean isSeen = (word >>> token % Integer.SIZE & 1) != 0;
            z[token] = SampleRules.changed(Native.getFloat(logits + (long) token * Float.BYTES), isSeen, request);
            numbers &= !Float.isNaN(z[token]);
        }
        return numbers;
    }

    /** The first part of an order: all above a key, and the first {@code ties} of those that equal it. */
    private record Part(long key, long ties) {}

    /** One row of changed logits. */
    private static final class Row {

        private final float[] z;
        private final int columns;
        private final Request request;
        private final int first;
        private final float max;

        Row(float[] z, int columns, Request request) {
            this.z = z;
            this.columns = columns;
            this.request = request;
            int best = 0;
            for (int token = 1; token < columns; token++) {
                best = z[token] > z[best] ? token : best;
            }
            this.first = best;
            this.max = z[best];
        }

        int draw() {
            if (request.temperature() == 0) {
                return first;
            }
            Part part = new Part(0, columns);
            if (request.topK() > 0 && request.topK() < columns) {
                part = firstOf(request.topK(), false);
            }
            if (request.topP() < 1) {
                part = firstOf(SampleRules.wanted(request.topP(), total(part, 0)), true);
            }
            long smallest = SampleRules.smallest(request.minP());
            long left = SampleRules.draw(request, total(part, smallest));
            long ties = part.ties();
            int token = 0;
            while (true) {
                long key = key(z[token]);
                boolean kept = key > part.key() || (key == part.key() && ties-- > 0);
                long weight = kept ? SampleRules.weight(z[token], max) : 0;
                if (weight >= smallest) {
                    left -= weight;
                }
                if (left < 0) {
                    return token;
                }
                token++;
            }
        }

        /** Larger logits have larger keys, from 0 to 2^32 - 1. */
        private static long key(float z) {
            int bits = Float.floatToRawIntBits(z);
            return Integer.toUnsignedLong(bits < 0 ? ~bits : bits | Integer.MIN_VALUE);
        }

        private long total(Part part, long smallest) {
            long total = 0;
            long ties = part.ties();
            for (int token = 0; token < columns; token++) {
                long key = key(z[token]);
                if (key > part.key() || (key == part.key() && ties-- > 0)) {
                    long weight = SampleRules.weight(z[token], max);
                    total += weight >= smallest ? weight : 0;
                }
            }
            return total;
        }

        /**
         * The shortest first part of the whole order whose tokens, or their weights, make {@code wanted}.
         */
        private Part firstOf(long wanted, boolean byWeight) {
            long left = wanted;
            long prefix = 0;
            for (int shift = Integer.SIZE - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
                long[] sums = new long[DIGITS];
                for (int token = 0; token < columns; token++) {
                    long key = key(z[token]);
                    if (key >>> (shift + DIGIT_BITS) == prefix) {
                        sums[(int) (key >>> shift) & DIGITS - 1] += byWeight ? SampleRules.weight(z[token], max) : 1;
                    }
                }
                int digit = DIGITS - 1;
                while (sums[digit] < left) {
                    left -= sums[digit--];
                }
                prefix = prefix << DIGIT_BITS | digit;
            }
            long weight = byWeight ? SampleRules.weight(floatOf(prefix), max) : 1;
            return new Part(prefix, Math.ceilDiv(left, Math.max(weight, 1)));
        }

        private static float floatOf(long key) {
            int bits = (int) key;
            return Float.intBitsToFloat(bits < 0 ? bits & Integer.MAX_VALUE : ~bits);
        }
    }
}
