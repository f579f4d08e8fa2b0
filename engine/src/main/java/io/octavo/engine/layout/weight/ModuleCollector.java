package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.kernels.number.DType;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Collects the quantized modules of a checkpoint, tensor by tensor, and proves in the end that none was left unexplained.
 */
public final class ModuleCollector {

    private static final Set<DType> SCALE_TYPES = Set.of(DType.F32, DType.BF16, DType.F16);

    private final Checkpoint checkpoint;
    private final Set<String> claimed = new HashSet<>();
    private final LinkedHashMap<String, QuantizedLinear> modules = new LinkedHashMap<>();

    public ModuleCollector(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /** Modules that have a tensor of this name, in the order of the checkpoint. */
    public List<String> modulesWith(String parameter) {
        return checkpoint.names().stream()
                .filter(name -> QuantizationParameters.parameter(name).equals(parameter))
                .map(QuantizationParameters::module)
                .toList();
    }

    /** A tensor that the module must have. */
    public Tensor claim(String module, String parameter) {
        return claimIfPresent(module, parameter)
                .orElseThrow(() -> Declaration.unsupported("module " + module + " has no " + parameter));
    }

    public Optional<Tensor> claimIfPresent(String module, String parameter) {
        Optional<Tensor> tensor = checkpoint.find(module + "." + parameter);
        tensor.ifPresent(found -> claimed.add(found.name()));
        return tensor;
    }

    /** A module's weight, if it is a matrix of this type. */
    public Optional<Tensor> matrix(String module, DType dtype) {
        return checkpoint
                .find(module + "." + QuantizationParameters.WEIGHT)
                .filter(weight -> weight.dtype() == dtype && weight.shape().size() == 2);
    }

    /** Scales as floats in the expected shape, all of them positive and finite. */
    public static ScaleGrid scales(Tensor tensor, long tileRows, int columns, long... shape) {
        requireType(tensor, SCALE_TYPES);
        requireShape(tensor, shape);
        var grid = new ScaleGrid(tensor, tileRows, columns);
        grid.requirePositive();
        return grid;
    }

    /** One scale, stored with rank 0 or 1. */
    public static float scalar(Tensor tensor) {
        return scales(tensor, 1, 1, tensor.shape().isEmpty() ? new long[0] : new long[] {1})
                .number(0);
    }

    public static void requireType(Tensor tensor, Set<DType> allowed) {
        if (!allowed.contains(tensor.dtype())) {
            throw Declaration.unsupported("tensor " + tensor.name() + " is " + tensor.dtype() + "; allowed: "
                    + allowed.stream().sorted().toList());
        }
    }

    public static void requireShape(Tensor tensor, long... shape) {
        if (!tensor.hasShape(shape)) {
            throw Declaration.unsupported("tensor " + tensor.name() + " has shape " + tensor.shape() + "; expected "
                    + java.util.Arrays.toString(shape));
        }
    }

    public void add(QuantizedLinear linear) {
        modules.put(linear.module(), linear);
    }

    /** @throws io.octavo.engine.failure.QuantizationException if a tensor is left that only a quantization could explain */
    public QuantizedModules finish(Optional<KvCacheScales> kvCache) {
        if (modules.isEmpty()) {
            throw Declaration.unsupported("it applies to no module of the checkpoint");
        }
        for (String name : checkpoint.names()) {
            if (QuantizationParameters.contains(name) && !claimed.contains(name)) {
                throw Declaration.unsupported("it does not explain tensor " + name);
            }
            requirePlain(name);
        }
        return new QuantizedModules(modules, kvCache);
    }

    /** A matrix of codes that is no quantized module would be taken for numbers. */
    private void requirePlain(String name) {
        Checkpoint.StoredTensor stored = checkpoint.stored().get(name);
        if (stored == null || !name.endsWith("." + QuantizationParameters.WEIGHT)) {
            return;
        }
        boolean codes = stored.info().dtype().bits() <= Byte.SIZE
                && stored.info().shape().size() == 2;
        if (codes && !modules.containsKey(QuantizationParameters.module(name))) {
            throw Declaration.unsupported("it does not explain tensor " + name + " of "
                    + stored.info().dtype());
        }
    }
}
