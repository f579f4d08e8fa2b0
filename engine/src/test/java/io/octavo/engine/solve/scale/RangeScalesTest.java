package io.octavo.engine.solve.scale;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rules of plain rounding against the operation that rounds, for the weights of every preset. */
class RangeScalesTest {

    private static final int ROWS = 128;
    private static final int COLUMNS = 256;

    static List<Quantization> weights() {
        return Scheme.PRESETS.stream()
                .map(Scheme::weights)
                .distinct()
                .filter(each -> !(each.granularity() instanceof Granularity.PerTensor))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("weights")
    void areThoseOfTheOperationBitByBit(Quantization weights) {
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            float[] numbers = numbers();
            var format = new WeightFormat(weights, dtype, COLUMNS, absmax(numbers));
            TileScales chosen = new RangeScales().choose(numbers, format);
            TileScales rounded = round(numbers, format);
            assertThat(chosen.scales()).containsExactly(rounded.scales());
            assertThat(chosen.zeroPoints()).containsExactly(rounded.zeroPoints());
        }
    }

    /** Of every size, with rows of zeros and of few numbers among them. */
    private static float[] numbers() {
        var random = new Random(7);
        float[] numbers = new float[ROWS * COLUMNS];
        for (int i = 0; i < numbers.length; i++) {
            int row = i / COLUMNS;
            double size = row % 16 == 3 ? 0 : Math.scalb(random.nextGaussian(), row % 20 - 12);
            numbers[i] = BFloat16.toFloat(BFloat16.fromFloat((float) (row % 5 == 1 ? Math.abs(size) : size)));
        }
        return numbers;
    }

    private static float absmax(float[] numbers) {
        float absmax = 0;
        for (float number : numbers) {
            absmax = Math.max(absmax, Math.abs(number));
        }
        return absmax;
    }

    private static TileScales round(float[] numbers, WeightFormat format) {
        Quantization weights = format.quantization();
        float divisor = weights.type().divisor();
        Scaling scaling = switch (weights.scaleType()) {
            case FLOAT -> weights.symmetric() ? new Scaling.Absmax(divisor) : new Scaling.Range();
            case E4M3 -> new Scaling.Relative(divisor, format.divisor());
            case E8M0 -> new Scaling.PowerOfTwo(Math.getExponent(divisor));
        };
        DType stored = switch (weights.scaleType()) {
            case FLOAT -> format.dtype();
            case E4M3 -> DType.F8_E4M3;
            case E8M0 -> DType.U8;
        };
        CodeFormat codes = format.codes();
        int tiles = format.tilesDown(ROWS) * format.groups();
        try (Backend backend = Backends.open("cpu", 2);
                Stream stream = backend.newStream();
                DeviceBuffer x = backend.allocate("test", 4L * numbers.length);
                DeviceBuffer codeBuffer = backend.allocate("test", numbers.length);
                DeviceBuffer scaleBuffer = backend.allocate("test", 4L * tiles);
                DeviceBuffer zeroBuffer = backend.allocate("test", tiles);
                DeviceBuffer flag = backend.allocate("test", 4)) {
            x.copyFrom(MemorySegment.ofArray(numbers), 0, stream);
            backend.operations()
                    .quantizeTiles()
                    .quantize(
                            new QuantizeTiles.Arguments(
                                    Matrix.of(x, DType.F32, ROWS, COLUMNS),
                                    codes,
                                    new QuantizeTiles.Tile(format.tileRows(), format.tileColumns()),
                                    scaling,
                                    Matrix.of(codeBuffer, DType.U8, ROWS, codes.rowBytes(COLUMNS)),
                                    Matrix.of(scaleBuffer, stored, format.tilesDown(ROWS), format.groups()),
                                    weights.symmetric()
                                            ? null
                                            : Matrix.of(zeroBuffer, DType.I8, format.tilesDown(ROWS), format.groups()),
                                    Matrix.of(flag, DType.I32, 1, 1)),
                            stream);
            byte[] scaleBytes = new byte[tiles * stored.bytes()];
            byte[] zeroPoints = new byte[weights.symmetric() ? 0 : tiles];
            scaleBuffer.copyTo(MemorySegment.ofArray(scaleBytes), 0, stream);
            zeroBuffer.copyTo(MemorySegment.ofArray(zeroPoints), 0, stream);
            stream.synchronize();
            float[] scales = new float[tiles];
            for (int i = 0; i < tiles; i++) {
                scales[i] = number(MemorySegment.ofArray(scaleBytes), i, stored, weights.scaleType());
            }
            return new TileScales(scales, zeroPoints);
        }
    }

    private static float number(MemorySegment bytes, int i, DType stored, ScaleType type) {
        return switch (stored) {
            case F32 -> bytes.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
            case BF16 -> BFloat16.toFloat(bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
            case F16 -> Float.float16ToFloat(bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
            case F8_E4M3 -> Float8.fromE4m3(bytes.get(ValueLayout.JAVA_BYTE, i));
            case U8 -> (float) Math.scalb(1.0, Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, i)) - 127);
            default -> throw new IllegalArgumentException(type + " in " + stored);
        };
    }
}
