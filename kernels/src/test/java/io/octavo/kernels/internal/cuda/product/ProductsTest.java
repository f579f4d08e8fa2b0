package io.octavo.kernels.internal.cuda.product;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.number.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which kernel is chosen, as measured on devices. */
class ProductsTest {

    private static final int MULTIPROCESSORS = 132;
    private static final int K = 4096;

    /** Choosing takes no memory. */
    @SuppressWarnings("NullAway")
    private static Products products(int computeCapability) {
        return Products.of(SourceFile::of, computeCapability, MULTIPROCESSORS, 227 << 10, null);
    }

    private static Shape shape(int m, DType aType, String wType, int groups, boolean bounded) {
        int bits = switch (wType) {
            case "f32" -> 32;
            case "bf16", "f16" -> 16;
            case "i4" -> 4;
            default -> 8;
        };
        boolean scaled = aType == DType.F8_E4M3 || aType == DType.I8;
        return new Shape(m, 4096, K, aType, scaled, wType, bits, groups, true, bounded);
    }

    @ParameterizedTest
    @CsvSource({
        "80, BF16, bf16, 1, 1, Matvec",
        "80, BF16, bf16, 2, 1, MatmulNarrow",
        "80, BF16, bf16, 16, 1, MatmulNarrow",
        "80, BF16, bf16, 17, 1, Matmul",
        "90, BF16, bf16, 16, 1, MatmulNarrow",
        "90, BF16, bf16, 17, 1, MatmulHopper",
        "90, BF16, bf16, 8192, 1, MatmulHopper",
        "80, BF16, bf16, 8192, 1, Matmul",
        "80, BF16, e4m3, 1, 1, MatmulStream",
        "80, F32, e4m3, 1, 1, Matvec",
        "80, BF16, e4m3, 2, 1, MatmulStream",
        "80, BF16, e4m3, 16, 1, MatmulStream",
        "80, BF16, e4m3, 17, 1, MatmulFew",
        "80, BF16, e4m3, 128, 1, MatmulFew",
        "80, BF16, e4m3, 129, 1, DecodedWeight",
        "80, BF16, i8, 1, 32, MatmulStream",
        "80, BF16, i8, 96, 32, MatmulFew",
        "80, BF16, i8, 97, 32, DecodedWeight",
        "80, BF16, i8, 1, 256, DecodedWeight",
        "80, BF16, i8, 1, 512, MatmulGeneral",
        "90, BF16, e4m3, 16, 1, MatmulStream",
        "90, BF16, e4m3, 17, 1, MatmulHopperCodes",
        "90, BF16, i8, 1024, 1, MatmulHopperCodes",
        "90, BF16, e4m3, 8192, 1, DecodedWeight",
        "90, BF16, e4m3, 64, 32, MatmulFew",
        "90, BF16, i4, 17, 32, MatmulHopperCodes",
        "90, BF16, i4, 64, 64, MatmulFew",
        "80, BF16, i4, 1, 32, MatmulStream",
        "80, BF16, i4, 97, 32, DecodedWeight",
        "80, F32, i4, 1, 32, DecodedWeight",
        "80, F32, f32, 8, 1, Matvec",
        "80, F32, f32, 9, 1, MatmulGeneral",
        "90, F32, f32, 511, 1, MatmulGeneral",
        "80, F32, f32, 512, 1, SplitProduct",
        "90, F32, f32, 4096, 1, SplitProduct",
        "80, F32, e4m3, 1, 32, MatmulGeneral",
        "80, F16, f16, 1, 1, MatmulGeneral",
        "80, F8_E4M3, e4m3, 64, 1, MatmulGeneral",
        "89, F8_E4M3, e4m3, 64, 1, Matmul",
        "90, F8_E4M3, e4m3, 1, 1, MatmulHopper",
        "90, F8_E4M3, e4m3, 8192, 1, MatmulHopper",
        "89, I8, i8, 1, 1, Matmul",
        "90, I8, i8, 1, 1, MatmulHopper",
    })
    void theFastestKernelIsChosen(int device, DType aType, String wType, int m, int groups, String kernel) {
        assertThat(products(device).choose(shape(m, aType, wType, groups, false)))
                .extracting(chosen -> chosen.getClass().getSimpleName())
                .isEqualTo(kernel);
    }

    @ParameterizedTest
    @CsvSource({
        "64, 28672, 4096, Flat, 1",
        "64, 4096, 14336, Slim, 4",
        "128, 28672, 4096, Wide, 1",
        "128, 4096, 14336, Square, 4",
        "256, 28672, 4096, Tall, 1",
        "256, 4096, 14336, Square, 2",
        "1024, 28672, 4096, Pair, 1",
        "4096, 4096, 4096, Pair, 1",
        "8192, 8192, 8192, Pair, 1",
        "1, 8, 16, Slim, 1",
    })
    @SuppressWarnings("NullAway") // choosing takes no memory
    void hoppersTileIsTheFastest(int m, int n, int k, String tile, int slices) {
        var hopper = new MatmulHopper(SourceFile.of("matmul_hopper"), null, MULTIPROCESSORS);

        HopperPlan plan = hopper.plan(new Shape(m, n, k, DType.F8_E4M3, true, "e4m3", 8, 1, true, false));

        assertThat(plan.tile()).isEqualTo(tile);
        assertThat(plan.slices()).isEqualTo(slices);
    }

    @ParameterizedTest
    @CsvSource({
        "64, 28672, 4096, Flat, 1",
        "64, 4096, 14336, Slim, 4",
        "128, 28672, 4096, Square, 1",
        "128, 4096, 14336, Square, 4",
        "256, 28672, 4096, Tall, 1",
        "256, 4096, 14336, Tall, 4",
        "17, 8, 16, Slim, 1",
    })
    @SuppressWarnings("NullAway") // choosing takes no memory
    void hoppersTileOfCodesIsTheFastest(int m, int n, int k, String tile, int slices) {
        var hopper = new MatmulHopperCodes(SourceFile.of("matmul_hopper_codes"), null, MULTIPROCESSORS);

        HopperPlan plan = hopper.plan(new Shape(m, n, k, DType.BF16, false, "e4m3", 8, 1, true, false));

        assertThat(plan.tile()).isEqualTo(tile);
        assertThat(plan.slices()).isEqualTo(slices);
    }

    /** Codes of 4 bits are decoded as often as those of 8. */
    @Test
    @SuppressWarnings("NullAway") // choosing takes no memory
    void hoppersTileOfFewBitsIsThatOfMany() {
        var hopper = new MatmulHopperCodes(SourceFile.of("matmul_hopper_codes"), null, MULTIPROCESSORS);
        var shape = new Shape(256, 4096, 14336, DType.BF16, false, "i4", 4, 112, true, false);

        assertThat(hopper.plan(shape).tile()).isEqualTo("Tall");
        assertThat(hopper.plan(shape).slices()).isEqualTo(4);
    }

    /** Slices cost more than warps of a block that share out k, and activations of many rows leave no room for whole rows. */
    @ParameterizedTest
    @CsvSource({
        "1, 15360, 5120, e4m3, 8, 1, 1, 4",
        "1, 5120, 5120, e4m3, 3, 5, 1, 4",
        "1, 27648, 5120, e4m3, 16, 1, 1, 4",
        "1, 5120, 13824, e4m3, 3, 5, 1, 4",
        "4, 4096, 14336, e4m3, 2, 8, 1, 3",
        "16, 28672, 4096, e4m3, 16, 1, 1, 3",
        "16, 4096, 14336, e4m3, 16, 1, 8, 4",
        "1, 4096, 14336, i4, 2, 8, 1, 3",
        "4, 4096, 14336, i4, 16, 1, 8, 3",
        "16, 28672, 4096, i4, 14, 1, 1, 3",
    })
    @SuppressWarnings("NullAway") // choosing takes no memory
    void streamsAreSharedOutAsMeasured(
            int m, int n, int k, String type, int rowTiles, int splits, int slices, int stages) {
        var stream = new MatmulStream(SourceFile.of("matmul_stream"), null, MULTIPROCESSORS, 227 << 10);

        boolean packed = type.equals("i4");

        MatmulStream.Plan plan = stream.plan(
                new Shape(m, n, k, DType.BF16, false, type, packed ? 4 : 8, packed ? k / 128 : 1, true, false));

        assertThat(plan.rowTiles()).isEqualTo(rowTiles);
        assertThat(plan.splits()).isEqualTo(splits);
        assertThat(plan.slices()).isEqualTo(slices);
        assertThat(plan.stages()).isEqualTo(stages);
    }

    @ParameterizedTest
    @CsvSource({"e4m3, 1, 3", "i4, 16, 3", "e4m3, 17, 1", "bf16, 1, 1"})
    void fewRowsOfCodesAreMultipliedBesideEachOther(String wType, int m, int most) {
        ProductKernel kernel = products(90).choose(shape(m, DType.BF16, wType, wType.equals("i4") ? 32 : 1, false));

        assertThat(kernel.mostBeside()).isEqualTo(most);
    }

    /** A launch of several kernels, or of one that copies by a map, cannot begin at a row that the device alone knows. */
    @ParameterizedTest
    @CsvSource({
        "90, BF16, bf16, 1, 1, MatmulNarrow",
        "90, BF16, bf16, 8192, 1, Matmul",
        "90, F8_E4M3, e4m3, 8192, 1, Matmul",
        "90, BF16, e4m3, 64, 1, MatmulFew",
        "90, BF16, e4m3, 65, 1, DecodedWeight",
        "90, BF16, e4m3, 33, 32, DecodedWeight",
        "90, F32, f32, 1, 1, MatmulGeneral",
    })
    void rowsThatTheDeviceKnowsAreLeftToKernelsThatReadBounds(
            int device, DType aType, String wType, int m, int groups, String kernel) {
        assertThat(products(device).choose(shape(m, aType, wType, groups, true)))
                .extracting(chosen -> chosen.getClass().getSimpleName())
                .isEqualTo(kernel);
    }

    @Test
    void aPackedWeightInGroupsThatNoKernelReadsIsRefused() {
        assertThatThrownBy(() -> products(90).choose(shape(1, DType.BF16, "i4", 512, false)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no kernel multiplies BF16 by i4 in rows of 4096 numbers and groups of 8");
    }
}
