package io.octavo.engine.smoke;

import io.octavo.engine.request.TaskResult.SmokeCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Judges what two models made of the same prompts. Limits come from the 16-bit model itself, not from a scale that suits one
 * kind of model:
 *
 * <ul>
 *   <li>Agreement. Of a text that the 16-bit model drew by its own probabilities, the model must find the same next tokens most
 *       likely at least as often as such a draw hits them: that is the mean of what the 16-bit model gives its most likely
 *       token. Three standard errors are left to chance.
 *   <li>Loops. A text loops where its end is the same few tokens again and again. What rounding does by chance makes loops in
 *       one model as often as in the other, so among prompts where one of them loops alone a coin decides which (McNemar's
 *       test): more than a coin gives in 99 of 100 cases is a fault.
 * </ul>
 */
final class SmokeChecks {

    private static final double STANDARD_ERRORS = 3;
    private static final double CHANCE = 0.01;

    /** A loop is at most so many tokens, comes at least so many times, and takes at least so many tokens. */
    private static final int LONGEST_PERIOD = 8;

    private static final int LEAST_TIMES = 4;
    private static final int LEAST_TOKENS = 12;

    /**
     * What became of a prompt.
     *
     * @param sameTokens whether both tokenizers make the same of it
     * @param finite whether the model computed numbers alone
     * @param text what the model drew
     * @param baselineText what the 16-bit model drew
     * @param likely what the model finds most likely in each place of {@code baselineText}; empty if not finite
     * @param baselineLikely the same of the 16-bit model
     * @param probabilities that the 16-bit model gives those
     */
    record Observed(
            boolean sameTokens,
            boolean finite,
            List<Integer> text,
            List<Integer> baselineText,
            List<Integer> likely,
            List<Integer> baselineLikely,
            List<Double> probabilities) {

        boolean loopsAlone() {
            return loops(text) && !loops(baselineText);
        }

        boolean baselineLoopsAlone() {
            return loops(baselineText) && !loops(text);
        }
    }

    private SmokeChecks() {}

    /** A model that computes NaN is judged by that alone. */
    static List<SmokeCheck> of(List<Observed> prompts) {
        List<SmokeCheck> checks = new ArrayList<>();
        long strange = prompts.stream().filter(prompt -> !prompt.sameTokens).count();
        checks.add(new SmokeCheck(
                "tokens",
                strange == 0,
                strange,
                0,
                strange + " of " + prompts.size() + " prompts are other tokens than to the 16-bit model"));
        long infinite = prompts.stream().filter(prompt -> !prompt.finite).count();
        checks.add(new SmokeCheck(
                "finite", infinite == 0, infinite, 0, infinite + " of " + prompts.size() + " prompts give NaN"));
        if (infinite == 0) {
            checks.add(loopCheck(prompts));
            checks.add(agreement(prompts));
        }
        return checks;
    }

    private static SmokeCheck loopCheck(List<Observed> prompts) {
        int alone = (int) prompts.stream().filter(Observed::loopsAlone).count();
        int baselineAlone =
                (int) prompts.stream().filter(Observed::baselineLoopsAlone).count();
        int most = mostByChance(baselineAlone, prompts.size());
        return new SmokeCheck(
                "loops",
                alone <= most,
                alone,
                most,
                "of " + prompts.size() + " texts " + alone + " loop where the 16-bit model's do not, " + baselineAlone
                        + " the other way round; by chance up to " + most);
    }

    private static SmokeCheck agreement(List<Observed> prompts) {
        double[] probabilities = prompts.stream()
                .flatMap(prompt -> prompt.probabilities.stream())
                .mapToDouble(Double::doubleValue)
                .toArray();
        long equal = prompts.stream()
                .mapToLong(prompt -> IntStream.range(0, prompt.baselineLikely.size())
                        .filter(i -> prompt.baselineLikely.get(i).equals(prompt.likely.get(i)))
                        .count())
                .sum();
        double share = (double) equal / probabilities.length;
        double expected = DoubleStream.of(probabilities).average().orElse(0);
        double variance = DoubleStream.of(probabilities).map(p -> p * (1 - p)).sum();
        double least = expected - STANDARD_ERRORS * Math.sqrt(variance) / probabilities.length;
        return new SmokeCheck(
                "agreement",
                share >= least,
                share,
                least,
                String.format(
                        Locale.ROOT,
                        "finds what the 16-bit model finds most likely in %.1f %% of %d places; a draw of that model"
                                + " itself hits it in %.1f %%",
                        share * 100,
                        probabilities.length,
                        expected * 100));
    }

    /** Whether the end of a text is a few tokens again and again. */
    static boolean loops(List<Integer> text) {
        return IntStream.rangeClosed(1, LONGEST_PERIOD).anyMatch(period -> {
            int length = period * Math.max(LEAST_TIMES, Math.ceilDiv(LEAST_TOKENS, period));
            int start = text.size() - length;
            return start >= 0
                    && IntStream.range(start + period, text.size())
                            .allMatch(i -> text.get(i).equals(text.get(i - period)));
        });
    }

    /** The largest number that is not rarer than chance, beside so many of the other side. */
    static int mostByChance(int others, int prompts) {
        int most = 0;
        while (most < prompts && tail(most + 1, most + 1 + others) >= CHANCE) {
            most++;
        }
        return most;
    }

    /** Probability of at least so many heads among that many throws. */
    private static double tail(int heads, int throwsOfCoin) {
        double exactly = Math.pow(0.5, throwsOfCoin); // of no tails at all
        double sum = 0;
        for (int tails = 0; tails <= throwsOfCoin - heads; tails++) {
            sum += exactly;
            exactly = exactly * (throwsOfCoin - tails) / (tails + 1);
        }
        return sum;
    }
}
