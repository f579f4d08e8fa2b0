package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights whose rows are compared in several windows, one of them in part. */
class LargeWeightsTest {

    private static final String MODULE = "model.layers.0.mlp.down_proj";
    private static final int COLUMNS = 4096;
    private static final int WINDOW_ROWS = 256;
    private static final int ROWS = 4 * WINDOW_ROWS + 3;

    private final Backend backend = Backends.cpu(2);

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        backend.close();
    }

    private void quantize(String scheme) throws IOException {
        var random = new SplittableRandom(3);
        ByteBuffer bytes = ByteBuffer.allocate(ROWS * COLUMNS * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            // Of each window others, so that none can be left out unnoticed.
            int window = bytes.position() / (WINDOW_ROWS * COLUMNS * Short.BYTES);
            double number = random.nextDouble(-1, 1);
            bytes.putShort(
                    BFloat16.fromFloat((float) (window == 0 ? Math.signum(number) : Math.scalb(number, -window))));
        }
        Path source = new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"dtype\": \"bfloat16\"}")
                .with(MODULE + ".weight", DType.BF16, List.of((long) ROWS, (long) COLUMNS), bytes.array())
                .write(folder.resolve("source"));
        new Quantizer(backend, 2)
                .quantize(
                        new QuantizationRequest(
                                source, folder.resolve("out"), new Recipe(scheme, CompressedTensors.NAME, List.of())),
                        JobMonitor.none());
    }

    private VerificationReport verify(String scheme) {
        try (Checkpoint source = Checkpoint.open(folder.resolve("source"));
                Checkpoint written = Checkpoint.open(folder.resolve("out"))) {
            QuantizationPlan plan = QuantizationPlan.of(source, Scheme.named(scheme), List.of());
            try (var verification = new Verification(plan, written, backend, 2)) {
                verification.begin();
                return verification.report(JobMonitor.none(), bytes -> {});
            }
        }
    }

    /** Turns the sign of one code of a row, or back. */
    private void turn(String tensor, int row, int rowBytes, int bits) throws IOException {
        Path file = folder.resolve("out").resolve(Checkpoint.SINGLE_FILE);
        TensorInfo info;
        long data;
        try (Checkpoint written = Checkpoint.open(folder.resolve("out"))) {
            var stored = Objects.requireNonNull(written.stored().get(tensor));
            info = stored.info();
            data = stored.shard().header().dataOffset();
        }
        try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
            long at = data + info.begin() + (long) row * rowBytes + 77;
            bytes.seek(at);
            int code = bytes.read();
            bytes.seek(at);
            bytes.write(code ^ bits);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"FP8_DYNAMIC", "W4A16"})
    void areRefusedForOneCodeOfAnyWindow(String scheme) throws IOException {
        quantize(scheme);
        boolean packed = scheme.equals("W4A16");
        String tensor = MODULE + (packed ? ".weight_packed" : ".weight");
        for (int row : new int[] {0, 255, 256, 511, 512, 767, 768, 1023, 1024, ROWS - 1}) {
            turn(tensor, row, packed ? COLUMNS / 2 : COLUMNS, 0x88);
            assertThat(verify(scheme).failures())
                    .singleElement()
                    .asString()
                    .contains("module " + MODULE + ", row " + row + ":");
            turn(tensor, row, packed ? COLUMNS / 2 : COLUMNS, 0x88);
        }
        assertThat(verify(scheme).passed()).isTrue();
    }

    @Test
    void areMeasuredAsAPlainLoopMeasures() throws IOException {
        quantize("FP8_DYNAMIC");
        double expected = PlainError.ofFloat8(folder.resolve("source"), folder.resolve("out"), MODULE);
        assertThat(verify("FP8_DYNAMIC").modules())
                .singleElement()
                .satisfies(module -> assertThat(module.relativeError()).isCloseTo(expected, Offset.offset(1e-9)));
    }
}
