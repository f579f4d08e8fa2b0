package io.octavo.engine.scheme;

import io.octavo.kernels.quantization.QuantizeTiles;

/** Which numbers share a scale; as text, for messages. A weight is {@code [outFeatures, inFeatures]}. */
public sealed interface Granularity {

    /** The part of a weight {@code [outFeatures, inFeatures]} that shares a scale. */
    default QuantizeTiles.Tile tile(long outFeatures, long inFeatures) {
        return switch (this) {
            case PerTensor tensor -> new QuantizeTiles.Tile(outFeatures, inFeatures);
            case PerChannel channel -> new QuantizeTiles.Tile(1, inFeatures);
            case PerGroup group -> new QuantizeTiles.Tile(1, group.size());
            case PerTensorGroup group -> new QuantizeTiles.Tile(1, group.size());
            case PerBlock block -> new QuantizeTiles.Tile(block.rows(), block.columns());
            case PerToken token -> throw new IllegalStateException("no weight has tokens");
            case PerHead head -> throw new IllegalStateException("no weight has heads");
        };
    }

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
