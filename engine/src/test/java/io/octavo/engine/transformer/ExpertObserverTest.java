package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What observers of experts see, beside a mixture computed in f64 from what its router saw. */
class ExpertObserverTest {

    /** Few, so that some expert gets none. */
    private static final int TOKENS = 5;

    /** Sums of 32 products in f32, of numbers up to some tens. */
    private static final double TOLERANCE = 1e-4;

    private final TinyMoe model = new TinyMoe();

    /** Rows by module. */
    private static final class Recorder implements ActivationObserver {

        private final Map<String, List<float[]>> rows = new HashMap<>();

        @Override
        public void input(String module, Matrix activations, Stream stream) {
            int columns = (int) activations.columns();
            float[] numbers = new float[(int) activations.elements()];
            activations.buffer().copyTo(MemorySegment.ofArray(numbers), activations.offset(), stream);
            stream.synchronize();
            List<float[]> seen = rows.computeIfAbsent(module, name -> new ArrayList<>());
            for (int from = 0; from < numbers.length; from += columns) {
                seen.add(java.util.Arrays.copyOfRange(numbers, from, from + columns));
            }
        }

        @Override
        public void keysAndValues(int layer, Matrix keys, Matrix values, Stream stream) {}

        List<float[]> of(String module) {
            return rows.getOrDefault(module, List.of());
        }
    }

    @Test
    void seeTheRowsOfTheTokensThatWereSentToThem(@TempDir Path folder) throws IOException {
        var recorder = new Recorder();
        try (Backend backend = Backends.cpu(1);
                Checkpoint checkpoint = Checkpoint.open(model.checkpoint().write(folder))) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            int[] ids = IntStream.range(0, TOKENS)
                    .map(i -> i * 11 % TinyMoe.VOCABULARY)
                    .toArray();
            try (LayerStream layers = new ModelLoader(backend, checkpoint, spec).stream(List.of(ids))) {
                while (layers.next() < layers.layers()) {
                    layers.advance(recorder, () -> {});
                }
            }
        }
        for (int layer = 0; layer < TinyMoe.LAYERS; layer++) {
            List<float[]> tokens = recorder.of("model.layers." + layer + ".mlp.gate");
            assertThat(tokens).hasSize(TOKENS);
            int unused = 0;
            for (int expert = 0; expert < TinyMoe.EXPERTS; expert++) {
                List<float[]> own = sent(tokens, layer, expert);
                unused += own.isEmpty() ? 1 : 0;
                assertThat(recorder.of(module(layer, expert, "gate_proj"))).containsExactlyElementsOf(own);
                assertThat(recorder.of(module(layer, expert, "up_proj"))).containsExactlyElementsOf(own);
                assertActivated(recorder.of(module(layer, expert, "down_proj")), own, layer, expert);
            }
            assertThat(unused).isPositive();
        }
    }

    private static String module(int layer, int expert, String projection) {
        return "model.layers." + layer + ".mlp.experts." + expert + "." + projection;
    }

    /** Tokens whose largest router logits include the expert's, in order. */
    private List<float[]> sent(List<float[]> tokens, int layer, int expert) {
        float[] router = model.weight("model.layers." + layer + ".mlp.gate.weight");
        return tokens.stream()
                .filter(token -> IntStream.range(0, TinyMoe.EXPERTS)
                        .boxed()
                        .sorted(Comparator.comparingDouble(other -> -product(router, other, token)))
                        .limit(TinyMoe.PER_TOKEN)
                        .toList()
                        .contains(expert))
                .toList();
    }

    private void assertActivated(List<float[]> seen, List<float[]> inputs, int layer, int expert) {
        assertThat(seen).hasSameSizeAs(inputs);
        float[] gate = model.weight(TinyMoe.expert(layer, expert, "gate_proj"));
        float[] up = model.weight(TinyMoe.expert(layer, expert, "up_proj"));
        for (int i = 0; i < seen.size(); i++) {
            for (int row = 0; row < TinyMoe.WIDTH; row++) {
                double gated = product(gate, row, inputs.get(i));
                double expected = gated / (1 + Math.exp(-gated)) * product(up, row, inputs.get(i));
                assertThat((double) seen.get(i)[row])
                        .isCloseTo(expected, within(TOLERANCE * Math.max(1, Math.abs(expected))));
            }
        }
    }

    private static double product(float[] weight, int row, float[] input) {
        double sum = 0;
        for (int i = 0; i < input.length; i++) {
            sum += (double) weight[row * input.length + i] * input[i];
        }
        return sum;
    }
}
