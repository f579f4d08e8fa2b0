package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.model.ModelSpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folds scales of any kind, and multiplies what came of it. */
class ChannelMappingTest {

    private static final int DIM = 2;
    private static final int INNER = 4;

    private final RandomGenerator random = new SplittableRandom(11);

    private float[] numbers(int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }

    private static double[] product(float[] matrix, double[] x) {
        double[] out = new double[matrix.length / x.length];
        for (int i = 0; i < matrix.length; i++) {
            out[i / x.length] += matrix[i] * x[i % x.length];
        }
        return out;
    }

    private static float[] scaled(float[] tensor, int columns, Map<String, ChannelScaling> scalings, String name) {
        ChannelScaling scaling = scalings.get(TinySpecs.LAYER + name);
        float[] scaled = tensor.clone();
        // Runs that begin and end within rows, too.
        for (int row = 0; row < tensor.length / columns && scaling != null; row++) {
            for (int column = 0; column < columns; column += 3) {
                int at = row * columns + column;
                int count = Math.min(3, columns - column);
                float[] run = Arrays.copyOfRange(tensor, at, at + count);
                scaling.apply(run, count, row, column);
                System.arraycopy(run, 0, scaled, at, count);
            }
        }
        return scaled;
    }

    private Map<String, ChannelScaling> fold(ModelSpec spec, int hidden) {
        var scalings = new HashMap<String, ChannelScaling>();
        for (ChannelMapping mapping : ChannelMapping.of(spec)) {
            boolean inner = mapping.linears().getFirst().endsWith("down_proj");
            float[] scales = new float[inner ? INNER : hidden];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = (float) Math.exp(random.nextGaussian());
            }
            mapping.tie(scales);
            mapping.fold(scales, scalings);
        }
        return scalings;
    }

    @ParameterizedTest
    @CsvSource({
        "LlamaForCausalLM, llama, 4, 2, false",
        "LlamaForCausalLM, llama, 4, 1, false",
        "Phi3ForCausalLM, phi3, 4, 2, true"
    })
    void whatTheModelComputesStays(String architecture, String type, int heads, int kvHeads, boolean fused) {
        int hidden = heads * DIM;
        int kv = kvHeads * DIM;
        Map<String, ChannelScaling> scalings = fold(TinySpecs.of(architecture, type, heads, kvHeads), hidden);
        double[] x = new double[hidden];
        for (int i = 0; i < hidden; i++) {
            x[i] = random.nextGaussian();
        }
        float[] gains = numbers(hidden);
        int rows = fused ? hidden + 2 * kv : kv;
        float[] values = numbers(rows * hidden);
        float[] bias = numbers(rows);
        float[] output = numbers(hidden * hidden);
        float[] up = numbers((fused ? 2 : 1) * INNER * hidden);
        float[] down = numbers(hidden * INNER);
        String valueName = fused ? "self_attn.qkv_proj" : "self_attn.v_proj";
        String upName = fused ? "mlp.gate_up_proj" : "mlp.up_proj";

        double[] attended = attend(x, gains, values, bias, heads, kvHeads, output);
        double[] attendedAfter = attend(
                x,
                scaled(gains, hidden, scalings, "input_layernorm.weight"),
                scaled(values, hidden, scalings, valueName + ".weight"),
                scaled(bias, rows, scalings, valueName + ".bias"),
                heads,
                kvHeads,
                scaled(output, hidden, scalings, "self_attn.o_proj.weight"));
        double[] fed = feed(x, gains, up, down);
        double[] fedAfter = feed(
                x,
                scaled(gains, hidden, scalings, "post_attention_layernorm.weight"),
                scaled(up, hidden, scalings, upName + ".weight"),
                scaled(down, INNER, scalings, "mlp.down_proj.weight"));

        assertThat(attendedAfter).containsExactly(attended, within(1e-4));
        assertThat(fedAfter).containsExactly(fed, within(1e-4));
    }

    /** Each query head reads its key-value head's values of one token; they are the last rows of their module. */
    private static double[] attend(
            double[] x, float[] gains, float[] values, float[] bias, int heads, int kvHeads, float[] output) {
        double[] projected = product(values, times(x, gains));
        int first = projected.length - kvHeads * DIM;
        double[] read = new double[heads * DIM];
        for (int i = 0; i < read.length; i++) {
            int row = first + i / DIM / (heads / kvHeads) * DIM + i % DIM;
            read[i] = projected[row] + bias[row];
        }
        return product(output, read);
    }

    private static double[] feed(double[] x, float[] gains, float[] up, float[] down) {
        double[] projected = product(up, times(x, gains));
        double[] inner = new double[INNER];
        System.arraycopy(projected, projected.length - INNER, inner, 0, INNER);
        return product(down, inner);
    }

    private static double[] times(double[] x, float[] gains) {
        double[] product = x.clone();
        for (int i = 0; i < x.length; i++) {
            product[i] *= gains[i];
        }
        return product;
    }
}
