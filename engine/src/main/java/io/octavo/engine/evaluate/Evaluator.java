package io.octavo.engine.evaluate;

import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.generate.Generator;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.Transformer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Runs evaluation tasks on one model. */
public final class Evaluator {

    private static final int MOST_SEQUENCES = 256;

    private final ModelSpec spec;
    private final Tokenizer tokenizer;
    private final ChatTemplate chats;
    private final Function<RunLimits, Transformer> loader;
    private final Function<Path, Baseline> baselines;

    /**
     * @param chats renders chats among the tasks' texts; borrowed
     * @param loader loads the model once the tasks' needs are known; the result is closed here
     * @param baselines opens another checkpoint by its folder; the result is closed here
     */
    public Evaluator(
            ModelSpec spec,
            Tokenizer tokenizer,
            ChatTemplate chats,
            Function<RunLimits, Transformer> loader,
            Function<Path, Baseline> baselines) {
        this.spec = spec;
        this.tokenizer = tokenizer;
        this.chats = chats;
        this.loader = loader;
        this.baselines = baselines;
    }

    /** Results in the order of {@code tasks}. */
    public List<TaskResult> evaluate(List<EvaluationTask> tasks, JobMonitor monitor) {
        monitor.phase("tokenize");
        List<PreparedTask> prepared = new ArrayList<>();
        for (EvaluationTask task : tasks) {
            monitor.checkpoint();
            prepared.add(PreparedTask.prepare(task, tokenizer, spec, chats));
        }
        monitor.phase("load");
        try (Transformer model = loader.apply(limits(prepared));
                SequenceScorer scorer = new SequenceScorer(model)) {
            monitor.phase("evaluate");
            Steps steps = new Steps(
                    monitor, prepared.stream().mapToInt(PreparedTask::steps).sum());
            List<TaskResult> results = new ArrayList<>();
            for (PreparedTask task : prepared) {
                results.add(run(task, model, scorer, steps));
            }
            return results;
        }
    }

    private RunLimits limits(List<PreparedTask> tasks) {
        int context = tasks.stream().mapToInt(PreparedTask::contextTokens).max().orElse(1);
        return RunLimits.forThroughput(spec, Math.min(context, spec.maxPositions()), MOST_SEQUENCES);
    }

    private TaskResult run(PreparedTask task, Transformer model, SequenceScorer scorer, Steps steps) {
        long start = System.nanoTime();
        return switch (task) {
            case PreparedTask.Windows windows -> {
                double[] sums = scorer.score(windows.windows(), steps::done);
                yield windows.result(sums, since(start));
            }
            case PreparedTask.Pairs pairs -> compare(pairs, model, steps, start);
            case PreparedChoices choices -> {
                double[] sums = scoreByLength(choices.sequences(), scorer, steps);
                yield choices.result(sums, since(start));
            }
            case PreparedTask.Prompt prompt -> {
                List<Integer> ids = new Generator(model)
                        .generate(
                                prompt.tokens(),
                                prompt.task().maxTokens(),
                                prompt.task().sampling(),
                                steps.still());
                steps.done(prompt.steps());
                yield new TaskResult.Generation(
                        prompt.task().name(),
                        prompt.task().prompt(),
                        tokenizer.decode(ids),
                        ids.size(),
                        prompt.task().sampling(),
                        since(start));
            }
        };
    }

    private TaskResult compare(PreparedTask.Pairs pairs, Transformer model, Steps steps, long start) {
        try (Baseline baseline = baselines.apply(pairs.task().baseline())) {
            pairs.requireComparable(spec, baseline.spec());
            try (Transformer other = baseline.load(model.limits());
                    DivergenceScorer scorer = new DivergenceScorer(model, other)) {
                scorer.score(pairs.windows(), steps::done);
                return pairs.result(scorer, since(start));
            }
        }
    }

    /** Sequences of similar length share a batch, so that none waits for a much longer one. */
    private static double[] scoreByLength(List<ScoredSequence> sequences, SequenceScorer scorer, Steps steps) {
        int[] order = IntStream.range(0, sequences.size())
                .boxed()
                .sorted((a, b) -> Integer.compare(
                        sequences.get(b).inputTokens(), sequences.get(a).inputTokens()))
                .mapToInt(Integer::intValue)
                .toArray();
        List<ScoredSequence> sorted =
                Arrays.stream(order).mapToObj(sequences::get).toList();
        double[] sortedSums = scorer.score(sorted, steps::done);
        double[] sums = new double[sortedSums.length];
        for (int i = 0; i < order.length; i++) {
            sums[order[i]] = sortedSums[i];
        }
        return sums;
    }

    private static Duration since(long startNanos) {
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }

    /** Turns finished steps into progress. */
    private static final class Steps {

        private final JobMonitor monitor;
        private final int total;
        private int finished;

        Steps(JobMonitor monitor, int total) {
            this.monitor = monitor;
            this.total = total;
        }

        void done(int steps) {
            finished += steps;
            monitor.progress(share());
            monitor.checkpoint();
        }

        /** A monitor of what tells of no steps. */
        JobMonitor still() {
            return monitor.part(share(), share());
        }

        private double share() {
            return (double) finished / total;
        }
    }
}
