package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.OptionalInt;

/** One measurement of a model's quality. */
public sealed interface EvaluationTask {

    /** Names the dataset in results. */
    String name();

    /** How a text is cut into windows, of which each goes through the model once. */
    sealed interface Windowing {

        /** Most tokens that are scored in one pass, or, of {@link Sliding}, that one pass sees. */
        int tokens();

        /**
         * Side by side: tokenized without special tokens, the model's prefix token (BOS, else end of sequence) before each
         * window, every position scored. A last one that is not full is dropped.
         */
        record Disjoint(int tokens) implements Windowing {
            public Disjoint {
                requirePositive("windowTokens", tokens);
            }
        }

        /**
         * What lm-evaluation-harness calls {@code loglikelihood_rolling}: tokenized with the tokenizer's own special tokens;
         * the prefix token stands before the first window and the token before it before each other one. Every token is
         * scored once; a last window that is not full reaches back for more context.
         */
        record Rolling(int tokens) implements Windowing {
            public Rolling {
                requirePositive("windowTokens", tokens);
            }
        }

        /**
         * As the guide "Perplexity of fixed-length models" of transformers has it: tokenized with the tokenizer's own
         * special tokens, windows begin every {@code stride} tokens, and each scores what no earlier one did. Nothing comes
         * before the first token, which is not scored. The guide weighs windows by one token less than they score; here,
         * every token weighs the same.
         *
         * @param stride at most {@code tokens}
         */
        record Sliding(int tokens, int stride) implements Windowing {
            public Sliding {
                requirePositive("windowTokens", tokens);
                requirePositive("stride", stride);
                if (stride > tokens) {
                    throw new IllegalArgumentException("stride " + stride + " exceeds the window of " + tokens);
                }
            }
        }
    }

    /**
     * Perplexity over windows of a text.
     *
     * @param text UTF-8 file, or JSONL with a {@code text} member (then each record is windowed on its own)
     * @param maxWindows only the first so many windows
     */
    record Perplexity(String name, Path text, Windowing windowing, OptionalInt maxWindows) implements EvaluationTask {

        /** Over disjoint windows of so many tokens. */
        public Perplexity(String name, Path text, int windowTokens, OptionalInt maxWindows) {
            this(name, text, new Windowing.Disjoint(windowTokens), maxWindows);
        }
    }

    /**
     * Multiple choice as lm-evaluation-harness scores it: context, a space and each choice are tokenized together with the
     * tokenizer's own special tokens (an empty context is the model's prefix token); a choice's score is the sum of the
     * log-probabilities of the tokens past the context's own count, without spaces at its end.
     *
     * @param maxItems only the first so many items, of MMLU of each subject
     */
    record MultipleChoice(String name, Path items, ChoiceFormat format, OptionalInt maxItems)
            implements EvaluationTask {

        /** JSONL with {@code context}, {@code choices} and {@code answer} (index). */
        public MultipleChoice(String name, Path items, OptionalInt maxItems) {
            this(name, items, new ChoiceFormat.Jsonl(), maxItems);
        }
    }

    /** What multiple-choice items are read from. */
    sealed interface ChoiceFormat {

        /** A file with {@code context}, {@code choices} and {@code answer} (index) in each line. */
        record Jsonl() implements ChoiceFormat {}

        /**
         * MMLU's CSV files, {@code question,A,B,C,D,answer}: in a folder, at any depth of a few, {@code SUBJECT_test.csv} and
         * for examples {@code SUBJECT_dev.csv}; or one such file, whose examples lie beside it or in {@code ../dev}. Prompts
         * are those of the harness's task {@code mmlu}.
         *
         * @param fewShot examples before each question, the first ones of the subject's dev file
         */
        record MmluCsv(int fewShot) implements ChoiceFormat {

            public static final String TEST = "_test.csv";
            public static final String DEV = "_dev.csv";

            public MmluCsv {
                if (fewShot < 0) {
                    throw new IllegalArgumentException("fewShot must not be negative: " + fewShot);
                }
            }

            /** Whether a file of that name is one of those that are read. */
            public static boolean reads(String fileName) {
                return fileName.endsWith(TEST) || fileName.endsWith(DEV);
            }
        }
    }

    /**
     * How far the distributions of next tokens lie from those of another model, over disjoint windows.
     *
     * @param text as for perplexity, and so are the next two
     * @param baseline folder of the other model's checkpoint; its vocabulary must be as large
     */
    record Divergence(String name, Path text, int windowTokens, OptionalInt maxWindows, Path baseline)
            implements EvaluationTask {
        public Divergence {
            requirePositive("windowTokens", windowTokens);
        }
    }

    /**
     * A continuation, shown beside the scores so that a person can judge it.
     *
     * @param prompt plain text; BOS is put before it
     */
    record Generation(String name, String prompt, int maxTokens, SamplingOptions sampling) implements EvaluationTask {}

    /**
     * A fixed set of prompts through the model as it is served, and through the one that it was made of: whether it computes
     * numbers, goes round in circles, or has become another model.
     *
     * @param baseline folder of the other model's checkpoint; its vocabulary must be as large
     */
    record Smoke(String name, Path baseline) implements EvaluationTask {}

    /** Whether the task itself looks at the baseline, so that the baseline is not to be scored on it. */
    default boolean comparing() {
        return this instanceof Divergence || this instanceof Smoke;
    }

    private static void requirePositive(String what, int number) {
        if (number <= 0) {
            throw new IllegalArgumentException(what + " must be positive: " + number);
        }
    }
}
