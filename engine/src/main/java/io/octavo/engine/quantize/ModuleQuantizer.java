package io.octavo.engine.quantize;

import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;

/**
 * Quantizes weights by any scheme on a backend, some rows at a time, and hands them to the writing thread.
 *
 * <p>Memory is some slots of one chunk's codes, scales and zero points, whatever the size of a tensor. Source rows are read into a buffer of one chunk.
 */
final class ModuleQuantizer implements AutoCloseable {

    /** Rows whose zero points share a word, at most. */
    private static final long ZERO_POINT_ROWS = 8;

    private final Backend backend;
    private final Stream stream;
    private final WeightRanges weightRanges;
    private final CalibratedScales calibrated;
    private final long chunkBytes;
    private final SlotPool<Slot> slots;

    private record Slot(StagedBuffer codes, StagedBuffer scales, StagedBuffer zeroPoints, StagedBuffer nonFinite) {}

    /** Bytes of the buffers that every module of a plan fits. */
    private record Sizes(long source, long codes, long scales, long zeroPoints) {

        static Sizes of(QuantizationPlan plan, long chunkBytes) {
            var sizes = new Sizes(0, 0, 0, 0);
            for (Quantize action : plan.quantized()) {
                Chunk first = chunk(action, 0, chunkBytes);
                long source = Math.max(first.sourceBytes(), WeightRanges.mostBytes(action, chunkBytes));
                sizes = new Sizes(
                        Math.max(sizes.source, source),
                        Math.max(sizes.codes, first.codeBytes()),
                        Math.max(sizes.scales, first.scaleBytes()),
                        Math.max(sizes.zeroPoints, first.tiles()));
            }
            return sizes;
        }
    }

    /** Of the backend, that one quantizer takes. */
    static long bytes(QuantizationPlan plan, long chunkBytes) {
        Sizes sizes = Sizes.of(plan, chunkBytes);
        return sizes.source + SlotPool.SLOTS * (sizes.codes + sizes.scales + sizes.zeroPoints + DType.I32.bytes());
    }

    /** Some rows of a module on their way. */
    private record Chunk(ModuleOutputs outputs, long from, long to, long scaleRows) {

        long sourceBytes() {
            return (to - from) * outputs.inFeatures() * outputs.dtype().bytes();
        }

        long codeBytes() {
            return (to - from) * outputs.codeRowBytes();
        }

        /** Tiles before this, in the order of scales. */
        long firstTile() {
            return from / outputs.tile().rows() * outputs.scaleColumns();
        }

        long tiles() {
            return scaleRows * outputs.scaleColumns();
        }

        long scaleBytes() {
            return tiles() * outputs.scaleType().bytes();
        }
    }

    /**
     * @param calibrated for schemes that store scales of inputs
     * @param absmaxes of whole weights, which others may share
     * @param chunkBytes source bytes quantized at once; a longer row is a chunk of its own
     * @throws io.octavo.engine.failure.QuantizationException {@code OUT_OF_MEMORY}
     */
    ModuleQuantizer(
            Backend backend,
            QuantizationPlan plan,
            CalibratedScales calibrated,
            ConcurrentHashMap<List<String>, Float> absmaxes,
            long chunkBytes) {
        this.backend = backend;
        this.calibrated = calibrated;
        this.chunkBytes = chunkBytes;
        Sizes sizes = Sizes.of(plan, chunkBytes);
        this.slots = new SlotPool<>(
                backend,
                sizes.source,
                pool -> new Slot(
                        pool.allocate(sizes.codes),
                        pool.allocate(sizes.scales),
                        pool.allocate(sizes.zeroPoints),
                        pool.allocate(DType.I32.bytes())));
        this.stream = backend.newStream();
        this.weightRanges = new WeightRanges(backend, stream, plan, absmaxes, slots.source(), chunkBytes);
    }

    /** The rows from {@code from} on that are computed together: whole tiles, and whole words of zero points. */
    private static Chunk chunk(Quantize action, long from, long chunkBytes) {
        ModuleOutputs outputs = action.layout();
        long tileRows = Math.min(outputs.tile().rows(), outputs.outFeatures());
        boolean given = isPerTensor(outputs);
        long unit = given ? 1 : tileRows * (outputs.hasZeroPoints() ? ZERO_POINT_ROWS : 1);
        long rowBytes = outputs.inFeatures() * outputs.dtype().bytes();
        long rows = Math.max(chunkBytes / rowBytes / unit, 1) * unit;
        long to = Math.min(from + rows, outputs.outFeatures());
        return new Chunk(outputs, from, to, given ? 1 : Math.ceilDiv(to - from, tileRows));
    }

    private static boolean isPerTensor(ModuleOutputs outputs) {
        return outputs.scheme().weights().granularity() instanceof Granularity.PerTensor;
    }

    /**
     * Queues the writes of everything that a module becomes.
     *
     * @param afterChunk receives the source bytes of every chunk, in this thread
     * @throws io.octavo.engine.failure.QuantizationException {@code TENSOR_NOT_FINITE} or {@code SCHEME_UNSUITABLE}
     */
    void quantize(Quantize action, SafetensorsWriter writer, WriteQueue queue, LongConsumer afterChunk) {
        ModuleOutputs outputs = action.layout();
        ByteBuffer whole = whole(action, outputs);
        writeNumbers(outputs, whole, writer, queue);
        for (long row = 0; row < outputs.outFeatures(); ) {
            Chunk chunk = chunk(action, row, chunkBytes);
            Slot slot = slots.take(queue);
            action.source().solved().ifPresentOrElse(codes -> take(codes, chunk, slot), () -> {
                Scaling scaling = scaling(outputs, whole);
                if (scaling instanceof Scaling.Given) {
                    slot.scales.first(whole.remaining()).copyFrom(MemorySegment.ofBuffer(whole));
                    slot.scales.send(whole.remaining(), stream);
                }
                compute(action, chunk, scaling, slot);
            });
            queue.submit(() -> {
                write(chunk, slot, writer);
                slots.release(slot);
            });
            afterChunk.accept(chunk.sourceBytes());
            row = chunk.to;
        }
    }

    /** What a whole tensor is scaled by, as it is stored; empty where each tile has scales of its own alone. */
    private ByteBuffer whole(Quantize action, ModuleOutputs outputs) {
        Optional<SolvedCodes> solved = action.source().solved();
        if (outputs.hasGlobalScale()) {
            float divisor = solved.map(SolvedCodes::globalDivisor)
                    .orElseGet(() -> StoredScales.globalDivisor(weightRanges.absmax(action), outputs.floats()));
            return StoredScales.bytes(DType.F32, divisor);
        }
        if (isPerTensor(outputs)) {
            return solved.map(codes -> codes.scales().asByteBuffer())
                    .orElseGet(() -> StoredScales.bytes(
                            outputs.floats(),
                            StoredScales.symmetric(
                                    "the weight of " + outputs.module(),
                                    weightRanges.absmax(action),
                                    outputs.scheme().weights().type(),
                                    outputs.floats())));
        }
        return ByteBuffer.allocate(0);
    }

    private static Scaling scaling(ModuleOutputs outputs, ByteBuffer whole) {
        Quantization weights = outputs.scheme().weights();
        float divisor = weights.type().divisor();
        if (weights.scaleType() == ScaleType.E8M0) {
            return new Scaling.PowerOfTwo(Math.getExponent(divisor));
        }
        if (outputs.hasGlobalScale()) {
            return new Scaling.Relative(divisor, whole.getFloat(0));
        }
        if (isPerTensor(outputs)) {
            return new Scaling.Given();
        }
        return weights.symmetric() ? new Scaling.Absmax(divisor) : new Scaling.Range();
    }

    /** In place of {@link #compute}: what it would leave in the slot is known. */
    private static void take(SolvedCodes solved, Chunk chunk, Slot slot) {
        ModuleOutputs outputs = chunk.outputs;
        long scaleBytes = outputs.scaleType().bytes();
        copy(solved.codes(), chunk.from * outputs.codeRowBytes(), chunk.codeBytes(), slot.codes);
        copy(solved.scales(), chunk.firstTile() * scaleBytes, chunk.scaleBytes(), slot.scales);
        if (outputs.hasZeroPoints()) {
            copy(solved.zeroPoints(), chunk.firstTile(), chunk.tiles(), slot.zeroPoints);
        }
    }

    private static void copy(MemorySegment source, long from, long bytes, StagedBuffer target) {
        target.first(bytes).copyFrom(source.asSlice(from, bytes));
    }

    /** The tensors of one or two numbers. */
    private void writeNumbers(ModuleOutputs outputs, ByteBuffer whole, SafetensorsWriter writer, WriteQueue queue) {
        outputs.storedShape().ifPresent(spec -> {
            ByteBuffer shape = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            shape.putLong(outputs.outFeatures()).putLong(outputs.inFeatures()).flip();
            queue.submit(() -> writer.write(spec.name(), 0, shape));
        });
        if (whole.hasRemaining()) {
            String name = (outputs.hasGlobalScale() ? outputs.globalScale() : outputs.scales()).name();
            ByteBuffer number = whole.duplicate();
            queue.submit(() -> writer.write(name, 0, number));
        }
        if (!outputs.inputs().isEmpty()) {
            queue.submit(() -> calibrated.writeInput(outputs, writer));
        }
    }

    private void compute(Quantize action, Chunk chunk, Scaling scaling, Slot slot) {
        TensorInfo weight = action.source().info();
        ModuleOutputs outputs = chunk.outputs;
        long rows = chunk.to - chunk.from;
        long columns = outputs.inFeatures();
        long rowBytes = columns * weight.dtype().bytes();
        QuantizeTiles.Tile tile =
                scaling instanceof Scaling.Given ? new QuantizeTiles.Tile(rows, columns) : outputs.tile();
        slots.source().load(action.source(), chunk.from * rowBytes, chunk.sourceBytes(), stream);
        slot.nonFinite.device().fill((byte) 0, stream);
        backend.operations()
                .quantizeTiles()
                .quantize(
                        new QuantizeTiles.Arguments(
                                Matrix.of(slots.source().device(), weight.dtype(), rows, columns),
                                outputs.codeFormat(),
                                tile,
                                scaling,
                                Matrix.of(slot.codes.device(), DType.U8, rows, outputs.codeRowBytes()),
                                Matrix.of(
                                        slot.scales.device(),
                                        outputs.scaleType(),
                                        chunk.scaleRows,
                                        outputs.scaleColumns()),
                                outputs.hasZeroPoints()
                                        ? Matrix.of(
                                                slot.zeroPoints.device(),
                                                DType.I8,
                                                chunk.scaleRows,
                                                outputs.scaleColumns())
                                        : null,
                                Matrix.of(slot.nonFinite.device(), DType.I32, 1, 1)),
                        stream);
        slot.codes.fetch(chunk.codeBytes(), stream);
        slot.scales.fetch(chunk.scaleBytes(), stream);
        if (outputs.hasZeroPoints()) {
            slot.zeroPoints.fetch(chunk.tiles(), stream);
        }
        slot.nonFinite.fetch(DType.I32.bytes(), stream);
        stream.synchronize();
        if (slot.nonFinite.host().get(ValueLayout.JAVA_INT, 0) != 0) {
            throw StoredScales.wrong(action, chunk.from, chunk.to);
        }
    }

    private static void write(Chunk chunk, Slot slot, SafetensorsWriter writer) {
        ModuleOutputs outputs = chunk.outputs;
        writer.write(
                outputs.codes().name(),
                chunk.from * outputs.codeRowBytes(),
                slot.codes.first(chunk.codeBytes()).asByteBuffer());
        if (isPerTensor(outputs)) {
            return;
        }
        writer.write(
                outputs.scales().name(),
                chunk.firstTile() * outputs.scaleType().bytes(),
                slot.scales.first(chunk.scaleBytes()).asByteBuffer());
        if (outputs.hasZeroPoints()) {
            long word = chunk.from / outputs.zeroPointsPerWord() * outputs.scaleColumns();
            writer.write(outputs.zeroPoints().name(), word * Integer.BYTES, zeroPointWords(chunk, slot));
        }
    }

    /** Zero points, plus half the range, of rows below each other, lowest bits first. */
    private static ByteBuffer zeroPointWords(Chunk chunk, Slot slot) {
        ModuleOutputs outputs = chunk.outputs;
        int bits = outputs.scheme().weights().type().bits();
        int perWord = outputs.zeroPointsPerWord();
        int columns = Math.toIntExact(outputs.scaleColumns());
        int wordRows = Math.toIntExact(Math.ceilDiv(chunk.scaleRows, (long) perWord));
        ByteBuffer words =
                ByteBuffer.allocate(wordRows * columns * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int wordRow = 0; wordRow < wordRows; wordRow++) {
            for (int column = 0; column < columns; column++) {
                int word = 0;
                for (int i = 0; i < perWord; i++) {
                    long row = (long) wordRow * perWord + i;
                    int zeroPoint = slot.zeroPoints.host().get(ValueLayout.JAVA_BYTE, row * columns + column);
                    word |= (zeroPoint + (1 << (bits - 1))) << (i * bits);
                }
                words.putInt(word);
            }
        }
        return words.flip();
    }

    /** Call only once nothing is left in the write queue. */
    @Override
    public void close() {
        stream.close();
        slots.close();
    }
}
