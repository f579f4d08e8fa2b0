package io.octavo.engine.inspect;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.InputScale;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.loader.ModuleAgreement;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.scheme.NumberType.IntType;
import io.octavo.engine.scheme.Quantization;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * What loaders refuse or misread although config and tensors agree, as far as the file alone shows it. vLLM says little of
 * it: docs/checkpoint-formats.md, sections 14 and 15.
 */
final class LoaderFaults {

    private static final Set<String> PLAIN = Set.of(QuantizationParameters.WEIGHT, "bias");

    /** No Linear holds weights as large: F16 could not add up what they make. A reciprocal in a scale's place does. */
    private static final float LARGEST_WEIGHT = 1e4f;

    private static final int SCALES_AT_ONCE = 1 << 16;
    private static final Pattern FIRST_NUMBER = Pattern.compile("\\.[0-9]+\\.");

    private final Checkpoint checkpoint;
    private final QuantizedModules modules;

    private LoaderFaults(Checkpoint checkpoint, QuantizedModules modules) {
        this.checkpoint = checkpoint;
        this.modules = modules;
    }

    /** The first fault that is found. */
    static Optional<String> first(Checkpoint checkpoint, QuantizedModules modules) {
        if (modules.byName().isEmpty()) {
            return Optional.empty();
        }
        var faults = new LoaderFaults(checkpoint, modules);
        List<Supplier<Optional<String>>> checks = List.of(
                faults::format, faults::strangers, faults::biases, faults::treatment, faults::shared, faults::size);
        return checks.stream().map(Supplier::get).flatMap(Optional::stream).findFirst();
    }

    /** vLLM tells integers and 8-bit floats by it; transformers infers it. */
    private Optional<String> format() {
        JsonNode config = QuantizedLayouts.config(checkpoint).orElseThrow();
        if (!Declaration.layout(config).equals(Optional.of(Layout.COMPRESSED_TENSORS))
                || config.path("format").isString()) {
            return Optional.empty();
        }
        return config.path("config_groups")
                .propertyStream()
                .filter(group -> !group.getValue().path("format").isString())
                .map(group -> "quantization_config: config_groups." + group.getKey()
                        + " has no format, and neither has the whole; vLLM needs it")
                .findFirst();
    }

    private Optional<String> strangers() {
        return checkpoint.names().stream()
                .filter(name -> modules.find(QuantizedLayouts.moduleOf(name)).isPresent())
                .filter(name -> !PLAIN.contains(QuantizationParameters.parameter(name))
                        && !QuantizationParameters.contains(name))
                .map(name -> "no loader knows tensor " + name + " of a quantized module")
                .findFirst();
    }

    /** A Linear has a bias in every layer or in none; vLLM drops one that its model does not have. */
    private Optional<String> biases() {
        Map<String, String> with = new HashMap<>();
        Map<String, String> without = new HashMap<>();
        for (String module : modules.byName().keySet()) {
            boolean biased = checkpoint.find(module + ".bias").isPresent();
            String kind = FIRST_NUMBER.matcher(module).replaceFirst(".N.");
            (biased ? with : without).putIfAbsent(kind, module);
        }
        return with.entrySet().stream()
                .filter(biased -> without.containsKey(biased.getKey()))
                .map(biased -> "module " + biased.getValue() + " has a bias and " + without.get(biased.getKey())
                        + " has none; loaders give all layers one or drop it")
                .findFirst();
    }

    /** Parts that loaders join must be quantized alike. */
    private Optional<String> treatment() {
        Map<String, String> schemes = new LinkedHashMap<>();
        modules.byName().forEach((module, linear) -> schemes.put(module, scheme(linear)));
        var left = new ArrayList<String>();
        checkpoint.stored().forEach((name, stored) -> {
            String module = QuantizedLayouts.moduleOf(name);
            boolean plain = name.endsWith(CompressedTensors.WEIGHT_SUFFIX)
                    && !schemes.containsKey(module)
                    && ModuleRole.of(
                                    module,
                                    stored.info().shape(),
                                    checkpoint.config().tree())
                            .isQuantized();
            if (plain) {
                left.add(module);
            }
        });
        try {
            new ModuleAgreement(schemes, left).require();
            return Optional.empty();
        } catch (QuantizationException e) {
            return Optional.ofNullable(e.getMessage());
        }
    }

    private static String scheme(QuantizedLinear linear) {
        return linear.weight().quantization()
                + linear.inputs().map(inputs -> " with inputs " + inputs).orElse("");
    }

    /** Where joined parts hold a number of their own that loaders keep once, it must be the same. */
    private Optional<String> shared() {
        return modules.byName().values().stream()
                .flatMap(linear -> ModuleRole.fusedWith(linear.module()).stream()
                        .flatMap(sibling -> modules.find(sibling).stream())
                        .flatMap(sibling -> differences(linear, sibling)))
                .findFirst();
    }

    private static Stream<String> differences(QuantizedLinear one, QuantizedLinear other) {
        String both = "modules " + one.module() + " and " + other.module() + ", which loaders fuse, have different ";
        boolean integers = one.inputs().map(Quantization::type).orElse(null) instanceof IntType;
        boolean keptOnce = integers || one.weight().globalScale() != 1;
        Stream<String> weights = one.weight().globalScale() == other.weight().globalScale()
                ? Stream.empty()
                : Stream.of(both + "global scales");
        Optional<InputScale> inputs = one.inputScale();
        Stream<String> scales =
                !keptOnce || inputs.equals(other.inputScale()) ? Stream.empty() : Stream.of(both + "input scales");
        return Stream.concat(weights, scales);
    }

    private Optional<String> size() {
        for (QuantizedLinear linear : modules.byName().values()) {
            QuantizedWeight weight = linear.weight();
            double largest = (double) largestScale(weight)
                    * weight.globalScale()
                    * weight.quantization().type().divisor();
            if (largest > LARGEST_WEIGHT) {
                return Optional.of("module " + linear.module() + ": its scales make weights of up to "
                        + (float) largest + "; a scale that is meant to divide stands where one multiplies, or the"
                        + " other way round");
            }
        }
        return Optional.empty();
    }

    private static float largestScale(QuantizedWeight weight) {
        long rows = Math.max(1, SCALES_AT_ONCE / weight.groups());
        float[] scales = new float[Math.toIntExact(Math.min(rows, weight.outFeatures()) * weight.groups())];
        float largest = 0;
        for (long from = 0; from < weight.outFeatures(); from += rows) {
            long to = Math.min(weight.outFeatures(), from + rows);
            weight.readScales(from, to, scales);
            for (int i = 0; i < (to - from) * weight.groups(); i++) {
                largest = Math.max(largest, scales[i]);
            }
        }
        return largest;
    }
}
