package io.octavo.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.inspect.Inspection;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.GivenWeight;
import io.octavo.engine.layout.LayoutFixture;
import io.octavo.engine.layout.LayoutWriters;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutates the files of small checkpoints of every layout and opens, labels, inspects, reads, plans and converts them:
 * whatever they hold, the answer is a result or a {@link QuantizationException}, soon, and in little memory.
 *
 * <p>CONTRIBUTING.md says how to run millions of cases.
 */
class HostileInputFuzzTest {

    private static final int CASES = Integer.getInteger("octavo.fuzz.cases", 2000);
    private static final long SEED = Long.getLong("octavo.fuzz.seed", 20261122);

    /** What one case may allocate; the largest honest one needs less than 4 MB, most of it for regular expressions. */
    private static final long MAX_ALLOCATED_BYTES = 64 << 20;

    private static final long MAX_NANOS = 5_000_000_000L;

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

    private static final String MODULE = "model.layers.0.mlp.up_proj";

    @TempDir
    Path folder;

    private final List<Path> checkpoints = new ArrayList<>();

    @BeforeEach
    void writeCheckpoints() throws IOException {
        checkpoints.add(new CheckpointFixture()
                .config(quantized(CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head"))
                        .toString()))
                .with("m.fc.weight", DType.F8_E4M3, List.of(2L, 2L), new byte[4])
                .withBf16("m.fc.weight_scale", List.of(2L, 1L), 1, 1)
                .write(folder.resolve("compressed-tensors")));
        checkpoints.add(new CheckpointFixture()
                .withBf16("m.q_proj.weight", List.of(2L, 2L), 1, 2, 3, 4)
                .withBf16("m.norm.weight", List.of(2L), 1, 1)
                .write(folder.resolve("plain")));
        Path sharded = new CheckpointFixture()
                .withBf16("m.fc.weight", List.of(2L, 2L), 1, 2, 3, 4)
                .write(folder.resolve("sharded"));
        Files.move(sharded.resolve("model.safetensors"), sharded.resolve("a.safetensors"));
        Files.writeString(
                sharded.resolve("model.safetensors.index.json"),
                "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"m.fc.weight\":\"a.safetensors\"}}");
        checkpoints.add(sharded);
        Quantization int4 = Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(8));
        Quantization perTensor = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
        Quantization perBlock = Quantization.stored(FloatType.E4M3, new Granularity.PerBlock(4, 4));
        add(Layout.COMPRESSED_TENSORS, int4, Optional.empty());
        add(Layout.COMPRESSED_TENSORS, int4.asymmetric(), Optional.empty());
        add(
                Layout.COMPRESSED_TENSORS,
                Quantization.stored(FloatType.E2M1, new Granularity.PerTensorGroup(16))
                        .withScales(ScaleType.E4M3),
                Optional.empty());
        add(Layout.AWQ, int4.asymmetric(), Optional.empty());
        add(Layout.GPTQ, int4, Optional.empty());
        add(Layout.GPTQ_V2, int4.asymmetric(), Optional.empty());
        add(Layout.FP8, perTensor, Optional.of(perTensor));
        add(Layout.FP8, perBlock, Optional.of(Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(4))));
        Path modelopt = add(Layout.MODELOPT, perTensor, Optional.of(perTensor));
        Files.writeString(modelopt.resolve("config.json"), "{\"architectures\": [\"X\"], \"num_hidden_layers\": 1}");
    }

    private Path add(Layout layout, Quantization weights, Optional<Quantization> inputs) throws IOException {
        var numbers = new StoredNumbers(weights, inputs, List.of("lm_head"), Optional.empty(), DType.F32, false);
        Optional<InputScale> scale =
                inputs.filter(quantization -> !quantization.dynamic()).map(quantization -> InputScale.symmetric(1));
        var linear = new QuantizedLinear(MODULE, GivenWeight.random(8, 16, weights, 1), inputs, scale);
        Path written = new LayoutFixture(layout, numbers, linear).write(folder.resolve("c" + checkpoints.size()));
        checkpoints.add(written);
        return written;
    }

    private static String quantized(String config) {
        var node = ConfigJson.parse(config.getBytes(StandardCharsets.UTF_8)).tree();
        return new String(
                ConfigJson.parse("{\"architectures\": [\"X\"]}".getBytes(StandardCharsets.UTF_8))
                        .withQuantizationConfig(node)
                        .bytes(),
                StandardCharsets.UTF_8);
    }

    @Test
    void answersEveryMutationWithAResultOrATypedError() throws IOException {
        for (Path checkpoint : checkpoints) {
            assertThat(open(checkpoint)).as("the unspoilt %s", checkpoint).isTrue();
        }
        var random = new SplittableRandom(SEED);
        int accepted = 0;
        for (int i = 0; i < CASES; i++) {
            Path checkpoint = checkpoints.get(random.nextInt(checkpoints.size()));
            accepted += mutateAndOpen(checkpoint, random, i) ? 1 : 0;
        }
        // Some mutations hit bytes that do not matter; were all refused, the fuzzer would test nothing.
        assertThat(accepted).isBetween(CASES / 200, CASES * 3 / 4);
    }

    private static boolean mutateAndOpen(Path checkpoint, SplittableRandom random, int number) throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(checkpoint)) {
            files = list.sorted().toList();
        }
        Path victim = files.get(random.nextInt(files.size()));
        byte[] original = Files.readAllBytes(victim);
        byte[] mutated = random.nextBoolean() ? mutateBytes(original, random) : mutateJson(victim, original, random);
        Files.write(victim, mutated);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = threads.getCurrentThreadAllocatedBytes();
        long started = System.nanoTime();
        try {
            return open(checkpoint);
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + SEED + ", case " + number + ", file " + victim, e);
        } finally {
            Files.write(victim, original);
            assertThat(System.nanoTime() - started)
                    .as("nanoseconds of seed %d, case %d, file %s", SEED, number, victim)
                    .isLessThan(MAX_NANOS);
            assertThat(threads.getCurrentThreadAllocatedBytes() - allocated)
                    .as("bytes allocated by seed %d, case %d, file %s", SEED, number, victim)
                    .isLessThan(MAX_ALLOCATED_BYTES);
        }
    }

    /** Everything that looks at a checkpoint before it is run. */
    private static boolean open(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Label.of(checkpoint).check("W8A16-FP8-dynamic");
            QuantizedModules modules = QuantizedLayouts.read(checkpoint);
            if (modules.byName().isEmpty()) {
                QuantizationPlan.of(checkpoint, Scheme.FP8_DYNAMIC, List.of());
            } else {
                convertible(checkpoint, modules);
            }
            Inspection.of(folder);
            return true;
        } catch (QuantizationException e) {
            return false;
        }
    }

    /** Writes every module in every layout that takes it, into nothing. */
    private static void convertible(Checkpoint checkpoint, QuantizedModules modules) {
        for (Layout layout : Layout.values()) {
            try {
                var writer = LayoutWriters.of(layout, StoredNumbers.of(checkpoint, modules));
                writer.config(false);
                for (QuantizedLinear linear : modules.byName().values()) {
                    writer.tensors(linear);
                    writer.write(linear, (tensor, offset, bytes) -> {});
                }
            } catch (QuantizationException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.LAYOUT_UNSUITABLE);
            }
        }
    }

    private static byte[] mutateBytes(byte[] original, SplittableRandom random) {
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

    /** Changes the document, or the header of a file of tensors, which keeps its right length. */
    private static byte[] mutateJson(Path file, byte[] original, SplittableRandom random) {
        var mutator = new JsonMutator(random);
        if (!file.toString().endsWith(".safetensors")) {
            return mutator.mutate(new String(original, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
        }
        int headerBytes =
                (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
        String header = new String(original, Long.BYTES, headerBytes, StandardCharsets.UTF_8);
        byte[] mutated = mutator.mutate(header).getBytes(StandardCharsets.UTF_8);
        int data = original.length - Long.BYTES - headerBytes;
        return ByteBuffer.allocate(Long.BYTES + mutated.length + data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(mutated.length)
                .put(mutated)
                .put(original, original.length - data, data)
                .array();
    }

    private static byte[] splice(byte[] bytes, int at, byte[] piece, int replaced) {
        byte[] result = new byte[bytes.length + piece.length - replaced];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(piece, 0, result, at, piece.length);
        System.arraycopy(bytes, at + replaced, result, at + piece.length, bytes.length - at - replaced);
        return result;
    }
}
