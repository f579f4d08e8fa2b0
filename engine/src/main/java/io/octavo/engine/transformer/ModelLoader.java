package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.model.NormSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Places a checkpoint's weights on a backend and checks every shape against the architecture.
 *
 * <p>Weights stay as they are stored: 16-bit, or codes with their scales. On the CPU they stay in the mapped files.
 */
public final class ModelLoader {

    /** Host memory that unpacks codes on their way to the device. */
    private static final long FILL_BYTES = 4 << 20;

    private final Backend backend;
    private final Checkpoint checkpoint;
    private final ModelSpec spec;
    private final LinearReader linears;

    /** @throws QuantizationException {@code quantization-unsupported} if the checkpoint's layout cannot be run */
    public ModelLoader(Backend backend, Checkpoint checkpoint, ModelSpec spec) {
        this.backend = backend;
        this.checkpoint = checkpoint;
        this.spec = spec;
        this.linears = new LinearReader(checkpoint);
    }

    /**
     * @throws QuantizationException {@code checkpoint-tensor-missing}, {@code checkpoint-shape-mismatch} or
     *     {@code tensor-dtype-unsupported}
     */
    public Transformer load(RunLimits limits) {
        Stream stream = backend.newStream();
        TransformerWeights weights = new Placement(stream).weights();
        stream.synchronize();
        return new Transformer(backend, spec, limits, weights, stream);
    }

    /** One loading; collects the buffers that the model will own. */
    private final class Placement implements LinearReader.Placer {

        private final Stream stream;
        private final List<DeviceBuffer> buffers = new ArrayList<>();

        Placement(Stream stream) {
            this.stream = stream;
        }

        TransformerWeights weights() {
            Matrix embedding = matrix("model.embed_tokens.weight", spec.vocabularySize(), spec.hiddenSize());
            List<DecoderLayer> layers = new ArrayList<>();
            for (int i = 0; i < spec.layers().size(); i++) {
                layers.add(layer(i));
            }
            Matrix norm = matrix("model.norm.weight", 1, spec.hiddenSize());
            Matrix output = spec.tiedEmbeddings()
                    ? embedding
                    : matrix("lm_head.weight", spec.vocabularySize(), spec.hiddenSize());
            return new TransformerWeights(embedding, layers, norm, output, kvScales(), buffers);
        }

        private KvScales kvScales() {
            KvScales scales = linears.kvScales(this);
            int heads = spec.attention().kvHeads();
            boolean fits = scales.layers().stream()
                    .allMatch(layer -> fits(layer.keys(), heads) && fits(layer.values(), heads));
            boolean complete = scales.layers().isEmpty()
                    || scales.layers().size() == spec.layers().size();
            if (!fits || !complete) {
                throw new QuantizationException(
                        ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                        "scales of the KV cache do not fit " + spec.layers().size() + " layers of " + heads + " heads");
            }
            return scales;
        }

        private static boolean fits(Matrix scales, int heads) {
            return scales.columns() == 1 || scales.columns() == heads;
        }

        private DecoderLayer layer(int index) {
            String prefix = "model.layers." + index + ".";
            Projections attention = attention(prefix + "self_attn.");
            Linear output = linear(
                    prefix + "self_attn.o_proj",
                    spec.hiddenSize(),
                    spec.attention().queryColumns());
            return new DecoderLayer(
                    spec,
                    spec.layers().get(index),
                    index,
                    norms(prefix),
                    attention.queries(),
                    attention.keys(),
                    attention.values(),
                    headNorm(prefix + "self_attn.q_norm", spec.attention().queryColumns()),
                    headNorm(prefix + "self_attn.k_norm", spec.attention().keyValueColumns()),
                    output,
                    feedForward(prefix, spec.layers().get(index).feedForward()));
        }

        private DecoderLayer.Norms norms(String prefix) {
            NormSpec norms = spec.norms();
            return new DecoderLayer.Norms(
                    norm(prefix, norms.beforeAttention()),
                    norm(prefix, norms.afterAttention()),
                    norm(prefix, norms.beforeMlp()),
                    norm(prefix, norms.afterMlp()));
        }

        private @Nullable Matrix norm(String prefix, @Nullable String module) {
            return module == null ? null : matrix(prefix + module + ".weight", 1, spec.hiddenSize());
        }

        private @Nullable Matrix headNorm(String module, int wholeColumns) {
            QueryKeyNorm kind = spec.attention().queryKeyNorm();
            if (kind == QueryKeyNorm.NONE) {
                return null;
            }
            int columns = kind == QueryKeyNorm.PER_HEAD ? spec.attention().headDim() : wholeColumns;
            return matrix(module + ".weight", 1, columns);
        }

        private record Projections(Linear queries, Linear keys, Linear values) {}

        private Projections attention(String prefix) {
            AttentionSpec attention = spec.attention();
            int hidden = spec.hiddenSize();
            int queryRows = attention.queryColumns();
            int keyRows = attention.keyValueColumns();
            if (!attention.fusedQkv()) {
                return new Projections(
                        linear(prefix + "q_proj", queryRows, hidden),
                        linear(prefix + "k_proj", keyRows, hidden),
                        linear(prefix + "v_proj", keyRows, hidden));
            }
            Linear fused = linear(prefix + "qkv_proj", queryRows + 2 * keyRows, hidden);
            return new Projections(
                    fused.rows(0, queryRows),
                    fused.rows(queryRows, queryRows + keyRows),
                    fused.rows(queryRows + keyRows, queryRows + 2 * keyRows));
        }

        private FeedForward feedForward(String prefix, FeedForwardSpec block) {
            return switch (block) {
                case FeedForwardSpec.Dense dense -> mlp(prefix + "mlp.", dense);
                case FeedForwardSpec.Experts mixture ->
                    experts(prefix + mixture.names().block() + ".", mixture);
            };
        }

        private GatedMlp mlp(String prefix, FeedForwardSpec.Dense dense) {
            int rows = dense.intermediateSize();
            int hidden = spec.hiddenSize();
            Linear down = linear(prefix + "down_proj", hidden, rows);
            if (!dense.fusedGateUp()) {
                Linear gate = linear(prefix + "gate_proj", rows, hidden);
                return new GatedMlp(spec.activation(), gate, linear(prefix + "up_proj", rows, hidden), down);
            }
            Linear fused = linear(prefix + "gate_up_proj", 2 * rows, hidden);
            return new GatedMlp(spec.activation(), fused.rows(0, rows), fused.rows(rows, 2L * rows), down);
        }

        private ExpertMixture experts(String prefix, FeedForwardSpec.Experts mixture) {
            FeedForwardSpec.Names names = mixture.names();
            int rows = mixture.intermediateSize();
            int hidden = spec.hiddenSize();
            Linear router = linear(prefix + "gate", mixture.count(), hidden);
            return new ExpertMixture(
                    spec.activation(),
                    mixture,
                    router,
                    expertLinears(prefix, mixture, names.gate(), rows, hidden),
                    expertLinears(prefix, mixture, names.up(), rows, hidden),
                    expertLinears(prefix, mixture, names.down(), hidden, rows));
        }

        private ExpertLinears expertLinears(
                String prefix, FeedForwardSpec.Experts mixture, String name, int outFeatures, int inFeatures) {
            List<Linear> experts = new ArrayList<>();
            for (int expert = 0; expert < mixture.count(); expert++) {
                String module = prefix + "experts." + expert + "." + name;
                experts.add(linears.readExpert(module, outFeatures, inFeatures, bias(module, outFeatures), this));
            }
            return ExpertLinears.of(prefix + "experts.*." + name, experts);
        }

        private Linear linear(String module, int outFeatures, int inFeatures) {
            return linears.read(module, outFeatures, inFeatures, bias(module, outFeatures), this);
        }

        private @Nullable Matrix bias(String module, int outFeatures) {
            String name = module + ".bias";
            return checkpoint.find(name).isPresent() ? matrix(name, 1, outFeatures) : null;
        }

        private Matrix matrix(String name, long rows, long columns) {
            Tensor tensor = checkpoint.tensor(name);
            return place(requireFloating(tensor), rows, columns);
        }

        @Override
        public boolean wantsPacked() {
            return backend.readsFewerBitsFaster();
        }

        @Override
        public Matrix place(Tensor tensor, long rows, long columns) {
            requireShape(tensor, rows, columns);
            DeviceBuffer buffer = backend.place("weights", tensor.segment(), stream);
            buffers.add(buffer);
            return Matrix.of(buffer, tensor.dtype(), rows, columns);
        }

        @Override
        public Matrix fill(DType dtype, long rows, long columns, LinearReader.RowWriter writer) {
            DeviceBuffer buffer = backend.allocate("weights", Matrix.bytes(dtype, rows, columns));
            buffers.add(buffer);
            long rowBytes = Math.max(Matrix.bytes(dtype, 1, columns), 1);
            long step = Math.clamp(FILL_BYTES / rowBytes, 1, Math.max(rows, 1));
            try (Arena arena = Arena.ofShared()) {
                MemorySegment host = arena.allocate(step * rowBytes, Long.BYTES);
                for (long from = 0; from < rows; from += step) {
                    long to = Math.min(from + step, rows);
                    MemorySegment part = host.asSlice(0, (to - from) * rowBytes);
                    writer.write(from, to, part);
                    buffer.copyFrom(part, from * rowBytes, stream);
                    stream.synchronize();
                }
            }
            return Matrix.of(buffer, dtype, rows, columns);
        }
    }

    static Tensor requireFloating(Tensor tensor) {
        DType dtype = tensor.dtype();
        if (dtype != DType.F32 && dtype != DType.BF16 && dtype != DType.F16) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_DTYPE_UNSUPPORTED,
                    "tensor " + tensor.name() + " is " + dtype + "; allowed: F32, BF16, F16");
        }
        return tensor;
    }

    /** A row vector may be stored with rank 1, a single number with rank 0. */
    private static void requireShape(Tensor tensor, long rows, long columns) {
        List<Long> matrix = List.of(rows, columns);
        List<Long> vector = List.of(columns);
        boolean asVector = rows == 1 && tensor.shape().equals(vector);
        boolean asNumber = rows == 1 && columns == 1 && tensor.shape().isEmpty();
        if (!tensor.shape().equals(matrix) && !asVector && !asNumber) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                    "tensor " + tensor.name() + " has shape " + tensor.shape() + ", config.json asks for " + matrix);
        }
    }
}
