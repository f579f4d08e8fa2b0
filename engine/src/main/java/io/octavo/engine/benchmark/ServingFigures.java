package io.octavo.engine.benchmark;

import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * How a load was served.
 *
 * @param label of the checkpoint
 * @param seconds from the first request's arrival to the last token
 * @param timeToFirstToken of each request, from its arrival on
 * @param interTokenLatency from each token of a request to the next
 * @param requestLatency from a request's arrival to its last token
 * @param preemptions texts that lost their keys and values to others for want of memory
 */
public record ServingFigures(
        String label,
        int requests,
        double seconds,
        long promptTokens,
        long newTokens,
        Quantiles timeToFirstToken,
        Quantiles interTokenLatency,
        Quantiles requestLatency,
        long preemptions,
        Memory memory) {

    /** Milliseconds. */
    public record Quantiles(double mean, double p50, double p90, double p99) {

        /** Between ranks interpolated as NumPy does; all 0 of none. */
        static Quantiles of(DoubleStream milliseconds) {
            double[] sorted = milliseconds.sorted().toArray();
            return sorted.length == 0
                    ? new Quantiles(0, 0, 0, 0)
                    : new Quantiles(
                            Arrays.stream(sorted).average().orElse(0),
                            at(sorted, 0.5),
                            at(sorted, 0.9),
                            at(sorted, 0.99));
        }

        private static double at(double[] sorted, double share) {
            double rank = share * (sorted.length - 1);
            int below = (int) rank;
            int above = Math.min(below + 1, sorted.length - 1);
            return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
        }
    }

    /**
     * @param weightBytes of the checkpoint's tensors
     * @param cacheBytes set aside for keys and values
     * @param cacheTokens that those hold
     * @param peakCacheTokens of pages that texts had at once
     * @param peakBytes most resident memory of the process meanwhile; 0 where it is not known
     * @param deviceBytes of a GPU's memory that loading took, cache included; 0 on a processor
     */
    public record Memory(
            long weightBytes,
            long cacheBytes,
            long cacheTokens,
            long peakCacheTokens,
            long peakBytes,
            long deviceBytes) {}

    static ServingFigures of(String label, List<RequestTimes> times, long preemptions, Memory memory) {
        long from = times.stream().mapToLong(RequestTimes::arrival).min().orElseThrow();
        long to = times.stream().mapToLong(RequestTimes::last).max().orElseThrow();
        return new ServingFigures(
                label,
                times.size(),
                (to - from) / 1e9,
                times.stream().mapToLong(RequestTimes::promptTokens).sum(),
                times.stream().mapToLong(RequestTimes::newTokens).sum(),
                Quantiles.of(times.stream().mapToDouble(each -> (each.first() - each.arrival()) / 1e6)),
                Quantiles.of(times.stream()
                        .flatMapToDouble(each -> each.between().stream().mapToDouble(nanos -> nanos / 1e6))),
                Quantiles.of(times.stream().mapToDouble(each -> (each.last() - each.arrival()) / 1e6)),
                preemptions,
                memory);
    }

    public double requestsPerSecond() {
        return requests / seconds;
    }

    /** Of what the model says. */
    public double outputTokensPerSecond() {
        return newTokens / seconds;
    }

    /** Of prompts and of what the model says. */
    public double totalTokensPerSecond() {
        return (promptTokens + newTokens) / seconds;
    }
}
