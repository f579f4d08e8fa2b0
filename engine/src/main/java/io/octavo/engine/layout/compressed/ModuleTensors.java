package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.kernels.number.DType;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The tensors of quantized modules, checked when they are fetched; remembers which were. */
public final class ModuleTensors {

    static final Set<DType> FLOATS = EnumSet.of(DType.BF16, DType.F16, DType.F32);

    private final Checkpoint checkpoint;
    private final Set<String> read = new HashSet<>();

    ModuleTensors(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** Whether a module's weight is stored as codes. */
    boolean isQuantized(String module) {
        return checkpoint.find(module + CompressedTensors.WEIGHT_PACKED_SUFFIX).isPresent()
                || checkpoint
                        .find(module + CompressedTensors.WEIGHT_SUFFIX)
                        .filter(weight -> weight.shape().size() == 2)
                        .map(weight -> !FLOATS.contains(weight.dtype()))
                        .orElse(false);
    }

    boolean wasRead(String name) {
        return read.contains(name);
    }

    /** A tensor that may be there; whatever it holds is explained. */
    Optional<Tensor> find(String module, String suffix) {
        read.add(module + suffix);
        return checkpoint.find(module + suffix);
    }

    /**
     * A tensor that must be there.
     *
     * @param rank of its shape
     */
    Tensor tensor(String module, String suffix, Set<DType> dtypes, int rank) {
        Tensor tensor = find(module, suffix)
                .orElseThrow(() -> Declaration.unsupported("module " + module + " has no " + suffix.substring(1)));
        if (!dtypes.contains(tensor.dtype()) || tensor.shape().size() != rank) {
            throw Declaration.unsupported("tensor " + tensor.name() + " is " + tensor.dtype() + " " + tensor.shape()
                    + "; expected " + dtypes + " of rank " + rank);
        }
        return tensor;
    }

    /** A tensor that must be there in this shape. */
    Tensor tensor(String module, String suffix, Set<DType> dtypes, List<Long> shape) {
        Tensor tensor = find(module, suffix)
                .orElseThrow(() -> Declaration.unsupported("module " + module + " has no " + suffix.substring(1)));
        if (!dtypes.contains(tensor.dtype()) || !tensor.shape().equals(shape)) {
            throw Declaration.unsupported("tensor " + tensor.name() + " is " + tensor.dtype() + " " + tensor.shape()
                    + "; expected " + dtypes + " " + shape);
        }
        return tensor;
    }

    /** One floating number, stored as {@code [1]} or {@code []}; positive and finite. */
    float scale(String module, String suffix) {
        Tensor tensor = find(module, suffix)
                .filter(found -> FLOATS.contains(found.dtype()))
                .filter(found -> found.hasShape(1) || found.hasShape())
                .orElseThrow(() -> Declaration.unsupported(
                        "module " + module + " has no " + suffix.substring(1) + " of one floating number"));
        ScaleGrid grid = new ScaleGrid(tensor, 1, 1);
        grid.requirePositive();
        return grid.number(0);
    }

    /** One F32 in the shape that loaders insist on, {@code [1]}; positive and finite. */
    float globalScale(String module, String suffix) {
        ScaleGrid grid = new ScaleGrid(tensor(module, suffix, Set.of(DType.F32), List.of(1L)), 1, 1);
        grid.requirePositive();
        return grid.number(0);
    }
}
