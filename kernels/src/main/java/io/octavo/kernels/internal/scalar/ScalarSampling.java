package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.SampleRules;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.Sampling;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

final class ScalarSampling implements Sampling {

    @Override
    public void sample(Matrix logits, Matrix requests, Matrix seen, Matrix tokens, Stream stream) {
        HostStream.require(stream);
        Sampling.check(logits, requests, seen, tokens);
        HostMatrix bits = HostMatrix.of(seen);
        for (long row = 0; row < logits.rows(); row++) {
            long at = row;
            HostMatrix source = HostMatrix.of(requests);
            Request request = Request.decode(IntStream.range(0, REQUEST_WORDS)
                    .map(i -> source.getInt(at, i))
                    .toArray());
            float[] z = HostMatrix.of(logits).row(row);
            for (int token = 0; token < z.length; token++) {
                boolean isSeen = (bits.getInt(row, token / Integer.SIZE) >>> token % Integer.SIZE & 1) != 0;
                z[token] = SampleRules.changed(z[token], isSeen, request);
            }
            int token = ScalarArgMax.largest(z) < 0 ? -1 : draw(z, request);
            HostMatrix.of(tokens).setInt(0, row, token);
            if (token >= 0) {
                int word = bits.getInt(row, token / Integer.SIZE);
                bits.setInt(row, token / Integer.SIZE, word | 1 << token % Integer.SIZE);
            }
        }
    }

    private static int draw(float[] z, Request request) {
        List<Integer> kept = order(z);
        if (request.temperature() == 0) {
            return kept.getFirst();
        }
        float max = z[kept.getFirst()];
        if (request.topK() > 0 && request.topK() < kept.size()) {
            kept = kept.subList(0, request.topK());
        }
        long wanted = SampleRules.wanted(request.topP(), total(kept, z, max));
        int count = 0;
        for (long reached = 0; reached < wanted; count++) {
            reached += SampleRules.weight(z[kept.get(count)], max);
        }
        long smallest = SampleRules.smallest(request.minP());
        List<Integer> byIndex = new ArrayList<>(kept.subList(0, count));
        byIndex.removeIf(token -> SampleRules.weight(z[token], max) < smallest);
        Collections.sort(byIndex);
        long left = SampleRules.draw(request, total(byIndex, z, max));
        for (int token : byIndex) {
            left -= SampleRules.weight(z[token], max);
            if (left < 0) {
                return token;
            }
        }
        throw new IllegalStateException("a draw is below the total");
    }

    private static List<Integer> order(float[] z) {
        return IntStream.range(0, z.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(token -> -(double) z[token])
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    private static long total(List<Integer> tokens, float[] z, float max) {
        return tokens.stream()
                .mapToLong(token -> SampleRules.weight(z[token], max))
                .sum();
    }
}
