package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.AbstractEngineTest;
import io.octavo.engine.TestModels;
import io.octavo.engine.artifact.FolderJournal;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models whose codes are solved layer by layer. */
class GptqTest extends AbstractEngineTest {

    private static final int LAYERS = 4;

    @ParameterizedTest
    @ValueSource(strings = {"W4A16_ASYM_G64", "NVFP4A16", "MXFP4A16"})
    void losesLessThanRounding(String scheme) {
        quantize(recipe(scheme, List.of()), "rounded", Optional.empty(), JobMonitor.none());
        quantize(recipe(scheme, List.of(new Gptq())), "solved", Optional.empty(), JobMonitor.none());
        double original = perplexity(TestModels.books5m());
        double rounded = perplexity(folder.resolve("rounded"));
        double solved = perplexity(folder.resolve("solved"));
        assertThat(solved - original).isLessThan(0.97 * (rounded - original));
    }

    @Test
    void solvesWhatOtherModifiersLeave() throws IOException {
        List<Modifier> both = List.of(new SmoothQuant(0.8), new Gptq());
        quantize(recipe("W8A8_STATIC", both), "solved", Optional.empty(), JobMonitor.none());
        assertThat(Files.readString(folder.resolve("solved/octavo.json")))
                .contains("\"type\": \"smoothquant\"", "\"type\": \"gptq\"", "\"dampening\": 0.01");
        assertThat(perplexity(folder.resolve("solved"))).isLessThan(1.03 * perplexity(TestModels.books5m()));
    }

    @Test
    void goesOnWhereItWasInterrupted() throws IOException {
        Recipe recipe = small(List.of(new Gptq()));
        var whole = new Log();
        quantize(recipe, "whole", Optional.empty(), whole);
        assertThat(whole.solvedLayers()).isEqualTo(LAYERS);

        var journal = new FolderJournal(folder.resolve("journal"));
        for (int layers = 1; layers < LAYERS; layers++) {
            var interrupted = new Log().stoppingOnce(journal.folder(), layers);
            assertThatThrownBy(() -> quantize(recipe, "resumed", Optional.of(journal), interrupted))
                    .isInstanceOf(JobCancelledException.class);
            assertThat(files(journal.folder())).hasSize(layers);
        }
        var last = new Log();
        quantize(recipe, "resumed", Optional.of(journal), last);
        assertThat(last.solvedLayers()).isEqualTo(1);
        assertSame(folder.resolve("whole"), folder.resolve("resumed"));
    }

    @Test
    void makesAgainWhatTheJournalHoldsBroken() throws IOException {
        Recipe recipe = small(List.of(new Gptq()));
        var journal = new FolderJournal(folder.resolve("journal"));
        quantize(recipe, "first", Optional.of(journal), JobMonitor.none());
        Files.write(files(journal.folder()).get(1), new byte[100]);
        var again = new Log();
        quantize(recipe, "second", Optional.of(journal), again);
        assertThat(again.solvedLayers()).isEqualTo(1);
        assertSame(folder.resolve("first"), folder.resolve("second"));
    }

    /** What another recipe left is not taken. */
    @Test
    void otherSettingsAreSolvedAnew() throws IOException {
        var journal = new FolderJournal(folder.resolve("journal"));
        quantize(small(List.of(new Gptq())), "first", Optional.of(journal), JobMonitor.none());
        var other = new Log();
        var settings = new Gptq(0.02, true, true, true, false, false);
        quantize(small(List.of(settings)), "second", Optional.of(journal), other);
        assertThat(other.solvedLayers()).isEqualTo(LAYERS);
        assertThat(files(journal.folder())).hasSize(2 * LAYERS);
    }

    @Test
    void laterLayersAreSolvedForWhatSolvedLayersGive() {
        var blind = new Gptq(Gptq.DEFAULT_DAMPENING, true, true, true, false, false);
        quantize(small(List.of(new Gptq())), "seeing", Optional.empty(), JobMonitor.none());
        quantize(small(List.of(blind)), "blind", Optional.empty(), JobMonitor.none());
        assertThat(codes("seeing", 0)).isEqualTo(codes("blind", 0));
        for (int layer = 1; layer < LAYERS; layer++) {
            assertThat(codes("seeing", layer)).isNotEqualTo(codes("blind", layer));
        }
    }

    @Test
    void linearsOfALayerSeeWhatThoseSolvedBeforeThemGive() {
        var atOnce = new Gptq(Gptq.DEFAULT_DAMPENING, true, true, true, true, false);
        quantize(small(List.of(new Gptq())), "one by one", Optional.empty(), JobMonitor.none());
        quantize(small(List.of(atOnce)), "at once", Optional.empty(), JobMonitor.none());
        assertThat(codes("one by one", 0)).isEqualTo(codes("at once", 0));
        for (String later : List.of("self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj")) {
            assertThat(codes("one by one", 0, later)).isNotEqualTo(codes("at once", 0, later));
        }
    }

    private byte[] codes(String artifact, int layer) {
        return codes(artifact, layer, "self_attn.q_proj");
    }

    private byte[] codes(String artifact, int layer, String linear) {
        String module = "model.layers." + layer + "." + linear;
        try (Checkpoint written = Checkpoint.open(folder.resolve(artifact))) {
            return written.tensor(module + CompressedTensors.WEIGHT_PACKED_SUFFIX)
                    .segment()
                    .toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void assertSame(Path one, Path other) throws IOException {
        for (Path file : files(one)) {
            assertThat(other.resolve(file.getFileName())).hasSameBinaryContentAs(file);
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private static Recipe small(List<Modifier> modifiers) {
        return recipe("W4A16_G64", modifiers).withCalibration(new CalibrationShape(4, 64, 0));
    }

    private static Recipe recipe(String scheme, List<Modifier> modifiers) {
        return new Recipe(scheme, CompressedTensors.NAME, List.of())
                .withModifiers(modifiers)
                .withCalibration(new CalibrationShape(16, 128, 0));
    }

    private void quantize(Recipe recipe, String name, Optional<FolderJournal> journal, JobMonitor monitor) {
        var request = new QuantizationRequest(
                TestModels.books5m(),
                folder.resolve(name),
                recipe,
                Optional.of(TestModels.calibrationTexts()),
                List.of());
        engine.quantize(journal.map(request::withJournal).orElse(request), monitor);
    }

    private double perplexity(Path checkpoint) {
        var task = new EvaluationTask.Perplexity(
                "books", TestModels.repository().resolve("examples/data/books-heldout.txt"), 512, OptionalInt.of(12));
        var result = (TaskResult.Perplexity)
                engine.evaluate(new EvaluationRequest(checkpoint, List.of(task)), JobMonitor.none())
                        .tasks()
                        .getFirst();
        return result.perplexity();
    }

    /** Counts layers that were solved, and may stop once some of them are kept. */
    private static final class Log implements JobMonitor {

        private final List<String> lines = new ArrayList<>();
        private Optional<Path> watched = Optional.empty();
        private int most;

        Log stoppingOnce(Path kept, int layers) {
            watched = Optional.of(kept);
            most = layers;
            return this;
        }

        int solvedLayers() {
            return (int) lines.stream()
                    .filter(line -> line.contains("squared output error"))
                    .count();
        }

        @Override
        public void phase(String name) {}

        @Override
        public void progress(double fraction) {}

        @Override
        public void log(String line) {
            lines.add(line);
        }

        @Override
        public void checkpoint() {
            File[] kept = watched.map(Path::toFile)
                    .map(place -> place.listFiles((parent, name) -> !name.startsWith(".")))
                    .orElse(new File[0]);
            if (watched.isPresent() && kept.length >= most) {
                throw new JobCancelledException("told to stop");
            }
        }
    }
}
