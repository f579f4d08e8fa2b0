package io.octavo.engine.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.NormSpec;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers one at a time beside all of them at once. */
class LayerStreamTest {

    private final Backend backend = Backends.cpu(2);
    private final BackendMeter meter = new BackendMeter(backend);

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void givesTheHiddenStatesOfTheWholeModel() throws IOException {
        assertSame(TestModels.books5m());
        assertSame(new TinyMoe().checkpoint().write(folder));
    }

    /** Norms before, after and around blocks; fused projections; windows. */
    @ParameterizedTest
    @ValueSource(strings = {"olmo2", "gemma3", "phi3"})
    void givesThoseOfOtherArchitectures(String name) throws IOException {
        assertSame(GeneratedModel.write(name, folder));
    }

    private void assertSame(Path path) {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            List<int[]> texts = List.of(ids(spec, 70), ids(spec, 1), ids(spec, 33));
            ModelLoader loader = new ModelLoader(backend, checkpoint, spec);
            try (LayerStream layers = loader.stream(texts);
                    Transformer model = loader.load(new RunLimits(70, 1, 70, 70));
                    KvCache cache = model.newCache(1, 70)) {
                while (layers.next() < layers.layers()) {
                    layers.advance(ActivationObserver.none(), () -> {});
                }
                for (int i = 0; i < texts.size(); i++) {
                    try (KvCache.Sequence sequence = cache.newSequence()) {
                        float[] whole = model.read(model.forward(new TokenBatch().add(sequence, texts.get(i)), cache));
                        assertThat(normalized(layers.state(i), checkpoint, spec))
                                .isEqualTo(whole);
                    }
                }
            }
        }
    }

    /** What the model gives after the last layer: the same operation on what the layers left. */
    private float[] normalized(float[] state, Checkpoint checkpoint, ModelSpec spec) {
        try (Stream stream = backend.newStream();
                DeviceBuffer numbers = backend.allocate("test", (long) state.length * Float.BYTES)) {
            numbers.copyFrom(MemorySegment.ofArray(state), 0, stream);
            Tensor gain = checkpoint.tensor(spec.names().norm() + ".weight");
            DeviceBuffer weight = backend.place("test", gain.segment(), stream);
            int hidden = spec.hiddenSize();
            Matrix x = Matrix.of(numbers, DType.F32, state.length / hidden, hidden);
            NormSpec norm = spec.norm();
            backend.operations()
                    .rmsNorm()
                    .normalize(
                            x,
                            Matrix.of(weight, gain.dtype(), 1, hidden),
                            norm.gainOffset(),
                            norm.epsilon(),
                            x,
                            stream);
            float[] result = new float[state.length];
            numbers.copyTo(MemorySegment.ofArray(result), 0, stream);
            stream.synchronize();
            return result;
        }
    }

    /** A branch beside texts that another stream takes through the changed layer, and what both say of next tokens. */
    @Test
    void takesTextsThatALayerChangedBesideTheOthers() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m());
                Arena arena = Arena.ofShared()) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            List<int[]> texts = List.of(ids(spec, 70), ids(spec, 1), ids(spec, 131));
            Tensor up = checkpoint.tensor(spec.layers().get(1).name() + ".mlp.up_proj.weight");
            var zeros = new Tensor(
                    up.name(),
                    up.dtype(),
                    up.shape(),
                    arena.allocate(up.segment().byteSize(), Long.BYTES));
            var without = new ChangedWeights(Map.of(up.name(), zeros), Map.of());
            ModelLoader loader = new ModelLoader(backend, checkpoint, spec);
            var left = new ArrayList<float[]>();
            try (LayerStream layers = loader.stream(texts);
                    LayerStream changed = loader.stream(texts);
                    LayerStream untouched = loader.stream(texts)) {
                for (LayerStream stream : List.of(layers, changed, untouched)) {
                    stream.advance(ActivationObserver.none(), () -> {});
                }
                try (LayerStream.Branch branch = layers.branch(without, (text, hidden) -> left.add(hidden))) {
                    assertThatThrownBy(layers::outputs).hasMessageContaining("layer 1");
                    layers.advance(ActivationObserver.none(), () -> {});
                    changed.advance(ActivationObserver.none(), () -> {}, without);
                    for (int text = 0; text < texts.size(); text++) {
                        assertThat(left.get(text)).isEqualTo(changed.state(text));
                    }
                    while (layers.next() < layers.layers()) {
                        try (LayerStream.Loaded layer = layers.load(ChangedWeights.none())) {
                            layer.advance(branch, () -> {});
                            layer.advance(ActivationObserver.none(), () -> {});
                        }
                        changed.advance(ActivationObserver.none(), () -> {});
                    }
                    untouched.advance(ActivationObserver.none(), () -> {});
                    while (untouched.next() < untouched.layers()) {
                        untouched.advance(ActivationObserver.none(), () -> {});
                    }
                    double[][] original = logProbabilities(untouched, texts, checkpoint, spec);
                    double[][] other = logProbabilities(changed, texts, checkpoint, spec);
                    try (TextOutputs outputs = layers.outputs();
                            TextOutputs ofChanged = changed.outputs()) {
                        assertThat(outputs.loss(() -> {})).isCloseTo(loss(original, texts), within(1e-5));
                        assertThat(ofChanged.loss(() -> {})).isCloseTo(loss(other, texts), within(1e-5));
                        assertThat(outputs.divergence(branch, () -> {}))
                                .isCloseTo(divergence(original, other), within(1e-5))
                                .isGreaterThan(0.01);
                    }
                }
            }
        }
    }

    /** In f64, of each token's next one. */
    private double[][] logProbabilities(LayerStream layers, List<int[]> texts, Checkpoint checkpoint, ModelSpec spec) {
        Tensor embedding = checkpoint.tensor(spec.names().embedding() + ".weight");
        int hidden = spec.hiddenSize();
        var rows = new ArrayList<double[]>();
        for (int text = 0; text < texts.size(); text++) {
            float[] states = normalized(layers.state(text), checkpoint, spec);
            for (int token = 0; token < texts.get(text).length; token++) {
                double[] row = new double[spec.vocabularySize()];
                for (int word = 0; word < row.length; word++) {
                    for (int i = 0; i < hidden; i++) {
                        short stored = embedding
                                .segment()
                                .getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, (long) word * hidden + i);
                        row[word] += (double) states[token * hidden + i] * BFloat16.toFloat(stored);
                    }
                }
                double most = Arrays.stream(row).max().orElseThrow();
                double sum = most
                        + Math.log(Arrays.stream(row)
                                .map(logit -> Math.exp(logit - most))
                                .sum());
                rows.add(Arrays.stream(row).map(logit -> logit - sum).toArray());
            }
        }
        return rows.toArray(double[][]::new);
    }

    private static double loss(double[][] logProbabilities, List<int[]> texts) {
        double sum = 0;
        int count = 0;
        int row = 0;
        for (int[] tokens : texts) {
            for (int token = 0; token + 1 < tokens.length; token++) {
                sum -= logProbabilities[row + token][tokens[token + 1]];
                count++;
            }
            row += tokens.length;
        }
        return sum / count;
    }

    private static double divergence(double[][] original, double[][] other) {
        double sum = 0;
        for (int row = 0; row < original.length; row++) {
            for (int word = 0; word < original[row].length; word++) {
                sum += Math.exp(original[row][word]) * (original[row][word] - other[row][word]);
            }
        }
        return sum / original.length;
    }

    private static int[] ids(ModelSpec spec, int count) {
        return new SplittableRandom(count).ints(count, 0, spec.vocabularySize()).toArray();
    }

    @Test
    void holdsOneLayerAndTakesTheMemoryThatIsToldBeforehand() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            LayerStream.Memory told = LayerStream.Memory.of(checkpoint, spec, DType.F32, 2, 128);
            try (LayerStream layers = new ModelLoader(meter.backend(), checkpoint, spec)
                    .stream(List.of(ids(spec, 128), ids(spec, 128)))) {
                while (layers.next() < layers.layers()) {
                    layers.advance(ActivationObserver.none(), () -> {});
                }
                assertThat(meter.peakBytes("weights")).isEqualTo(layerBytes(checkpoint, "model.layers.0."));
                assertThat(meter.peakBytes()).isCloseTo(told.deviceBytes(), Percentage.withPercentage(2));
                assertThat(told.stateBytes()).isEqualTo(2L * 128 * spec.hiddenSize() * Float.BYTES);
            }
            assertThat(meter.bytes()).isZero();
        }
    }

    private static long layerBytes(Checkpoint checkpoint, String prefix) {
        return checkpoint.names().stream()
                .filter(name -> name.startsWith(prefix))
                .mapToLong(name -> checkpoint.tensor(name).segment().byteSize())
                .sum();
    }

    /** At the second input, and nothing of that look is left. */
    @Test
    void looksNoFurtherThanAnObserverWants() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            ModelLoader loader = new ModelLoader(backend, checkpoint, spec);
            List<String> seen = new ArrayList<>();
            try (LayerStream layers = loader.stream(List.of(ids(spec, 20)));
                    LayerStream beside = layers.beside()) {
                try (LayerStream.Loaded layer = layers.load(ChangedWeights.none())) {
                    layer.look(0, new ActivationObserver() {
                        @Override
                        public void input(String module, Matrix activations, Stream stream) {
                            seen.add(module);
                        }

                        @Override
                        public boolean hasSeenEnough() {
                            return seen.size() == 4;
                        }
                    });
                    layer.advance(ActivationObserver.none(), () -> {});
                }
                beside.advance(ActivationObserver.none(), () -> {});
                assertThat(seen).last().asString().endsWith("o_proj");
                assertThat(layers.state(0)).isEqualTo(beside.state(0));
            }
        }
    }

    @Test
    void releasesTheLayerWhenItIsStopped() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            ModelSpec spec = Architectures.read(checkpoint.config().tree());
            try (LayerStream layers =
                    new ModelLoader(meter.backend(), checkpoint, spec).stream(List.of(ids(spec, 8), ids(spec, 8)))) {
                assertThatThrownBy(() -> layers.advance(ActivationObserver.none(), () -> {
                            throw new CancellationException("enough");
                        }))
                        .hasMessage("enough");
                assertThat(meter.bytes("weights")).isZero();
                assertThat(meter.bytes("kv-cache")).isZero();
            }
            assertThat(meter.bytes()).isZero();
        }
    }
}
