package io.octavo.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutates the files of small checkpoints and opens, labels, reads and plans them: whatever they hold, the answer is a
 * result or a {@link QuantizationException}.
 *
 * <p>{@code -Doctavo.fuzz.cases=1000000 -Doctavo.fuzz.seed=7} runs longer.
 */
class HostileInputFuzzTest {

    private static final int CASES = Integer.getInteger("octavo.fuzz.cases", 2000);
    private static final long SEED = Long.getLong("octavo.fuzz.seed", 20261122);

    /** Pieces that parsers trip over, put in at random places. */
    private static final List<String> PIECES = List.of(
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "null",
            "true",
            "-1",
            "0",
            "1e999",
            "9223372036854775807",
            "99999999999999999999",
            "\\ud800",
            "\\u0000",
            "NaN",
            "[[[[[[[[[[",
            "{\"a\":",
            "\"dtype\"",
            "\"shape\"",
            "\"data_offsets\"",
            "\"F8_E4M3\"",
            "\"__metadata__\"",
            "\"weight_map\"",
            "../",
            "\"re:(a|b)*\"",
            "\"Linear\"",
            "\"tensor\"",
            "\"block\"",
            "\"quantization_config\"",
            "\"ignore\"",
            "\u00ff");

    @TempDir
    Path folder;

    @Test
    void answersEveryMutationWithAResultOrATypedError() throws IOException {
        Path quantized = new CheckpointFixture()
                .config(new String(
                        io.octavo.engine.checkpoint.ConfigJson.parse(
                                        "{\"architectures\": [\"X\"]}".getBytes(StandardCharsets.UTF_8))
                                .withQuantizationConfig(
                                        CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head")))
                                .bytes(),
                        StandardCharsets.UTF_8))
                .with("m.fc.weight", DType.F8_E4M3, List.of(2L, 2L), new byte[4])
                .withBf16("m.fc.weight_scale", List.of(2L, 1L), 1, 1)
                .write(folder.resolve("quantized"));
        Path plain = new CheckpointFixture()
                .withBf16("m.q_proj.weight", List.of(2L, 2L), 1, 2, 3, 4)
                .withBf16("m.norm.weight", List.of(2L), 1, 1)
                .write(folder.resolve("plain"));
        Path sharded = new CheckpointFixture()
                .withBf16("m.fc.weight", List.of(2L, 2L), 1, 2, 3, 4)
                .write(folder.resolve("sharded"));
        Files.move(sharded.resolve("model.safetensors"), sharded.resolve("a.safetensors"));
        Files.writeString(
                sharded.resolve("model.safetensors.index.json"),
                "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"m.fc.weight\":\"a.safetensors\"}}");

        var random = new SplittableRandom(SEED);
        int accepted = 0;
        for (int i = 0; i < CASES; i++) {
            Path checkpoint = List.of(quantized, plain, sharded).get(random.nextInt(3));
            accepted += mutateAndOpen(checkpoint, random, i) ? 1 : 0;
        }
        // Some mutations hit bytes that do not matter; were all refused, the fuzzer would test nothing.
        assertThat(accepted).isBetween(CASES / 200, CASES / 2);
    }

    private static boolean mutateAndOpen(Path checkpoint, SplittableRandom random, int number) throws IOException {
        List<Path> files;
        try (var list = Files.list(checkpoint)) {
            files = list.sorted().toList();
        }
        Path victim = files.get(random.nextInt(files.size()));
        byte[] original = Files.readAllBytes(victim);
        Files.write(victim, mutate(original, random));
        try (Checkpoint opened = Checkpoint.open(checkpoint)) {
            Label.of(opened.config());
            CompressedTensors.read(opened);
            if (opened.config().quantizationConfig().isEmpty()) {
                QuantizationPlan.of(opened, Scheme.FP8_DYNAMIC, List.of());
            }
            return true;
        } catch (QuantizationException e) {
            return false;
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + SEED + ", case " + number + ", file " + victim, e);
        } finally {
            Files.write(victim, original);
        }
    }

    private static byte[] mutate(byte[] original, SplittableRandom random) {
        byte[] bytes = original.clone();
        int mutations = 1 + random.nextInt(3);
        for (int i = 0; i < mutations && bytes.length > 0; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                case 3 -> bytes = splice(bytes, at, new byte[0], Math.min(bytes.length - at, random.nextInt(20)));
                default -> {
                    byte[] piece = PIECES.get(random.nextInt(PIECES.size())).getBytes(StandardCharsets.UTF_8);
                    bytes = splice(bytes, at, piece, Math.min(bytes.length - at, random.nextInt(piece.length + 1)));
                }
            }
        }
        return bytes;
    }

    private static byte[] splice(byte[] bytes, int at, byte[] piece, int replaced) {
        byte[] result = new byte[bytes.length + piece.length - replaced];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(piece, 0, result, at, piece.length);
        System.arraycopy(bytes, at + replaced, result, at + piece.length, bytes.length - at - replaced);
        return result;
    }
}
