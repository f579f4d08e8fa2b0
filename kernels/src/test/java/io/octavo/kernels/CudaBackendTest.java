package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every operation of the CUDA backend; skipped where there is no GPU. */
@Tag("gpu")
class CudaBackendTest {

    @Nested
    class BackendMemory extends MemoryContract {
        BackendMemory() {
            super(CudaDevice::open);
        }

        /** A gigabyte more or less is what others on the device take meanwhile. */
        @Test
        void freedMemoryIsFreeForThisBackendAndThoseAfterIt() {
            long free = backend.freeMemoryBytes();
            long most = free - free / 4;
            for (int i = 0; i < 2; i++) {
                try (Backend next = CudaDevice.open(1)) {
                    next.allocate("test", most).close();
                    assertThat(next.freeMemoryBytes()).isCloseTo(free, within(1L << 30));
                    next.allocate("test", most / 2).close();
                }
            }
            assertThat(backend.freeMemoryBytes()).isCloseTo(free, within(1L << 30));
            backend.allocate("test", most).close();
        }
    }

    @Nested
    class QuantizeRowsOperation extends QuantizeRowsContract {
        QuantizeRowsOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class MatMulOperation extends MatMulContract {
        MatMulOperation() {
            super(CudaDevice::open);
        }

        /** Half a unit in the last of BF16's 8 bits. */
        @Override
        double groupedLoss() {
            return 0x1p-9;
        }
    }

    @Nested
    class RmsNormOperation extends RmsNormContract {
        RmsNormOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class RopeOperation extends RopeContract {
        RopeOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class KvCacheWriteOperation extends KvCacheWriteContract {
        KvCacheWriteOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class FusedStepsOperation extends FusedStepsContract {
        FusedStepsOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class AttentionOperation extends AttentionContract {
        AttentionOperation() {
            super(CudaDevice::open);
        }

        /** BF16 has 8 bits; codes of 8 bits are multiplied as F16, which has 11. */
        @Override
        double operandRounding(DType cacheType) {
            return switch (cacheType) {
                case BF16 -> 0x1p-9;
                case F8_E4M3, I8 -> 0x1p-12;
                default -> 0;
            };
        }
    }

    @Nested
    class GatedActivationOperation extends GatedActivationContract {
        GatedActivationOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class EmbeddingOperation extends EmbeddingContract {
        EmbeddingOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ConvertOperation extends ConvertContract {
        ConvertOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class AddOperation extends AddContract {
        AddOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class CrossEntropyOperation extends CrossEntropyContract {
        CrossEntropyOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ArgMaxOperation extends ArgMaxContract {
        ArgMaxOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ObserveHistogramOperation extends ObserveHistogramContract {
        ObserveHistogramOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class DivergenceOperation extends DivergenceContract {
        DivergenceOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class SamplingOperation extends SamplingContract {
        SamplingOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class SoftcapOperation extends SoftcapContract {
        SoftcapOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ExpertRoutingOperation extends ExpertRoutingContract {
        ExpertRoutingOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ExpertOrderOperation extends ExpertOrderContract {
        ExpertOrderOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class GroupedMatMulOperation extends GroupedMatMulContract {
        GroupedMatMulOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ExpertCombineOperation extends ExpertCombineContract {
        ExpertCombineOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class QuantizeTilesOperation extends QuantizeTilesContract {
        QuantizeTilesOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class FakeQuantizeOperation extends FakeQuantizeContract {
        FakeQuantizeOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ObserveRangeOperation extends ObserveRangeContract {
        ObserveRangeOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class InverseFactorOperation extends InverseFactorContract {
        InverseFactorOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class ScaleSearchOperation extends ScaleSearchContract {
        ScaleSearchOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class SeveralInputs extends SeveralInputsContract {
        SeveralInputs() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class GptqSweepOperation extends GptqSweepContract {
        GptqSweepOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class CodeRefinementOperation extends CodeRefinementContract {
        CodeRefinementOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class SecondMomentsOperation extends SecondMomentsContract {
        SecondMomentsOperation() {
            super(CudaDevice::open);
        }

        /** Tiles enough that some are computed as a whole and some in shares. */
        @Test
        void addsProductsOfManyColumns() {
            int tokens = 130;
            int columns = 12 * 256 - 40;
            float[] values = gaussian(random(1), tokens * columns, 1);
            Matrix x = input(DType.BF16, tokens, columns, values);
            Matrix sums = inOut(columns, columns, new float[columns * columns]);
            backend.operations().secondMoments().accumulate(x, sums, stream);
            backend.operations().secondMoments().mirror(sums, stream);
            float[] actual = floats(sums);
            float[] rounded = floats(x);
            for (int i = 0; i < columns; i += 17) {
                for (int j = i; j < columns; j += 13) {
                    check(rounded, tokens, columns, i, j, 0, actual[i * columns + j]);
                    assertThat(actual[j * columns + i]).isEqualTo(actual[i * columns + j]);
                }
            }
        }
    }

    @Nested
    class QuantizationErrorOperation extends QuantizationErrorContract {
        QuantizationErrorOperation() {
            super(CudaDevice::open);
        }
    }

    @Nested
    class PackedMatMulOperation extends PackedMatMulContract {
        PackedMatMulOperation() {
            super(CudaDevice::open);
        }
    }
}
