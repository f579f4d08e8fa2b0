package io.octavo.engine.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Greedy continuations against those of transformers in float32. */
class GoldenGenerationTest {

    private static final Path EXAMPLE = TestModels.books5m();

    @Test
    void continuesTheExampleModelAsTransformersDoes() throws IOException {
        assertContinues(EXAMPLE);
    }

    @Test
    void continuesBooks28mAsTransformersDoes() throws IOException {
        assertContinues(TestModels.shared("models/books-28m"));
    }

    @Test
    void refusesMoreTokensThanTheModelHasPositions() {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 1))) {
            GenerationRequest request = new GenerationRequest(EXAMPLE, "The old man", 1_000_000);
            assertThatThrownBy(() -> engine.generate(request, JobMonitor.none()))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.PROMPT_TOO_LONG));
        }
    }

    @Test
    void answersAUserByTheModelsChatTemplate() {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2));
                Tokenizer tokenizer = Tokenizer.open(EXAMPLE)) {
            var request = new GenerationRequest(EXAMPLE, "Who?", true, 2, SamplingOptions.greedy());
            GenerationResult result = engine.generate(request, JobMonitor.none());
            int[] rendered = tokenizer.encode("<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\n");
            assertThat(result.promptIds())
                    .isEqualTo(IntStream.of(rendered).boxed().toList());
        }
    }

    @Test
    void drawsTheSameTextForTheSameSeed() {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            List<Integer> greedy = ids(engine, SamplingOptions.greedy());
            List<Integer> drawn = ids(engine, new SamplingOptions(1, 40, 0.95f, 0, 1, 7));
            assertThat(drawn).isEqualTo(ids(engine, new SamplingOptions(1, 40, 0.95f, 0, 1, 7)));
            assertThat(drawn)
                    .isNotEqualTo(greedy)
                    .isNotEqualTo(ids(engine, new SamplingOptions(1, 40, 0.95f, 0, 1, 8)));
            assertThat(ids(engine, new SamplingOptions(1, 1, 1, 0, 1, 7))).isEqualTo(greedy);
            assertThat(ids(engine, new SamplingOptions(2, 0, 1, 1, 1, 7))).isEqualTo(greedy);
        }
    }

    @Test
    void repeatsNoTokenUnderALargePenalty() {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            assertThat(ids(engine, new SamplingOptions(0, 0, 1, 0, 1000, 0))).doesNotHaveDuplicates();
            assertThat(ids(engine, SamplingOptions.greedy()))
                    .isNotEqualTo(ids(engine, new SamplingOptions(0, 0, 1, 0, 1000, 0)));
        }
    }

    private static List<Integer> ids(Engine engine, SamplingOptions sampling) {
        var request = new GenerationRequest(EXAMPLE, "The old man", 24, sampling);
        return engine.generate(request, JobMonitor.none()).newIds();
    }

    private static void assertContinues(Path model) throws IOException {
        JsonNode golden = JsonMapper.shared().readTree(Files.readString(model.resolve("golden_generate.json")));
        List<Integer> prompt = ids(golden.path("input_ids"));
        List<Integer> whole = ids(golden.path("greedy_ids"));
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            String text = golden.path("prompt").stringValue();
            int newTokens = whole.size() - prompt.size();
            GenerationResult result = engine.generate(new GenerationRequest(model, text, newTokens), JobMonitor.none());
            assertThat(result.promptIds()).isEqualTo(prompt);
            assertThat(result.newIds()).isEqualTo(whole.subList(prompt.size(), whole.size()));
            assertThat(golden.path("greedy_text").stringValue()).endsWith(text + result.text());
        }
    }

    private static List<Integer> ids(JsonNode array) {
        return array.valueStream().map(JsonNode::intValue).toList();
    }
}
