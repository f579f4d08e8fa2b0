package io.octavo.engine.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reads what a twin in numpy wrote: {@code foreign/make.py} knows nothing of this code. */
class ForeignTwinTest {

    @ParameterizedTest
    @CsvSource({
        "awq, W4A16-INT4-asym",
        "gptq_v2-asym, W4A16-INT4-asym",
        "gptq-4, W4A16-INT4",
        "gptq-8, W8A16-INT8",
        "gptq-act-order, W4A16-INT4",
        "fp8-static, W8A8-FP8-static-KV8",
        "modelopt-fp8, W8A8-FP8-static-KV8",
        "fp8-block, W8A8-FP8-block-dynamic",
        "modelopt-nvfp4, W4A4-NVFP4"
    })
    void readsTheNumbersThatTheTwinWrote(String name, String label) throws IOException, URISyntaxException {
        Path folder = Path.of(Objects.requireNonNull(getClass().getResource("foreign/" + name + "/config.json"))
                        .toURI())
                .resolveSibling("");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(Label.of(checkpoint).text()).isEqualTo(label);
            QuantizedModules modules = QuantizedLayouts.read(checkpoint);
            QuantizedLinear linear = modules.find("model.layers.0.mlp.up_proj").orElseThrow();
            assertThat(numbers(linear.weight())).containsExactly(expected(folder.resolve("expected.f32")));
            if (name.endsWith("fp8") || name.equals("fp8-static")) {
                assertThat(linear.inputScale()).contains(InputScale.symmetric(0.0417f));
                assertThat(modules.kvCache().orElseThrow().byLayer())
                        .isEqualTo(Map.of(0, new KvCacheScales.Layer(List.of(0.023f), List.of(0.016f))));
            }
        }
    }

    private static float[] expected(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    /** {@code (code - zeroPoint) * (scale * globalScale)}, as everyone who runs a weight computes it. */
    private static float[] numbers(QuantizedWeight weight) {
        int rows = (int) weight.outFeatures();
        int columns = (int) weight.inFeatures();
        byte[] codes = new byte[rows * columns];
        weight.readCodes(0, rows, codes);
        float[] scales = new float[rows * weight.groups()];
        weight.readScales(0, rows, scales);
        byte[] zeroPoints = new byte[scales.length];
        weight.readZeroPoints(0, rows, zeroPoints);
        int size = weight.quantization().granularity() instanceof Granularity.PerBlock block
                ? block.columns()
                : columns / weight.groups();
        float[] numbers = new float[codes.length];
        for (int i = 0; i < numbers.length; i++) {
            int column = i % columns;
            int group = i / columns * weight.groups()
                    + weight.groupIndex().map(index -> index[column]).orElse(column / size);
            float code = switch (weight.quantization().type()) {
                case NumberType.IntType integers -> codes[i] - zeroPoints[group];
                case NumberType.FloatType.E4M3 -> Float8.fromE4m3(codes[i]);
                case NumberType.FloatType.E2M1 -> Float4.fromE2m1(codes[i]);
            };
            numbers[i] = code * (scales[group] * weight.globalScale());
        }
        return numbers;
    }
}
