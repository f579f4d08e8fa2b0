package io.octavo.engine.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What is asked of a served model, the same for the same seed: prompts of random tokens, each text as long as was drawn for
 * it, whatever the model says.
 *
 * @param requests that are measured
 * @param warmUpRequests before them in each round of the warm-up, which are not
 * @param input tokens of prompts
 * @param output tokens of texts
 */
public record Load(int requests, int warmUpRequests, Arrival arrival, Lengths input, Lengths output, long seed) {

    public static final int MOST_REQUESTS = 100_000;

    /** Who sends the next request when. */
    public sealed interface Arrival {

        /** Each of so many clients sends its next request when its last one has ended. */
        record ClosedLoop(int concurrency) implements Arrival {
            public ClosedLoop {
                if (concurrency < 1) {
                    throw new IllegalArgumentException("concurrency must be positive: " + concurrency);
                }
            }
        }

        /** Requests come on their own, in a Poisson process: gaps between them are exponentially distributed. */
        record Poisson(double requestsPerSecond) implements Arrival {
            public Poisson {
                if (!(requestsPerSecond > 0) || Double.isInfinite(requestsPerSecond)) {
                    throw new IllegalArgumentException("requestsPerSecond must be positive: " + requestsPerSecond);
                }
            }
        }
    }

    public Load {
        if (requests < 1 || requests > MOST_REQUESTS) {
            throw new IllegalArgumentException("requests is " + requests + ", not 1 to " + MOST_REQUESTS);
        }
        if (warmUpRequests < 0 || warmUpRequests > MOST_REQUESTS) {
            throw new IllegalArgumentException("warmUpRequests is " + warmUpRequests + ", not 0 to " + MOST_REQUESTS);
        }
    }

    /** Most tokens of a prompt and its text together. */
    int mostTokens() {
        return Math.addExact(input.most(), output.most());
    }

    /**
     * One request.
     *
     * @param seed its prompt's tokens follow from it
     * @param arrivalNanos after the first moment of the measurement; 0 in a closed loop
     */
    record Planned(int promptTokens, int newTokens, long seed, long arrivalNanos) {

        List<Integer> prompt(int vocabularySize) {
            return new SplittableRandom(seed)
                    .ints(promptTokens, 0, vocabularySize)
                    .boxed()
                    .toList();
        }
    }

    List<Planned> planned() {
        return draw(new SplittableRandom(seed), requests, arrival);
    }

    /** Others than those that are measured, and others in each round. */
    List<Planned> warmUp(int round) {
        return draw(new SplittableRandom(~seed - round), warmUpRequests, new Arrival.ClosedLoop(1));
    }

    private List<Planned> draw(SplittableRandom random, int count, Arrival arrivals) {
        List<Planned> planned = new ArrayList<>();
        double seconds = 0;
        for (int i = 0; i < count; i++) {
            if (arrivals instanceof Arrival.Poisson poisson) {
                seconds -= Math.log1p(-random.nextDouble()) / poisson.requestsPerSecond();
            }
            planned.add(
                    new Planned(input.draw(random), output.draw(random), random.nextLong(), (long) (seconds * 1e9)));
        }
        return planned;
    }
}
