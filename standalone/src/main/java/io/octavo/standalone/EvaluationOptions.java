package io.octavo.standalone;

import io.octavo.cli.command.UsageException;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.EvaluationTask.Windowing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which scores a command is to find. */
final class EvaluationOptions {

    @Option(
            names = "--perplexity",
            paramLabel = "FILE",
            description = "A text, or JSONL with text or messages in each line; may be given again.")
    private List<Path> texts = new ArrayList<>();

    @Option(
            names = "--windows",
            paramLabel = "KIND",
            description =
                    "disjoint (the default): BOS before each, the rest is dropped; rolling: lm-evaluation-harness's"
                            + " loglikelihood_rolling; sliding: every --stride tokens, as the guide of transformers has it.")
    private String windows = "disjoint";

    @Option(names = "--window-tokens", paramLabel = "N", description = "Tokens of a window (${DEFAULT-VALUE}).")
    private int windowTokens = 512;

    @Option(names = "--stride", paramLabel = "N", description = "Of sliding windows. Default: half a window.")
    private @Nullable Integer stride;

    @Option(names = "--max-windows", paramLabel = "N", description = "Only the first so many windows of each text.")
    private @Nullable Integer maxWindows;

    @Option(
            names = "--choices",
            paramLabel = "FILE",
            description = "Multiple choice: JSONL with context, choices and answer in each line; may be given again.")
    private List<Path> choices = new ArrayList<>();

    @Option(
            names = "--mmlu",
            paramLabel = "DIR",
            description = "MMLU's CSV files: SUBJECT_test.csv, and SUBJECT_dev.csv for examples.")
    private @Nullable Path mmlu;

    @Option(
            names = "--few-shot",
            paramLabel = "N",
            description = "Examples before each question of MMLU (${DEFAULT-VALUE}).")
    private int fewShot = 5;

    @Option(
            names = "--max-items",
            paramLabel = "N",
            description = "Only the first so many items of each file of choices.")
    private @Nullable Integer maxItems;

    /**
     * @param baseline from which divergence over the texts is asked for, too; null for none
     * @param smokeBaseline with which smoke inference compares; null for no smoke inference
     * @throws UsageException if there is nothing to score, or what is asked for contradicts itself
     */
    List<EvaluationTask> tasks(@Nullable Path baseline, @Nullable Path smokeBaseline) {
        List<EvaluationTask> tasks = new ArrayList<>();
        OptionalInt windowLimit = optional("--max-windows", maxWindows);
        OptionalInt itemLimit = optional("--max-items", maxItems);
        for (Path text : texts) {
            tasks.add(new EvaluationTask.Perplexity(name(text), text, windowing(), windowLimit));
        }
        if (baseline != null) {
            for (Path text : texts) {
                tasks.add(new EvaluationTask.Divergence(
                        name(text) + ".divergence", text, windowTokens, windowLimit, baseline));
            }
        }
        for (Path file : choices) {
            tasks.add(new EvaluationTask.MultipleChoice(name(file), file, itemLimit));
        }
        if (mmlu != null) {
            if (fewShot < 0) {
                throw new UsageException("--few-shot: " + fewShot + " is less than 0");
            }
            var format = new EvaluationTask.ChoiceFormat.MmluCsv(fewShot);
            tasks.add(new EvaluationTask.MultipleChoice("mmlu", mmlu, format, itemLimit));
        }
        if (smokeBaseline != null) {
            tasks.add(new EvaluationTask.Smoke("smoke", smokeBaseline));
        }
        if (tasks.isEmpty()) {
            throw new UsageException("nothing to score: give --perplexity, --choices or --mmlu");
        }
        Set<String> names = new HashSet<>();
        for (EvaluationTask task : tasks) {
            if (!names.add(task.name())) {
                throw new UsageException("two tasks are called " + task.name());
            }
        }
        return tasks;
    }

    private Windowing windowing() {
        if (stride != null && !windows.equals("sliding")) {
            throw new UsageException("--stride: goes with --windows sliding alone");
        }
        try {
            return switch (windows) {
                case "disjoint" -> new Windowing.Disjoint(windowTokens);
                case "rolling" -> new Windowing.Rolling(windowTokens);
                case "sliding" -> new Windowing.Sliding(windowTokens, stride == null ? (windowTokens + 1) / 2 : stride);
                default -> throw new UsageException("--windows takes disjoint, rolling or sliding, not " + windows);
            };
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private static OptionalInt optional(String option, @Nullable Integer number) {
        if (number != null && number < 1) {
            throw new UsageException(option + ": " + number + " is less than 1");
        }
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /** Of a folder its name, of a file that without its ending. */
    static String name(Path path) {
        String name = path.toAbsolutePath().normalize().getFileName().toString();
        return Files.isDirectory(path) || name.lastIndexOf('.') < 1 ? name : name.substring(0, name.lastIndexOf('.'));
    }
}
