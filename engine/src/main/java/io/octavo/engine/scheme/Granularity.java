package io.octavo.engine.scheme;

/** Which numbers share a scale; as text, for messages. A weight is {@code [outFeatures, inFeatures]}. */
public sealed interface Granularity {

    /** One scale for everything. */
    record PerTensor() implements Granularity {
        @Override
        public String toString() {
            return "per tensor";
        }
    }

    /** One scale per output channel. */
    record PerChannel() implements Granularity {
        @Override
        public String toString() {
            return "per channel";
        }
    }

    /** One scale per row of activations. */
    record PerToken() implements Granularity {
        @Override
        public String toString() {
            return "per token";
        }
    }

    /** @param size consecutive input channels per scale; must divide {@code inFeatures} */
    record PerGroup(int size) implements Granularity {
        public PerGroup {
            if (size <= 0) {
                throw new IllegalArgumentException("group size must be positive: " + size);
            }
        }

        @Override
        public String toString() {
            return "in groups of " + size;
        }
    }

    /**
     * One scale per group, all of them relative to one more scale of the whole tensor.
     *
     * @param size consecutive input channels per scale; must divide {@code inFeatures}
     */
    record PerTensorGroup(int size) implements Granularity {
        public PerTensorGroup {
            if (size <= 0) {
                throw new IllegalArgumentException("group size must be positive: " + size);
            }
        }

        @Override
        public String toString() {
            return "in groups of " + size + " and per tensor";
        }
    }

    /** One scale per key-value head; only for what enters the KV cache. */
    record PerHead() implements Granularity {
        @Override
        public String toString() {
            return "per head";
        }
    }

    /** One scale per two-dimensional tile. */
    record PerBlock(int rows, int columns) implements Granularity {
        public PerBlock {
            if (rows <= 0 || columns <= 0) {
                throw new IllegalArgumentException("block must be positive: " + rows + " x " + columns);
            }
        }

        @Override
        public String toString() {
            return "in blocks of " + rows + " x " + columns;
        }
    }
}
