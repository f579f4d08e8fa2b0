package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.engine.TestModels;
import io.octavo.engine.chat.Interpreter;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which tokens a calibration sees. */
class CalibrationSamplesTest {

    private static final List<String> TEXTS =
            List.of("The old man sat down.", "It rained.", "", "Nobody came to the door that evening.", "Wait!");

    @TempDir
    private Path folder;

    private List<int[]> samples(int count, int length, long seed) throws IOException {
        Path file = folder.resolve("texts.jsonl");
        Files.write(
                file, TEXTS.stream().map(text -> "{\"text\": \"" + text + "\"}").toList());
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            return Calibrator.samples(checkpoint, new CalibrationData(file, count, length, seed), spec);
        }
    }

    /** What a model was trained on: its first token, then the text. */
    private static int[] tokens(String text) {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m());
                Tokenizer tokenizer = Tokenizer.open(TestModels.books5m())) {
            int first =
                    Architectures.read(checkpoint.config().tree()).bosTokenId().orElseThrow();
            int[] encoded = tokenizer.encode(text);
            int[] all = new int[encoded.length + 1];
            all[0] = first;
            System.arraycopy(encoded, 0, all, 1, encoded.length);
            return all;
        }
    }

    @Test
    void everyTextBeginsWithTheModelsFirstToken() throws IOException {
        assertThat(samples(5, 100, 0))
                .usingRecursiveComparison()
                .isEqualTo(TEXTS.stream().map(CalibrationSamplesTest::tokens).toList());
    }

    @Test
    void theJobsLogTellsHowManyThereAre() throws IOException {
        List<String> lines = new ArrayList<>();
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            Path file = Files.writeString(folder.resolve("texts.txt"), TEXTS.getFirst());
            Calibrator.samples(
                    checkpoint,
                    new CalibrationData(file, 512, 3, 0),
                    Architectures.read(checkpoint.config().tree()),
                    new Lines(lines));
        }
        assertThat(lines).containsExactly("calibrating on 1 of the 512 samples asked for, 3 tokens together");
    }

    private record Lines(List<String> lines) implements JobMonitor {
        @Override
        public void phase(String name) {}

        @Override
        public void progress(double fraction) {}

        @Override
        public void log(String line) {
            lines.add(line);
        }

        @Override
        public void checkpoint() {}
    }

    @Test
    void aSeedDrawsOtherTextsAndAlwaysTheSame() throws IOException {
        var drawn = new ArrayList<>(TEXTS);
        Collections.shuffle(drawn, new Random(3));
        assertThat(drawn.subList(0, 2)).as("a draw that tells").isNotEqualTo(TEXTS.subList(0, 2));

        assertThat(samples(2, 100, 3))
                .usingRecursiveComparison()
                .isEqualTo(drawn.subList(0, 2).stream()
                        .map(CalibrationSamplesTest::tokens)
                        .toList());
    }

    @Test
    void textsAreCutAfterTheFirstTokens() throws IOException {
        List<int[]> samples = samples(3, 4, 0);
        assertThat(samples).hasSize(3);
        for (int i = 0; i < samples.size(); i++) {
            int[] whole = tokens(TEXTS.get(i));
            assertThat(samples.get(i)).isEqualTo(Arrays.copyOf(whole, Math.min(whole.length, 4)));
        }
    }

    private List<int[]> samplesOf(Path model, String... rows) throws IOException {
        Path file = Files.write(folder.resolve("chats.jsonl"), List.of(rows));
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            return Calibrator.samples(checkpoint, new CalibrationData(file, 10, 100, 0), spec);
        }
    }

    /** The template says all that is to be read, so nothing comes before it. */
    @Test
    void aChatIsReadAsTheModelsTemplateRendersIt() throws IOException {
        Interpreter.assumeThere();
        List<int[]> samples = samplesOf(
                TestModels.books5m(),
                "{\"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}, {\"role\": \"assistant\", \"content\": \"Me.\"}]}",
                "{\"text\": \"It rained.\"}");
        int[] plain = tokens("<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nMe.<|im_end|>\n");
        assertThat(samples).hasSize(2);
        assertThat(samples.getFirst()).isEqualTo(Arrays.copyOfRange(plain, 1, plain.length));
        assertThat(samples.getLast()).isEqualTo(tokens("It rained."));
    }

    @Test
    void aChatForAModelWithoutATemplateIsRefusedByItsLine() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.copy(TestModels.books5m().resolve(name), model.resolve(name));
        }
        String chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}]}";
        assertThatExceptionOfType(QuantizationException.class)
                .isThrownBy(() -> samplesOf(model, "{\"text\": \"It rained.\"}", chat))
                .withMessageContaining("chats.jsonl line 2: the model has no chat template")
                .satisfies(refused -> assertThat(refused.code()).isEqualTo(ErrorCode.CHAT_TEMPLATE_MISSING));
        assertThatExceptionOfType(QuantizationException.class)
                .isThrownBy(() -> samplesOf(TestModels.books5m(), "{\"messages\": \"Who?\"}"))
                .withMessageContaining("chats.jsonl line 1: messages must be an array")
                .satisfies(refused -> assertThat(refused.code()).isEqualTo(ErrorCode.DATASET_INVALID));
    }

    @ParameterizedTest
    @CsvSource({"empty.jsonl, ''", "empty.txt, ''", "blank.txt, ' \n\t\n'", "blank.jsonl, '{\"text\": \" \"}'"})
    void aFileWithoutTextsIsRefused(String name, String content) throws IOException {
        Path empty = Files.writeString(folder.resolve(name), content);
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            assertThatExceptionOfType(QuantizationException.class)
                    .isThrownBy(() -> Calibrator.samples(checkpoint, new CalibrationData(empty, 1, 4, 0), spec))
                    .withMessageContaining(name + " holds no text to calibrate on")
                    .satisfies(refused -> assertThat(refused.code()).isEqualTo(ErrorCode.DATASET_INVALID));
        }
    }
}
