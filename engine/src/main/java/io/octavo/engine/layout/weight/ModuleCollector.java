package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.kernels.number.DType;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Collects the quantized modules of a checkpoint, tensor by tensor, and proves in the end that none was left unexplained.
 */
public final class ModuleCollector {

    public static final Set<DType> FLOATS = EnumSet.of(DType.BF16, DType.F16, DType.F32);

    private final Checkpoint checkpoint;
    private final Set<String> claimed = new HashSet<>();
    private final LinkedHashMap<String, QuantizedLinear> modules = new LinkedHashMap<>();

    public ModuleCollector(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /**
     * Modules that have a tensor of this name, in the order of the checkpoint; one that unquantized modules have too counts
     * only if it is a matrix of this type.
     */
    public List<String> modulesWith(String parameter, DType dtype) {
        boolean everyones = parameter.equals(QuantizationParameters.WEIGHT);
        return checkpoint.names().stream()
                .filter(name -> QuantizationParameters.parameter(name).equals(parameter))
                .filter(name -> !everyones
                        || checkpoint
                                .find(name)
                                .filter(weight -> weight.dtype() == dtype
                                        && weight.shape().size() == 2)
                                .isPresent())
                .map(QuantizationParameters::module)
                .toList();
    }

    /** A tensor that the module may have; whatever it holds is explained. */
    public Optional<Tensor> find(String module, String parameter) {
        claimed.add(module + "." + parameter);
        return checkpoint.find(module + "." + parameter);
    }

    private Tensor claim(String module, String parameter) {
        return find(module, parameter)
                .orElseThrow(() -> Declaration.unsupported("module " + module + " has no " + parameter));
    }

    /** A tensor that the module must have, of a type and rank. */
    public Tensor claim(String module, String parameter, DType dtype, int rank) {
        Tensor tensor = claim(module, parameter);
        boolean sized = tensor.shape().stream().allMatch(size -> size > 0 && size <= Integer.MAX_VALUE);
        if (tensor.dtype() != dtype || tensor.shape().size() != rank || !sized) {
            throw Declaration.unsupported("tensor " + tensor.name() + " is " + tensor.dtype() + " " + tensor.shape()
                    + "; expected " + dtype + " of rank " + rank);
        }
        return tensor;
    }

    /** A tensor that there must be. */
    public Tensor claim(TensorSpec expected) {
        return claim(expected, Set.of(expected.dtype()), List.of(expected.shape()));
    }

    private Tensor claim(TensorSpec expected, Set<DType> dtypes, List<List<Long>> shapes) {
        Tensor tensor = claim(
                QuantizationParameters.module(expected.name()), QuantizationParameters.parameter(expected.name()));
        if (!dtypes.contains(tensor.dtype()) || !shapes.contains(tensor.shape())) {
            throw Declaration.unsupported("tensor " + tensor.name() + " is " + tensor.dtype() + " " + tensor.shape()
                    + "; expected " + dtypes.stream().sorted().toList() + " " + shapes.getFirst());
        }
        return tensor;
    }

    /**
     * A weight's scales. Where floats are expected they may be of any type, where one number is, of rank 0 or 1, and where
     * one a channel is, of rank 2.
     *
     * @param tileRows rows of the weight that share a row of scales
     * @param columns scales a row
     */
    public ScaleGrid scales(TensorSpec expected, long tileRows, long columns) {
        List<Long> shape = expected.shape();
        List<List<Long>> shapes = switch (shape.size()) {
            case 0 -> List.of(shape, List.of(1L));
            case 1 -> List.of(shape, shape.getFirst() == 1 ? List.of() : List.of(shape.getFirst(), 1L));
            default -> List.of(shape);
        };
        Set<DType> dtypes = FLOATS.contains(expected.dtype()) ? FLOATS : Set.of(expected.dtype());
        return new ScaleGrid(claim(expected, dtypes, shapes), tileRows, Math.toIntExact(columns));
    }

    /** One float that a module must have, stored with rank 0 or 1; positive and finite. */
    public float scalar(String module, String parameter) {
        ScaleGrid grid = scales(new TensorSpec(module + "." + parameter, DType.F32), 1, 1);
        grid.requirePositive();
        return grid.number(0);
    }

    /** One F32 in the shape that loaders of compressed-tensors insist on, {@code [1]}; positive and finite. */
    public float number(String module, String parameter) {
        ScaleGrid grid = new ScaleGrid(claim(new TensorSpec(module + "." + parameter, DType.F32, 1)), 1, 1);
        grid.requirePositive();
        return grid.number(0);
    }

    /** The group of each input channel, where the module has any. */
    public Optional<int[]> groupIndex(String module, String parameter, long channels, int groups) {
        return find(module, parameter).map(found -> {
            Tensor tensor = claim(new TensorSpec(found.name(), DType.I32, channels));
            int[] index = tensor.segment().toArray(ValueLayout.JAVA_INT_UNALIGNED);
            for (int channel = 0; channel < index.length; channel++) {
                if (index[channel] < 0 || index[channel] >= groups) {
                    throw Declaration.unsupported("tensor " + tensor.name() + " holds " + index[channel] + " at "
                            + channel + "; allowed: 0 to " + (groups - 1));
                }
            }
            return index;
        });
    }

    /** That groups of a size divide a module's input channels. */
    public static void requireGroups(String module, Granularity granularity, long channels) {
        int size = switch (granularity) {
            case Granularity.PerGroup group -> group.size();
            case Granularity.PerTensorGroup group -> group.size();
            default -> 1;
        };
        if (channels % size != 0) {
            throw Declaration.unsupported(
                    "module " + module + " has " + channels + " input channels, no multiple of the group size " + size);
        }
    }

    public void add(QuantizedLinear linear) {
        modules.put(linear.module(), linear);
    }

    /** @throws io.octavo.engine.failure.QuantizationException if there is none */
    public void requireModules() {
        if (modules.isEmpty()) {
            throw Declaration.unsupported("it applies to no module of the checkpoint");
        }
    }

    /** @throws io.octavo.engine.failure.QuantizationException if a tensor is left that only a quantization could explain */
    public QuantizedModules finish(Optional<KvCacheScales> kvCache) {
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
