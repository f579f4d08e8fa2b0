package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.model.ModelSpec;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against a layer that is computed in f64, tensor by tensor. */
class EqualizationTest {

    private static final int DIM = 2;
    private static final int INNER = 4;
    private static final int TOKENS = 3;

    /** Scales and their inverses are rounded to f32, each by half an ulp at most, so terms of a sum change by so much. */
    private static final double ROUNDED = Math.scalb(1.0, -23);

    private final RandomGenerator random = new SplittableRandom(41);

    /** A layer's tensors by name, row-major, with rows of very different sizes; {@code columns} numbers in each. */
    private static final class Layer {

        private final Map<String, double[]> tensors = new HashMap<>();
        private final Map<String, Integer> columns = new HashMap<>();

        void put(String name, double[] numbers, int width) {
            tensors.put(name, numbers);
            columns.put(name, width);
        }

        double[] get(String name) {
            return Objects.requireNonNull(tensors.get(name));
        }

        int columns(String name) {
            return Objects.requireNonNull(columns.get(name));
        }

        Layer times(Map<String, ChannelScaling> scalings) {
            var scaled = new Layer();
            tensors.forEach((name, numbers) -> {
                ChannelScaling scaling = scalings.get(TinySpecs.LAYER + name);
                double[] products = numbers.clone();
                for (int i = 0; i < products.length && scaling != null; i++) {
                    products[i] *= scaling.columns().length == 0 ? 1 : scaling.columns()[i % columns(name)];
                    products[i] *= scaling.rows().length == 0 ? 1 : scaling.rows()[i / columns(name)];
                }
                scaled.put(name, products, columns(name));
            });
            return scaled;
        }

        float[] rowMagnitudes(String name) {
            double[] numbers = get(name);
            float[] magnitudes = new float[numbers.length / columns(name)];
            for (int i = 0; i < numbers.length; i++) {
                int row = i / columns(name);
                magnitudes[row] = (float) Math.max(magnitudes[row], Math.abs(numbers[i]));
            }
            return magnitudes;
        }

        float[] columnMagnitudes(String name) {
            double[] numbers = get(name);
            float[] magnitudes = new float[columns(name)];
            for (int i = 0; i < numbers.length; i++) {
                int column = i % magnitudes.length;
                magnitudes[column] = (float) Math.max(magnitudes[column], Math.abs(numbers[i]));
            }
            return magnitudes;
        }
    }

    private void random(Layer layer, String name, int rows, int columns) {
        double[] numbers = new double[rows * columns];
        for (int row = 0; row < rows; row++) {
            double size = Math.exp(2 * random.nextGaussian());
            for (int column = 0; column < columns; column++) {
                numbers[row * columns + column] = (float) (size * random.nextGaussian());
            }
        }
        layer.put(name, numbers, columns);
    }

    /** @param fused whether values lie behind queries and keys, and up behind gate */
    private record Shape(int heads, int kvHeads, boolean fused) {

        int hidden() {
            return heads * DIM;
        }

        int values() {
            return kvHeads * DIM;
        }

        String valueName() {
            return fused ? "self_attn.qkv_proj" : "self_attn.v_proj";
        }

        int firstValue() {
            return fused ? hidden() + values() : 0;
        }

        String upName() {
            return fused ? "mlp.gate_up_proj" : "mlp.up_proj";
        }

        int firstUp() {
            return fused ? INNER : 0;
        }

        /** The row of values that a column of the output projection reads. */
        int valueOf(int column) {
            int head = column / DIM;
            return firstValue() + head * kvHeads / heads * DIM + column % DIM;
        }
    }

    private Layer layer(Shape shape) {
        var layer = new Layer();
        int rows = shape.firstValue() + shape.values();
        random(layer, shape.valueName() + ".weight", rows, shape.hidden());
        layer.put(shape.valueName() + ".bias", numbers(rows), rows);
        random(layer, "self_attn.o_proj.weight", shape.hidden(), shape.hidden());
        random(layer, shape.upName() + ".weight", shape.firstUp() + INNER, shape.hidden());
        random(layer, "mlp.down_proj.weight", shape.hidden(), INNER);
        return layer;
    }

    private double[] numbers(int count) {
        return random.doubles(count, -1, 1).toArray();
    }

    private static Map<String, ChannelScaling> equalized(Layer layer, ModelSpec spec) {
        var statistics = new FakeStatistics(
                module -> new float[0],
                module -> new float[0],
                module -> layer.columnMagnitudes(module.substring(TinySpecs.LAYER.length()) + ".weight"),
                module -> floats(layer.get(module.substring(TinySpecs.LAYER.length()) + ".weight")),
                Optional.empty());
        return new Equalization().scalings(spec, statistics);
    }

    private static float[] floats(double[] numbers) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) numbers[i];
        }
        return floats;
    }

    @ParameterizedTest
    @CsvSource({
        "LlamaForCausalLM, llama, 4, 4, false",
        "LlamaForCausalLM, llama, 4, 2, false",
        "LlamaForCausalLM, llama, 4, 1, false",
        "Phi3ForCausalLM, phi3, 4, 2, true"
    })
    void channelsTakeAsMuchOfEitherRangeAndTheLayerStays(
            String architecture, String type, int heads, int kvHeads, boolean fused) {
        var shape = new Shape(heads, kvHeads, fused);
        Layer before = layer(shape);
        Layer after = before.times(equalized(before, TinySpecs.of(architecture, type, heads, kvHeads)));

        float[] outputs = after.columnMagnitudes("self_attn.o_proj.weight");
        float[] read = new float[shape.firstValue() + shape.values()];
        for (int column = 0; column < outputs.length; column++) {
            read[shape.valueOf(column)] = Math.max(read[shape.valueOf(column)], outputs[column]);
        }
        assertEqual(after.rowMagnitudes(shape.valueName() + ".weight"), read, shape.firstValue());
        float[] inner = new float[shape.firstUp() + INNER];
        System.arraycopy(after.columnMagnitudes("mlp.down_proj.weight"), 0, inner, shape.firstUp(), INNER);
        assertEqual(after.rowMagnitudes(shape.upName() + ".weight"), inner, shape.firstUp());

        double[] x = numbers(TOKENS * shape.hidden());
        double[] weights = numbers(heads * TOKENS);
        double[] gates = numbers(INNER);
        for (int row = 0; row < shape.hidden(); row++) {
            Sum attended = attend(before, shape, x, weights, row);
            assertThat(attend(after, shape, x, weights, row).value())
                    .isCloseTo(attended.value(), within(attended.magnitude() * ROUNDED));
            Sum fed = feed(before, shape, x, gates, row);
            assertThat(feed(after, shape, x, gates, row).value())
                    .isCloseTo(fed.value(), within(fed.magnitude() * ROUNDED));
        }
    }

    private static void assertEqual(float[] made, float[] read, int first) {
        for (int channel = first; channel < made.length; channel++) {
            assertThat(made[channel]).isCloseTo(read[channel], Percentage.withPercentage(1e-4));
        }
    }

    /** With what its terms are without signs. */
    private record Sum(double value, double magnitude) {}

    /** An output of attention whose heads weigh tokens as they are told. */
    private static Sum attend(Layer layer, Shape shape, double[] x, double[] weights, int row) {
        double[] values = layer.get(shape.valueName() + ".weight");
        double[] bias = layer.get(shape.valueName() + ".bias");
        double[] output = layer.get("self_attn.o_proj.weight");
        double sum = 0;
        double magnitude = 0;
        for (int column = 0; column < shape.hidden(); column++) {
            int value = shape.valueOf(column);
            for (int token = 0; token < TOKENS; token++) {
                double weight = output[row * shape.hidden() + column] * weights[column / DIM * TOKENS + token];
                sum += weight * bias[value];
                magnitude += Math.abs(weight * bias[value]);
                for (int i = 0; i < shape.hidden(); i++) {
                    double term = weight * values[value * shape.hidden() + i] * x[token * shape.hidden() + i];
                    sum += term;
                    magnitude += Math.abs(term);
                }
            }
        }
        return new Sum(sum, magnitude);
    }

    /** An output of the MLP on the first token, where gates are what they are told. */
    private static Sum feed(Layer layer, Shape shape, double[] x, double[] gates, int row) {
        double[] up = layer.get(shape.upName() + ".weight");
        double[] down = layer.get("mlp.down_proj.weight");
        double sum = 0;
        double magnitude = 0;
        for (int inner = 0; inner < INNER; inner++) {
            for (int i = 0; i < shape.hidden(); i++) {
                double term = down[row * INNER + inner]
                        * gates[inner]
                        * up[(shape.firstUp() + inner) * shape.hidden() + i]
                        * x[i];
                sum += term;
                magnitude += Math.abs(term);
            }
        }
        return new Sum(sum, magnitude);
    }

    @Test
    void channelsWithoutNumbersOnASideStay() {
        var shape = new Shape(1, 1, false);
        Layer layer = layer(shape);
        layer.get("mlp.down_proj.weight")[1] = 0;
        layer.get("mlp.down_proj.weight")[INNER + 1] = 0;
        layer.get("mlp.up_proj.weight")[2 * DIM] = 0;
        layer.get("mlp.up_proj.weight")[2 * DIM + 1] = 0;

        float[] columns = Objects.requireNonNull(equalized(layer, TinySpecs.of("LlamaForCausalLM", "llama"))
                        .get(TinySpecs.LAYER + "mlp.down_proj.weight"))
                .columns();

        assertThat(columns[1]).isOne();
        assertThat(columns[2]).isOne();
        assertThat(columns[0]).isNotEqualTo(1).isPositive();
    }

    @Test
    void normsStayAndNoDataIsNeeded() {
        var equalization = new Equalization();
        assertThat(equalization.needsData()).isFalse();
        assertThat(equalization.weighed(TinySpecs.of("LlamaForCausalLM", "llama")))
                .isEmpty();
        Layer layer = layer(new Shape(1, 1, false));
        assertThat(equalized(layer, TinySpecs.of("LlamaForCausalLM", "llama")).keySet())
                .containsExactlyInAnyOrder(
                        TinySpecs.LAYER + "self_attn.v_proj.weight",
                        TinySpecs.LAYER + "self_attn.v_proj.bias",
                        TinySpecs.LAYER + "self_attn.o_proj.weight",
                        TinySpecs.LAYER + "mlp.up_proj.weight",
                        TinySpecs.LAYER + "mlp.up_proj.bias",
                        TinySpecs.LAYER + "mlp.down_proj.weight");
    }
}
