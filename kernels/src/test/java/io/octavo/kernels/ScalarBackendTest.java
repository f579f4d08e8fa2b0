package io.octavo.kernels;

import org.junit.jupiter.api.Nested;

/** Every operation of the scalar reference. */
class ScalarBackendTest {

    @Nested
    class BackendMemory extends MemoryContract {
        BackendMemory() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class QuantizeRowsOperation extends QuantizeRowsContract {
        QuantizeRowsOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class QuantizeTilesOperation extends QuantizeTilesContract {
        QuantizeTilesOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class FakeQuantizeOperation extends FakeQuantizeContract {
        FakeQuantizeOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ObserveRangeOperation extends ObserveRangeContract {
        ObserveRangeOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class InverseFactorOperation extends InverseFactorContract {
        InverseFactorOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ScaleSearchOperation extends ScaleSearchContract {
        ScaleSearchOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class SeveralInputs extends SeveralInputsContract {
        SeveralInputs() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class GptqSweepOperation extends GptqSweepContract {
        GptqSweepOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class CodeRefinementOperation extends CodeRefinementContract {
        CodeRefinementOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class SecondMomentsOperation extends SecondMomentsContract {
        SecondMomentsOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class QuantizationErrorOperation extends QuantizationErrorContract {
        QuantizationErrorOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class MatMulOperation extends MatMulContract {
        MatMulOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class RmsNormOperation extends RmsNormContract {
        RmsNormOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class RopeOperation extends RopeContract {
        RopeOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class KvCacheWriteOperation extends KvCacheWriteContract {
        KvCacheWriteOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class FusedStepsOperation extends FusedStepsContract {
        FusedStepsOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class AttentionOperation extends AttentionContract {
        AttentionOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class GatedActivationOperation extends GatedActivationContract {
        GatedActivationOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class EmbeddingOperation extends EmbeddingContract {
        EmbeddingOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ConvertOperation extends ConvertContract {
        ConvertOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class AddOperation extends AddContract {
        AddOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class CrossEntropyOperation extends CrossEntropyContract {
        CrossEntropyOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ArgMaxOperation extends ArgMaxContract {
        ArgMaxOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ObserveHistogramOperation extends ObserveHistogramContract {
        ObserveHistogramOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class DivergenceOperation extends DivergenceContract {
        DivergenceOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class SamplingOperation extends SamplingContract {
        SamplingOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class SoftcapOperation extends SoftcapContract {
        SoftcapOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ExpertRoutingOperation extends ExpertRoutingContract {
        ExpertRoutingOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ExpertOrderOperation extends ExpertOrderContract {
        ExpertOrderOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class GroupedMatMulOperation extends GroupedMatMulContract {
        GroupedMatMulOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class ExpertCombineOperation extends ExpertCombineContract {
        ExpertCombineOperation() {
            super(threads -> Backends.scalar());
        }
    }

    @Nested
    class PackedMatMulOperation extends PackedMatMulContract {
        PackedMatMulOperation() {
            super(threads -> Backends.scalar());
        }
    }
}
