package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.safetensors.SafetensorsHeader;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damages a good artifact in one place at a time; each must be seen. */
class VerificationTest {

    private static final String MODULE = "model.layers.2.mlp.up_proj";

    @TempDir
    Path folder;

    private Path artifact;

    @BeforeEach
    void quantize() {
        artifact = folder.resolve("out");
        try (Backend backend = Backends.cpu(1)) {
            new Quantizer(backend, 1)
                    .quantize(
                            new QuantizationRequest(
                                    TestModels.books5m(),
                                    artifact,
                                    new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of())),
                            JobMonitor.none());
        }
    }

    @Test
    void measuresTheErrorThatAPlainLoopMeasures() {
        VerificationReport report = verify();
        var measured = report.modules().stream()
                .filter(module -> module.module().equals(MODULE))
                .findFirst()
                .orElseThrow();
        assertThat(measured.relativeError())
                .isCloseTo(PlainError.ofFloat8(TestModels.books5m(), artifact, MODULE), Offset.offset(1e-9));
    }

    @Test
    void seesAChangedBitInAnUntouchedTensor() throws IOException {
        change("model.norm.weight", bytes -> bytes[100] ^= 1);
        assertThat(verify().failures()).singleElement().asString().contains("model.norm.weight");
    }

    @Test
    void seesACodeThatIsNotANumber() throws IOException {
        change(MODULE + ".weight", bytes -> bytes[1234] = 0x7F);
        assertThat(verify().failures()).singleElement().asString().contains(MODULE);
    }

    @Test
    void seesCodesThatAreNotRoundedWeights() throws IOException {
        change(MODULE + ".weight", bytes -> {
            for (int i = 0; i < 20_000; i++) {
                bytes[i] ^= (byte) 0x80;
            }
        });
        assertThat(verify().failures()).singleElement().asString().contains(MODULE);
    }

    /** Each of these keeps the error of the whole module below what rounding makes. */
    @ParameterizedTest
    @ValueSource(strings = {"zeroed", "reversed", "neighbour", "signs"})
    void seesOneRowThatIsDamaged(String damage) throws IOException {
        int columns = 256;
        int begin = 17 * columns;
        change(MODULE + ".weight", bytes -> {
            byte[] row = Arrays.copyOfRange(bytes, begin, begin + columns);
            for (int i = 0; i < columns; i++) {
                bytes[begin + i] = switch (damage) {
                    case "zeroed" -> 0;
                    case "reversed" -> row[columns - 1 - i];
                    case "neighbour" -> bytes[begin + columns + i];
                    default -> i < 150 ? (byte) (row[i] ^ 0x80) : row[i];
                };
            }
        });
        VerificationReport report = verify();
        assertThat(report.failures()).singleElement().asString().contains("module " + MODULE + ", row 17:");
        assertThat(report.modules())
                .filteredOn(module -> module.module().equals(MODULE))
                .allMatch(module -> module.relativeError() < 0.07);
    }

    @Test
    void seesAScaleThatIsZero() throws IOException {
        change(MODULE + ".weight_scale", bytes -> Arrays.fill(bytes, 0, 2, (byte) 0));
        assertThatThrownBy(this::verify)
                .isInstanceOf(QuantizationException.class)
                .hasMessageContaining(MODULE + ".weight_scale");
    }

    @Test
    void seesAWrongScale() throws IOException {
        change(MODULE + ".weight_scale", bytes -> {
            for (int i = 0; i < 200; i += 2) {
                bytes[i] ^= 0x70;
            }
        });
        assertThat(verify().failures()).singleElement().asString().contains(MODULE);
    }

    @Test
    void seesAConfigThatSaysSomethingElse() throws IOException {
        Path config = artifact.resolve("config.json");
        String text = Files.readString(config);
        int inputs = text.indexOf("\"input_activations\": {");
        int end = text.indexOf('}', text.indexOf("zp_dtype", inputs));
        Files.writeString(config, text.substring(0, inputs) + "\"input_activations\": null" + text.substring(end + 1));
        assertThat(verify().failures()).singleElement().asString().contains("W8A16-FP8");
    }

    /** vLLM would convert it without a word. */
    @ParameterizedTest
    @CsvSource({"model.layers.2.mlp.up_proj.weight_scale, F16", "model.layers.2.mlp.up_proj.weight, I8"})
    void seesATensorOfAnotherType(String tensor, DType dtype) throws IOException {
        CheckpointFixture copy = CheckpointFixture.copyOf(artifact);
        List<Long> shape = shape(tensor);
        copy.as(tensor, tensor, dtype, shape).write(artifact);
        assertThat(verify().failures()).singleElement().asString().contains("of another type or shape");
    }

    private List<Long> shape(String tensor) {
        try (Checkpoint written = Checkpoint.open(artifact)) {
            return written.tensor(tensor).shape();
        }
    }

    private VerificationReport verify() {
        try (Checkpoint source = Checkpoint.open(TestModels.books5m());
                Checkpoint written = Checkpoint.open(artifact);
                Backend backend = Backends.cpu(2)) {
            QuantizationPlan plan = QuantizationPlan.of(source, Scheme.FP8_DYNAMIC, List.of());
            try (var verification = new Verification(plan, written, backend, 2)) {
                verification.begin();
                return verification.report(JobMonitor.none(), bytes -> {});
            }
        }
    }

    private void change(String tensor, Consumer<byte[]> damage) throws IOException {
        TensorInfo info;
        long begin;
        try (Checkpoint written = Checkpoint.open(artifact)) {
            SafetensorsHeader header = written.shards().getFirst().header();
            info = header.tensor(tensor);
            begin = header.dataOffset() + info.begin();
        }
        try (var file =
                new RandomAccessFile(artifact.resolve("model.safetensors").toFile(), "rw")) {
            byte[] bytes = new byte[(int) info.byteSize()];
            file.seek(begin);
            file.readFully(bytes);
            damage.accept(bytes);
            file.seek(begin);
            file.write(bytes);
        }
    }
}
