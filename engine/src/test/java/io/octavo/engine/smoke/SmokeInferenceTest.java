package io.octavo.engine.smoke;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.TaskResult;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The example model in FP8, whole and damaged in ways that leave the file readable. */
class SmokeInferenceTest {

    private static final Path MODEL = TestModels.books5m();

    @TempDir
    static Path folder;

    private static Path quantized;

    private static Engine engine;

    @BeforeAll
    static void quantize() {
        engine = Engines.open(new EngineOptions("cpu", 2));
        quantized = folder.resolve("fp8");
        engine.quantize(
                new QuantizationRequest(MODEL, quantized, new Recipe("FP8_DYNAMIC", "compressed-tensors", List.of())),
                JobMonitor.none());
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static TaskResult.Smoke judge(Path model) {
        return judge(model, MODEL, JobMonitor.none());
    }

    private static TaskResult.Smoke judge(Path model, Path baseline, JobMonitor monitor) {
        var task = new EvaluationTask.Smoke("smoke", baseline);
        return (TaskResult.Smoke) engine.evaluate(new EvaluationRequest(model, List.of(task)), monitor)
                .tasks()
                .getFirst();
    }

    private static TaskResult.SmokeCheck check(TaskResult.Smoke verdict, String name) {
        return verdict.checks().stream()
                .filter(check -> check.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** @param damage of the bytes of each tensor whose name ends so */
    private static Path damaged(String name, String suffix, Consumer<byte[]> damage) throws IOException {
        Path target = copy(quantized, name);
        Path file = target.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        JsonNode tensors = JsonMapper.shared().readTree(new String(bytes, 8, header, StandardCharsets.UTF_8));
        int changed = 0;
        for (var tensor : tensors.properties()) {
            if (tensor.getKey().endsWith(suffix)) {
                int from = 8 + header + tensor.getValue().at("/data_offsets/0").intValue();
                int to = 8 + header + tensor.getValue().at("/data_offsets/1").intValue();
                byte[] part = Arrays.copyOfRange(bytes, from, to);
                damage.accept(part);
                System.arraycopy(part, 0, bytes, from, part.length);
                changed++;
            }
        }
        assertThat(changed).isPositive();
        Files.write(file, bytes);
        return target;
    }

    private static Path copy(Path model, String name) throws IOException {
        Path target = Files.createDirectory(folder.resolve(name));
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
        return target;
    }

    @Test
    void aModelAgreesWithItselfEverywhere() {
        TaskResult.Smoke verdict = judge(MODEL);
        assertThat(verdict.passed()).isTrue();
        assertThat(verdict.checks())
                .extracting(TaskResult.SmokeCheck::name)
                .containsExactly("tokens", "finite", "loops", "agreement");
        assertThat(check(verdict, "agreement").value()).isEqualTo(1);
        assertThat(check(verdict, "agreement").limit()).isBetween(0.05, 0.9);
        assertThat(verdict.texts()).hasSize(16).allSatisfy(text -> {
            assertThat(text.text()).isEqualTo(text.baseline());
            assertThat(text.prompt()).isNotEmpty();
        });
        assertThat(verdict.texts()).extracting(TaskResult.SmokeText::text).doesNotHaveDuplicates();
    }

    @Test
    void aGoodOnePasses() {
        TaskResult.Smoke verdict = judge(quantized);
        assertThat(verdict.passed()).as(verdict.checks().toString()).isTrue();
        assertThat(check(verdict, "agreement").value()).isBetween(0.85, 0.9999);
    }

    @Test
    void isAskedToGoOnFromTextsWhereItHasNoChatTemplate() throws IOException {
        Path plain = copy(MODEL, "plain");
        Files.delete(plain.resolve("chat_template.jinja"));
        TaskResult.Smoke verdict = judge(plain, plain, JobMonitor.none());
        assertThat(verdict.passed()).isTrue();
        assertThat(verdict.texts().getFirst().prompt()).isEqualTo("The old man looked out of the window and");
    }

    /** As a wrong order of packed codes does it: every number is there, and nothing fits. */
    @Test
    void oneWhoseWeightsAreInAnotherOrderFails() throws IOException {
        Path broken = damaged("order", "down_proj.weight", bytes -> {
            for (int i = 0; i + 1 < bytes.length; i += 2) {
                byte first = bytes[i];
                bytes[i] = bytes[i + 1];
                bytes[i + 1] = first;
            }
        });
        TaskResult.Smoke verdict = judge(broken);
        assertThat(check(verdict, "agreement").passed())
                .as(verdict.checks().toString())
                .isFalse();
        assertThat(verdict.passed()).isFalse();
    }

    /** Readers refuse it in a scale. */
    @Test
    void oneWithNaNInANormFails() throws IOException {
        Path broken = damaged("nan", "layers.2.input_layernorm.weight", bytes -> Arrays.fill(bytes, 0, 2, (byte) 0xFF));
        TaskResult.Smoke verdict = judge(broken);
        assertThat(verdict.checks()).extracting(TaskResult.SmokeCheck::name).containsExactly("tokens", "finite");
        assertThat(check(verdict, "finite").passed()).isFalse();
    }

    @Test
    void standsBesideScoresInTheOrderOfTheTasks() {
        Path text = TestModels.repository().resolve("examples/data/books-heldout.txt");
        List<EvaluationTask> tasks = List.of(
                new EvaluationTask.Smoke("first", MODEL),
                new EvaluationTask.Perplexity("second", text, 64, OptionalInt.of(1)));
        assertThat(engine.evaluate(new EvaluationRequest(quantized, tasks), JobMonitor.none())
                        .tasks())
                .extracting(TaskResult::name)
                .containsExactly("first", "second");
    }

    @Test
    void isCancelledAtOnce() {
        assertThatThrownBy(() -> judge(quantized, MODEL, JobMonitor.stoppedBy(() -> true)))
                .isInstanceOf(JobCancelledException.class);
    }
}
