package io.octavo.engine.sensitivity;

import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.weight.ChangedWeights;
import java.util.ArrayList;
import java.util.List;

/** What the original next layer of a stream gives, to compare with what it gives with other weights. */
final class LayerOutputs {

    private final int hidden;
    private final List<float[]> plain = new ArrayList<>();

    LayerOutputs(LayerStream layers, int hidden) {
        this.hidden = hidden;
        layers.look(ChangedWeights.none(), (text, output) -> plain.add(output));
    }

    /** How far outputs lie from the original ones: the mean over tokens of {@code ||h' - h||² / ||h||²}. */
    final class Distance implements LayerStream.Outputs {

        private double sum;
        private long tokens;

        @Override
        public void text(int text, float[] after) {
            float[] before = plain.get(text);
            for (int token = 0; token < before.length; token += hidden) {
                double difference = 0;
                double square = 0;
                for (int i = token; i < token + hidden; i++) {
                    double step = (double) after[i] - before[i];
                    difference += step * step;
                    square += (double) before[i] * before[i];
                }
                sum += difference / Math.max(square, Double.MIN_NORMAL);
                tokens++;
            }
        }

        /** 0 where nothing was told. */
        double mean() {
            return sum / Math.max(tokens, 1);
        }
    }
}
