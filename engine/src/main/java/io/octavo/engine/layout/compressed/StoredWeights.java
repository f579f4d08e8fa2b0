package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.PackedE2m1;
import io.octavo.engine.layout.weight.PlainWeight;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the weights of one config group and checks every shape, type and scale. */
public final class StoredWeights {

    private final ModuleTensors tensors;
    private final Declaration.Group group;
    private final Quantization weights;

    StoredWeights(ModuleTensors tensors, Declaration.Group group) {
        this.tensors = tensors;
        this.group = group;
        this.weights = group.weights();
    }

    QuantizedWeight read(String module) {
        // Loaders ignore the zero points of symmetric weights.
        if (weights.symmetric()) {
            tensors.find(module, CompressedTensors.WEIGHT_ZERO_POINT_SUFFIX);
        }
        return switch (group.format()) {
            case FLOAT_QUANTIZED, NAIVE_QUANTIZED -> bytes(module, DType.F8_E4M3, ModuleTensors.FLOATS);
            case INT_QUANTIZED -> bytes(module, DType.I8, ModuleTensors.FLOATS);
            case MXFP8 -> bytes(module, DType.F8_E4M3, Set.of(DType.U8));
            case PACK_QUANTIZED -> integers(module);
            case NVFP4 -> nvfp4(module);
            case MXFP4 -> mxfp4(module);
        };
    }

    private QuantizedWeight bytes(String module, DType codeType, Set<DType> scaleTypes) {
        Tensor codes = codes(module, CompressedTensors.WEIGHT_SUFFIX, codeType);
        ScaleGrid scales =
                scales(module, codes.shape().getFirst(), codes.shape().getLast(), scaleTypes);
        return new PlainWeight(codes, weights, scales);
    }

    private Tensor codes(String module, String suffix, DType type) {
        Tensor codes = tensors.tensor(module, suffix, Set.of(type), 2);
        if (codes.shape().contains(0L) || codes.shape().getLast() > Integer.MAX_VALUE) {
            throw Declaration.unsupported("tensor " + codes.name() + " has shape " + codes.shape());
        }
        return codes;
    }

    private QuantizedWeight integers(String module) {
        int bits = weights.type().bits();
        Tensor shape = tensors.tensor(module, CompressedTensors.WEIGHT_SHAPE_SUFFIX, Set.of(DType.I64), List.of(2L));
        long rows = shape.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        long columns = shape.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, Long.BYTES);
        if (rows <= 0 || columns <= 0 || rows > Integer.MAX_VALUE || columns > Integer.MAX_VALUE) {
            throw Declaration.unsupported("tensor " + shape.name() + " says " + rows + " x " + columns);
        }
        Tensor packed = tensors.tensor(
                module,
                CompressedTensors.WEIGHT_PACKED_SUFFIX,
                Set.of(DType.I32),
                List.of(rows, Math.ceilDiv(columns * bits, Integer.SIZE)));
        return new PackedIntegers(
                packed,
                rows,
                columns,
                weights,
                scales(module, rows, columns, ModuleTensors.FLOATS),
                zeroPoints(module, rows, columns, bits),
                group.actOrder() ? groupIndex(module, columns) : null);
    }

    private @Nullable Tensor zeroPoints(String module, long rows, long columns, int bits) {
        if (weights.symmetric()) {
            return null;
        }
        return tensors.tensor(
                module,
                CompressedTensors.WEIGHT_ZERO_POINT_SUFFIX,
                Set.of(DType.I32),
                List.of(Math.ceilDiv(rows * bits, Integer.SIZE), groups(module, columns)));
    }

    private Tensor groupIndex(String module, long columns) {
        Tensor index = tensors.tensor(
                module, CompressedTensors.WEIGHT_GROUP_INDEX_SUFFIX, Set.of(DType.I32), List.of(columns));
        long groups = groups(module, columns);
        for (int group : index.segment().toArray(ValueLayout.JAVA_INT_UNALIGNED)) {
            if (group < 0 || group >= groups) {
                throw Declaration.unsupported(
                        "tensor " + index.name() + " holds " + group + "; there are " + groups + " groups");
            }
        }
        return index;
    }

    private QuantizedWeight nvfp4(String module) {
        Tensor packed = codes(module, CompressedTensors.WEIGHT_PACKED_SUFFIX, DType.U8);
        float divisor = tensors.globalScale(module, CompressedTensors.WEIGHT_GLOBAL_SCALE_SUFFIX);
        ScaleGrid scales =
                scales(module, packed.shape().getFirst(), 2 * packed.shape().getLast(), Set.of(DType.F8_E4M3));
        return new PackedE2m1(packed, weights, scales, 1 / divisor);
    }

    private QuantizedWeight mxfp4(String module) {
        Tensor packed = codes(module, CompressedTensors.WEIGHT_PACKED_SUFFIX, DType.U8);
        ScaleGrid scales =
                scales(module, packed.shape().getFirst(), 2 * packed.shape().getLast(), Set.of(DType.U8));
        return new PackedE2m1(packed, weights, scales, 1);
    }

    private ScaleGrid scales(String module, long rows, long columns, Set<DType> dtypes) {
        ScaleGrid grid = switch (weights.granularity()) {
            case Granularity.PerTensor tensor -> {
                tensors.scale(module, CompressedTensors.WEIGHT_SCALE_SUFFIX);
                Tensor one = tensors.find(module, CompressedTensors.WEIGHT_SCALE_SUFFIX)
                        .orElseThrow();
                yield new ScaleGrid(one, Math.max(rows, 1), 1);
            }
            case Granularity.PerChannel channel -> grid(module, dtypes, rows, 1, 1);
            case Granularity.PerGroup size -> grid(module, dtypes, rows, 1, groups(module, columns));
            case Granularity.PerTensorGroup size -> grid(module, dtypes, rows, 1, groups(module, columns));
            case Granularity.PerBlock block ->
                grid(module, dtypes, Math.ceilDiv(rows, (long) block.rows()), block.rows(), Math.ceilDiv(columns, (long)
                        block.columns()));
            case Granularity.PerToken token -> throw new IllegalStateException("no weight has tokens");
            case Granularity.PerHead head -> throw new IllegalStateException("no weight has heads");
        };
        grid.requirePositive();
        return grid;
    }

    private ScaleGrid grid(String module, Set<DType> dtypes, long gridRows, long tileRows, long gridColumns) {
        if (gridColumns > Integer.MAX_VALUE) {
            throw Declaration.unsupported("module " + module + " has " + gridColumns + " scales a row");
        }
        Tensor scales =
                tensors.tensor(module, CompressedTensors.WEIGHT_SCALE_SUFFIX, dtypes, List.of(gridRows, gridColumns));
        return new ScaleGrid(scales, tileRows, Math.toIntExact(gridColumns));
    }

    private long groups(String module, long columns) {
        int size = switch (weights.granularity()) {
            case Granularity.PerGroup group -> group.size();
            case Granularity.PerTensorGroup group -> group.size();
            case Granularity.PerTensor tensor -> Math.toIntExact(columns);
            case Granularity.PerChannel channel -> Math.toIntExact(columns);
            case Granularity.PerBlock block -> block.columns();
            case Granularity.PerToken token -> throw new IllegalStateException("no weight has tokens");
            case Granularity.PerHead head -> throw new IllegalStateException("no weight has heads");
        };
        if (columns % size != 0) {
            throw Declaration.unsupported(
                    "module " + module + " has " + columns + " input channels, no multiple of the group size " + size);
        }
        return columns / size;
    }
}
