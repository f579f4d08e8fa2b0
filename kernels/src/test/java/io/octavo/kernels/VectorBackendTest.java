package io.octavo.kernels;

import org.junit.jupiter.api.Nested;

/** Every operation of the Vector API backend. */
class VectorBackendTest {

    @Nested
    class BackendMemory extends MemoryContract {
        BackendMemory() {
            super(Backends::cpu);
        }
    }

    @Nested
    class QuantizeRowsOperation extends QuantizeRowsContract {
        QuantizeRowsOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class QuantizeTilesOperation extends QuantizeTilesContract {
        QuantizeTilesOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class FakeQuantizeOperation extends FakeQuantizeContract {
        FakeQuantizeOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ObserveRangeOperation extends ObserveRangeContract {
        ObserveRangeOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class InverseFactorOperation extends InverseFactorContract {
        InverseFactorOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ScaleSearchOperation extends ScaleSearchContract {
        ScaleSearchOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class SeveralInputs extends SeveralInputsContract {
        SeveralInputs() {
            super(Backends::cpu);
        }
    }

    @Nested
    class GptqSweepOperation extends GptqSweepContract {
        GptqSweepOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class CodeRefinementOperation extends CodeRefinementContract {
        CodeRefinementOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class SecondMomentsOperation extends SecondMomentsContract {
        SecondMomentsOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class QuantizationErrorOperation extends QuantizationErrorContract {
        QuantizationErrorOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class BatchInvariance extends BatchInvarianceContract {
        BatchInvariance() {
            super(Backends::cpu);
        }
    }

    @Nested
    class MatMulOperation extends MatMulContract {
        MatMulOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class RmsNormOperation extends RmsNormContract {
        RmsNormOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class RopeOperation extends RopeContract {
        RopeOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class KvCacheWriteOperation extends KvCacheWriteContract {
        KvCacheWriteOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class FusedStepsOperation extends FusedStepsContract {
        FusedStepsOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class AttentionOperation extends AttentionContract {
        AttentionOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class GatedActivationOperation extends GatedActivationContract {
        GatedActivationOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class EmbeddingOperation extends EmbeddingContract {
        EmbeddingOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ConvertOperation extends ConvertContract {
        ConvertOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class AddOperation extends AddContract {
        AddOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class CrossEntropyOperation extends CrossEntropyContract {
        CrossEntropyOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ArgMaxOperation extends ArgMaxContract {
        ArgMaxOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ObserveHistogramOperation extends ObserveHistogramContract {
        ObserveHistogramOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class DivergenceOperation extends DivergenceContract {
        DivergenceOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class SamplingOperation extends SamplingContract {
        SamplingOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class SoftcapOperation extends SoftcapContract {
        SoftcapOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ExpertRoutingOperation extends ExpertRoutingContract {
        ExpertRoutingOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ExpertOrderOperation extends ExpertOrderContract {
        ExpertOrderOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class GroupedMatMulOperation extends GroupedMatMulContract {
        GroupedMatMulOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class ExpertCombineOperation extends ExpertCombineContract {
        ExpertCombineOperation() {
            super(Backends::cpu);
        }
    }

    @Nested
    class PackedMatMulOperation extends PackedMatMulContract {
        PackedMatMulOperation() {
            super(Backends::cpu);
        }
    }
}
