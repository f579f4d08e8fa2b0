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
}
