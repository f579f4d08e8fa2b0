package io.octavo.engine.model;

/** How rotary position embedding turns positions into angles. */
public sealed interface RopeSpec {

    /** Angle per position of each channel pair that turns: {@code [headDim / 2]} or fewer, f64. */
    double[] inverseFrequencies(int headDim);

    /** Nothing is turned: a layer without position embedding (arXiv:2305.19466). */
    record None() implements RopeSpec {
        @Override
        public double[] inverseFrequencies(int headDim) {
            return new double[headDim / 2];
        }
    }

    /** arXiv:2104.09864: {@code theta^(-2 i / headDim)}. */
    record Plain(double theta) implements RopeSpec {
        @Override
        public double[] inverseFrequencies(int headDim) {
            double[] frequencies = new double[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = Math.pow(theta, -2.0 * i / headDim);
            }
            return frequencies;
        }
    }

    /** Position interpolation (arXiv:2306.15595): every angle divided by {@code factor}. */
    record Linear(double theta, double factor) implements RopeSpec {
        @Override
        public double[] inverseFrequencies(int headDim) {
            double[] frequencies = new Plain(theta).inverseFrequencies(headDim);
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] /= factor;
            }
            return frequencies;
        }
    }

    /**
     * Llama 3.1's scaling: long wavelengths are divided by {@code factor}, short ones kept, those between blended.
     *
     * @param originalMaxPositions context length of the pre-training that the wavelengths are compared with
     */
    record Llama3(
            double theta,
            double factor,
            double lowFrequencyFactor,
            double highFrequencyFactor,
            int originalMaxPositions)
            implements RopeSpec {
        @Override
        public double[] inverseFrequencies(int headDim) {
            double[] frequencies = new Plain(theta).inverseFrequencies(headDim);
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = scale(frequencies[i]);
            }
            return frequencies;
        }

        private double scale(double frequency) {
            double turns = originalMaxPositions * frequency / (2 * Math.PI);
            if (turns > highFrequencyFactor) {
                return frequency;
            }
            if (turns < lowFrequencyFactor) {
                return frequency / factor;
            }
            double smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            return (1 - smooth) * frequency / factor + smooth * frequency;
        }
    }

    /**
     * The first channels of a head turn, the others stand still.
     *
     * @param share of the head that turns, above 0 and below 1; rounded down to an even count of channels
     */
    record Partial(RopeSpec whole, double share) implements RopeSpec {
        @Override
        public double[] inverseFrequencies(int headDim) {
            return whole.inverseFrequencies((int) (headDim * share));
        }
    }
}
