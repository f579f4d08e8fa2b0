package io.octavo.engine.layout.compressed;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.codec.InputCodec;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.ModuleCollector;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.module.ModuleRole;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;

/** Matches a config against the tensors of its checkpoint, module by module. */
public final class QuantizedModulesReader {

    private static final String HEAD = "lm_head";

    private final Checkpoint checkpoint;
    private final Declaration config;
    private final ModuleCollector tensors;
    private final LoaderNames names;

    QuantizedModulesReader(Checkpoint checkpoint, Declaration config) {
        this.checkpoint = checkpoint;
        this.config = config;
        this.tensors = new ModuleCollector(checkpoint);
        this.names = new LoaderNames(checkpoint.config().tree(), checkpoint.names());
    }

    /** A checkpoint without quantization_config must not hold what only a quantized one holds. */
    static QuantizedModules requirePlain(Checkpoint checkpoint) {
        quantizedTensor(checkpoint).ifPresent(name -> {
            throw Declaration.unsupported("there is none, yet the checkpoint has a tensor " + name);
        });
        return QuantizedModules.none();
    }

    static Optional<String> quantizedTensor(Checkpoint checkpoint) {
        return checkpoint.names().stream()
                .filter(QuantizationParameters::contains)
                .findFirst();
    }

    QuantizedModules read() {
        config.groups().forEach(ExecutableGroups::require);
        requireHeadIgnored();
        var quantized = new LinkedHashSet<String>();
        for (String module : modulesWithWeights()) {
            readModule(module).ifPresent(linear -> {
                tensors.add(linear);
                quantized.add(module);
            });
        }
        Optional<KvCacheScales> kvCache = config.kvCache()
                .map(scheme -> new KvCacheScalesReader(checkpoint, scheme, tensors).read(modulesWithWeights()));
        QuantizedModules modules = tensors.finish(kvCache);
        requireTargetsFound(quantized);
        if (kvCache.isEmpty()) {
            tensors.requireModules();
        }
        return modules;
    }

    private SequencedSet<String> modulesWithWeights() {
        var modules = new LinkedHashSet<String>();
        for (String name : checkpoint.names()) {
            for (String suffix : List.of(CompressedTensors.WEIGHT_SUFFIX, CompressedTensors.WEIGHT_PACKED_SUFFIX)) {
                if (name.endsWith(suffix)) {
                    modules.add(name.substring(0, name.length() - suffix.length()));
                }
            }
        }
        return modules;
    }

    /** Whether a module's weight is stored as codes. */
    private boolean isQuantized(String module) {
        return checkpoint.find(module + CompressedTensors.WEIGHT_PACKED_SUFFIX).isPresent()
                || checkpoint
                        .find(module + CompressedTensors.WEIGHT_SUFFIX)
                        .filter(weight -> weight.shape().size() == 2)
                        .map(weight -> !ModuleCollector.FLOATS.contains(weight.dtype()))
                        .orElse(false);
    }

    /** Even where the head is tied to the embedding and not stored, loaders would create a quantized one. */
    private void requireHeadIgnored() {
        boolean targeted = config.groups().stream()
                .anyMatch(group -> group.targetsEveryLinear() || group.targetsByName(List.of(HEAD)));
        if (targeted && !isQuantized(HEAD) && !config.ignores(List.of(HEAD))) {
            throw Declaration.unsupported("its targets match lm_head, which is neither quantized nor in ignore");
        }
    }

    private Optional<QuantizedLinear> readModule(String module) {
        boolean quantized = isQuantized(module);
        Optional<Declaration.Group> group = groupOf(module, quantized);
        if (group.isEmpty()) {
            if (quantized) {
                throw Declaration.unsupported(
                        "it leaves module " + module + " alone, yet the weight is stored as codes");
            }
            return Optional.empty();
        }
        Declaration.Group stored = group.get();
        QuantizedWeight weight = ExecutableGroups.codec(stored).read(module, stored, tensors);
        Optional<InputScale> inputScale = stored.inputs()
                .flatMap(inputs -> InputCodec.COMPRESSED.read(module, inputs, weight.inFeatures(), tensors));
        return Optional.of(new QuantizedLinear(module, weight, stored.inputs(), inputScale));
    }

    private Optional<Declaration.Group> groupOf(String module, boolean quantized) {
        List<String> spellings = names.spellings(module);
        if (config.ignores(spellings)) {
            return Optional.empty();
        }
        List<Declaration.Group> named = config.groups().stream()
                .filter(group -> group.targetsByName(spellings))
                .toList();
        List<Declaration.Group> matching = !named.isEmpty() || !isLinear(module, quantized)
                ? named
                : config.groups().stream()
                        .filter(Declaration.Group::targetsEveryLinear)
                        .toList();
        if (matching.size() > 1) {
            throw Declaration.unsupported("several config_groups apply to module " + module);
        }
        return matching.stream().findFirst();
    }

    private boolean isLinear(String module, boolean quantized) {
        List<Long> shape = checkpoint
                .find(module + CompressedTensors.WEIGHT_SUFFIX)
                .or(() -> checkpoint.find(module + CompressedTensors.WEIGHT_PACKED_SUFFIX))
                .map(Tensor::shape)
                .orElse(List.of());
        ModuleRole role = ModuleRole.of(module, shape, checkpoint.config().tree());
        return role.isQuantized() || (role.isLinear() && quantized);
    }

    private void requireTargetsFound(Set<String> modules) {
        for (Declaration.Group group : config.groups()) {
            for (ModulePattern target : group.targets()) {
                boolean found = target.text().equals(Declaration.LINEAR)
                        || modules.stream()
                                .flatMap(module -> names.spellings(module).stream())
                                .anyMatch(target::matches);
                if (!found) {
                    throw Declaration.unsupported("config_groups." + group.name() + " targets " + target.text()
                            + ", which is no module of the checkpoint");
                }
            }
        }
    }
}
