package io.octavo.engine.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.EvaluationTask.ChoiceFormat;
import io.octavo.engine.request.EvaluationTask.Windowing;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scores of the example model against lm_eval 0.4.13 and transformers 5.18, both in float32, on a few small texts. */
class ReferenceScoresTest {

    private static final int CHARACTERS = 6000;

    @TempDir
    private Path folder;

    private Path text = Path.of("");

    @BeforeEach
    void writeTheBeginningOfABook() throws IOException {
        String book = Files.readString(TestModels.repository().resolve("examples/data/books-heldout.txt"));
        text = Files.writeString(folder.resolve("text.txt"), book.substring(0, CHARACTERS));
    }

    @Test
    void rollingWindowsAreLoglikelihoodRolling() {
        TaskResult.Perplexity result = perplexity(new Windowing.Rolling(128));
        TaskResult.TextScores scores = Objects.requireNonNull(result.text());
        assertThat(scores.bytes()).isEqualTo(6016);
        assertThat(scores.bitsPerByte()).isCloseTo(1.6791972100936856, withinPercentage(0.01));
        assertThat(scores.bytePerplexity()).isCloseTo(3.2024969800177017, withinPercentage(0.01));
        assertThat(scores.wordPerplexity()).isCloseTo(1179.6076179769168, withinPercentage(0.05));
    }

    /** The guide's own mean, which weighs windows otherwise, is 98.489. */
    @Test
    void slidingWindowsAreThoseOfTheGuide() {
        TaskResult.Perplexity result = perplexity(new Windowing.Sliding(128, 64));
        assertThat(result.tokens()).isEqualTo(1502);
        assertThat(result.perplexity()).isCloseTo(98.4914640640476, withinPercentage(0.02));
        assertThat(result.text()).isNotNull();
        TaskResult.Perplexity disjoint = perplexity(new Windowing.Sliding(128, 128));
        assertThat(disjoint.tokens()).isEqualTo(1491);
        assertThat(disjoint.perplexity()).isCloseTo(105.78845830022051, withinPercentage(0.02));
        assertThat(disjoint.text()).isNull();
    }

    @Test
    void windowsThatLeaveTokensOutTellNothingOfBytes() {
        assertThat(perplexity(new Windowing.Disjoint(128)).text()).isNull();
        var few = new EvaluationTask.Perplexity("text", text, new Windowing.Rolling(128), OptionalInt.of(3));
        var result = (TaskResult.Perplexity) evaluate(few);
        assertThat(result.windows()).isEqualTo(3);
        assertThat(result.text()).isNull();
    }

    /** Log-likelihoods of the four letters to each question, with two examples. */
    @Test
    void mmluIsScoredAsTheHarnessScoresIt() throws IOException {
        Path mmlu = writeMmlu();
        double[][] expected = {
            {-4.554084300994873, -4.949520587921143, -6.0819478034973145, -6.401147842407227},
            {-5.294186592102051, -5.625316619873047, -6.606842041015625, -6.714007377624512},
            {-5.123325347900391, -5.582409381866455, -6.602171897888184, -6.519154071807861},
            {-4.340849876403809, -5.721840858459473, -7.005995750427246, -6.991100311279297},
            {-3.3279619216918945, -5.300995826721191, -5.868244647979736, -5.561492919921875}
        };
        var task = new EvaluationTask.MultipleChoice("mmlu", mmlu, new ChoiceFormat.MmluCsv(2), OptionalInt.empty());
        double[] expectedLosses = Stream.of(expected)
                .flatMapToDouble(DoubleStream::of)
                .map(value -> -value)
                .toArray();
        assertThat(losses(task)).containsExactly(expectedLosses, within(2e-5));

        var result = (TaskResult.MultipleChoice) evaluate(task);
        assertThat(result.subjects())
                .containsExactly(
                        new TaskResult.Subject("abstract_algebra", 3, 0), new TaskResult.Subject("virology", 2, 0.5));
        assertThat(result.categories())
                .containsExactly(new TaskResult.Subject("stem", 3, 0), new TaskResult.Subject("other", 2, 0.5));
        assertThat(result.accuracy()).isEqualTo(0.2);
        assertThat(result.accuracyNormalized()).isEqualTo(0.2);
    }

    private static double[] losses(EvaluationTask.MultipleChoice task) {
        Path model = TestModels.books5m();
        try (Backend backend = Backends.open("cpu", 2);
                Tokenizer tokenizer = Tokenizer.open(model);
                Baseline opened = Baseline.open(backend, model)) {
            PreparedChoices prepared = PreparedChoices.prepare(task, tokenizer, opened.spec());
            try (Transformer loaded = opened.load(new RunLimits(512, 4, 512, 64));
                    var scorer = new SequenceScorer(loaded)) {
                return scorer.score(prepared.sequences(), count -> {});
            }
        }
    }

    private Path writeMmlu() throws IOException {
        Path mmlu = Files.createDirectory(folder.resolve("mmlu"));
        Files.writeString(mmlu.resolve("abstract_algebra_dev.csv"), """
                What is the order of the group Z_4?,1,2,4,8,C
                "Is ""Z_2 x Z_2"" cyclic?",Yes,No,"Yes, but only once",Nobody knows,B
                """);
        Files.writeString(mmlu.resolve("abstract_algebra_test.csv"), """
                Which of these is a field?,Z_4,Z_5,Z_6,Z_8,B
                The order of 2 in Z_6 is,1,2,3,6,C
                "How many units has Z_8, the ring?",1,2,4,8,C
                """);
        Files.writeString(mmlu.resolve("virology_dev.csv"), """
                A virus needs a,book,host,house,horse,B
                Which of them is a virus?,Measles,Moss,Mould,Mouse,A
                """);
        Files.writeString(
                mmlu.resolve("virology_test.csv"),
                "The old man had the,flu,fly,floor,flower,A\n  What spreads by air?,Iron,Influenza,Ink,Ice,B\n");
        return mmlu;
    }

    private TaskResult.Perplexity perplexity(Windowing windowing) {
        return (TaskResult.Perplexity)
                evaluate(new EvaluationTask.Perplexity("text", text, windowing, OptionalInt.empty()));
    }

    private static TaskResult evaluate(EvaluationTask task) {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            return engine.evaluate(new EvaluationRequest(TestModels.books5m(), List.of(task)), JobMonitor.none())
                    .tasks()
                    .getFirst();
        }
    }
}
