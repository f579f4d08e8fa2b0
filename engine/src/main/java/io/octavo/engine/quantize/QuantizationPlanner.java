package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ExpertView;
import io.octavo.engine.checkpoint.Fp8Source;
import io.octavo.engine.checkpoint.TensorView;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.loader.ModuleAgreement;
import io.octavo.engine.loader.ScaleTypes;
import io.octavo.engine.loader.SchemeFit;
import io.octavo.engine.model.ConfigSizes;
import io.octavo.engine.model.MissingModules;
import io.octavo.engine.model.WeightShapes;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.module.LoaderNames;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.quantize.QuantizationPlan.Action;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Decides for every tensor whether it is quantized, and refuses checkpoints and requests that cannot work. */
final class QuantizationPlanner {

    /** Listed even where it is tied to the embedding and not stored: loaders create it, and would quantize it. */
    private static final String OUTPUT_HEAD = "lm_head";

    private static final Set<DType> WEIGHT_DTYPES = Set.of(DType.BF16, DType.F16, DType.F32);

    /**
     * Every other matrix that is kept is listed, because some loader may take it for a Linear; of this name none does, and
     * a list of the head alone is what users of Llama-like models know.
     */
    private static final String KNOWN_EMBEDDING = "embed_tokens";

    /** Files that other quantizers leave beside weights which config.json does not mention. */
    private static final List<String> FOREIGN_CONFIGS =
            List.of("hf_quant_config.json", "quantize_config.json", "quant_config.json");

    /** A row is quantized in one piece, so it must fit a buffer. */
    private static final long MAX_ROW_BYTES = 1L << 30;

    private static final int MAX_REGEXES = 64;

    private static final String IGNORED_BY_REQUEST = "ignored by request";

    private final Checkpoint checkpoint;
    private final ModuleSchemes schemes;
    private final List<ModulePattern> ignored;
    private final SchemeFit fit;
    private final Optional<Fp8Source> fp8;
    private final Set<String> modules = new TreeSet<>(Set.of(OUTPUT_HEAD));
    private final Set<String> ignoreList = new TreeSet<>(Set.of(OUTPUT_HEAD));
    private final Set<String> leftByRequest = new TreeSet<>();

    QuantizationPlanner(Checkpoint checkpoint, ModuleSchemes schemes, List<String> ignore) {
        this.checkpoint = checkpoint;
        this.schemes = schemes;
        this.fit = new SchemeFit(schemes.layout(), checkpoint.config().tree());
        this.fp8 = Fp8Source.of(checkpoint);
        LoaderNames.tiedHead(checkpoint.config().tree()).ifPresent(ignoreList::add);
        checkpoint.stored().values().forEach(tensor -> modules.addAll(modules(tensor.info())));
        this.ignored = ignore.stream()
                .map(text -> ModulePattern.parse(text, ErrorCode.IGNORE_INVALID))
                .toList();
    }

    QuantizationPlan plan() {
        if (fp8.isEmpty()) {
            requireUnquantized();
        }
        if (checkpoint.config().architectures().isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_MISSING, "config.json names no architectures; loaders need one");
        }
        ConfigSizes.require(checkpoint.config().tree());
        new MissingModules(checkpoint.config().tree(), checkpoint.names()).require();
        WeightShapes.require(checkpoint.config().tree(), checkpoint::weightShape);
        requireIgnoredModulesExist();
        var actions = new ArrayList<Action>();
        for (StoredTensor tensor : checkpoint.stored().values()) {
            actions.addAll(actions(tensor));
        }
        schemes.kvCache().ifPresent(cache -> actions.addAll(KvScalesPlanner.plan(checkpoint, cache, actions)));
        var plan = new QuantizationPlan(schemes, actions, List.copyOf(ignoreList));
        requireOverridesConcernSomething(plan);
        if (plan.quantized().isEmpty()) {
            throw new QuantizationException(ErrorCode.NOTHING_TO_QUANTIZE, whyNothing(actions));
        }
        requireLoadersAgree(plan);
        return new QuantizationPlan(schemes, shareScales(actions), plan.ignore());
    }

    /** Each reason to leave a matrix alone, with how many it concerns and the first of them. */
    private static String whyNothing(List<Action> actions) {
        String reasons = actions.stream()
                .filter(Keep.class::isInstance)
                .map(Keep.class::cast)
                .filter(keep -> keep.source().info().shape().size() > 1)
                .collect(Collectors.groupingBy(Keep::reason, TreeMap::new, Collectors.toList()))
                .entrySet()
                .stream()
                .map(entry -> entry.getValue().size() + " " + entry.getKey() + " (first "
                        + entry.getValue().getFirst().source().info().name() + " "
                        + entry.getValue().getFirst().source().info().shape() + ")")
                .collect(Collectors.joining("; "));
        return "none of the checkpoint's " + actions.size() + " tensors is the weight of a Linear to quantize, a matrix"
                + " NAME.weight [outFeatures, inFeatures]" + (reasons.isEmpty() ? "" : "; left alone are: " + reasons);
    }

    private void requireOverridesConcernSomething(QuantizationPlan plan) {
        Set<String> quantizable = new TreeSet<>(leftByRequest);
        plan.quantized().forEach(action -> quantizable.add(action.module()));
        for (ModuleSchemes.ModuleScheme override : schemes.overrides()) {
            for (ModulePattern target : override.targets()) {
                if (quantizable.stream().anyMatch(target::matches)) {
                    continue;
                }
                String what = "override target " + target.text() + " matches ";
                throw new QuantizationException(
                        ErrorCode.IGNORE_INVALID,
                        modules.stream()
                                .filter(target::matches)
                                .findFirst()
                                .map(kept -> what + "only modules that are left alone, such as " + kept + ": "
                                        + whyKept(kept, plan))
                                .orElseGet(() -> what + "no module of the checkpoint" + hint(target)));
            }
        }
    }

    private String whyKept(String module, QuantizationPlan plan) {
        return plan.kept().stream()
                .filter(keep -> modules(keep.source().info()).contains(module))
                .findFirst()
                .map(Keep::reason)
                .orElse("the checkpoint stores no weight of it");
    }

    /** What was meant, perhaps: names are whole, and patterns begin with a name's first character. */
    private String hint(ModulePattern pattern) {
        String text = pattern.text();
        if (pattern instanceof ModulePattern.Regex regex) {
            return modules.stream()
                    .filter(module -> regex.compiled().matcher(module).find())
                    .findFirst()
                    .map(module -> "; a regular expression begins with a name's first character, so that of " + module
                            + " needs " + ModulePattern.REGEX_PREFIX + ".* before it")
                    .orElse("");
        }
        String bare = text.endsWith(CompressedTensors.WEIGHT_SUFFIX)
                ? text.substring(0, text.length() - CompressedTensors.WEIGHT_SUFFIX.length())
                : text;
        return modules.stream()
                .filter(module -> module.equals(bare)
                        || module.endsWith("." + bare)
                        || module.startsWith(bare + ".")
                        || module.contains("." + bare + "."))
                .findFirst()
                .map(module -> "; names are whole, such as " + module + ", and patterns begin with "
                        + ModulePattern.REGEX_PREFIX)
                .orElse("; names are whole, and patterns begin with " + ModulePattern.REGEX_PREFIX);
    }

    /** Where a loader keeps one scale for a fused layer, its parts are given one. */
    private static List<Action> shareScales(List<Action> actions) {
        Set<String> modules = new TreeSet<>();
        for (Action action : actions) {
            if (action instanceof Quantize quantize) {
                modules.add(quantize.module());
            }
        }
        return actions.stream()
                .map(action -> action instanceof Quantize quantize ? sharing(quantize, modules) : action)
                .toList();
    }

    private static Action sharing(Quantize action, Set<String> modules) {
        Granularity granularity = action.scheme().weights().granularity();
        if (!(granularity instanceof Granularity.PerTensor) && !(granularity instanceof Granularity.PerTensorGroup)) {
            return action;
        }
        List<String> parts = ModuleRole.fusedWith(action.module()).stream()
                .filter(modules::contains)
                .toList();
        return action.sharingWith(parts.isEmpty() ? List.of(action.module()) : parts);
    }

    private void requireUnquantized() {
        JsonNode config = checkpoint.config().tree();
        Optional<String> trace = Optional.empty();
        if (checkpoint.config().quantizationConfig().isPresent()
                || config.path("text_config").hasNonNull("quantization_config")) {
            trace = Optional.of("config.json has a quantization_config"
                    + methods(config)
                    + "; of these only quant_method fp8 is read, with E4M3 weights and weight_scale_inv beside them");
        } else if (config.hasNonNull("compression_config")) {
            trace = Optional.of("config.json has a compression_config");
        }
        trace = trace.or(() -> FOREIGN_CONFIGS.stream()
                        .filter(checkpoint::hasFile)
                        .map(name -> "there is a " + name)
                        .findFirst())
                .or(() -> CompressedTensors.quantizedTensor(checkpoint).map(name -> "there is a tensor " + name));
        if (trace.isPresent()) {
            throw new QuantizationException(
                    ErrorCode.ALREADY_QUANTIZED, "the source is quantized already: " + trace.get());
        }
    }

    private static String methods(JsonNode config) {
        return Stream.of(config, config.path("text_config"))
                .map(part ->
                        part.path("quantization_config").path("quant_method").asString(""))
                .filter(method -> !method.isEmpty())
                .findFirst()
                .map(method -> " of quant_method " + method)
                .orElse(" without quant_method");
    }

    private void requireIgnoredModulesExist() {
        if (ignored.stream().filter(ModulePattern.Regex.class::isInstance).count() > MAX_REGEXES) {
            throw new QuantizationException(
                    ErrorCode.IGNORE_INVALID, "more than " + MAX_REGEXES + " regular expressions to ignore by");
        }
        for (ModulePattern pattern : ignored) {
            boolean found = pattern instanceof ModulePattern.Exact
                    ? modules.contains(pattern.text())
                    : modules.stream().anyMatch(pattern::matches);
            if (!found) {
                throw new QuantizationException(
                        ErrorCode.IGNORE_INVALID,
                        "ignore " + pattern.text() + " matches no module of the checkpoint" + hint(pattern));
            }
        }
    }

    /** Names of what a tensor belongs to, or of the Linears that it holds. */
    private Set<String> modules(TensorInfo tensor) {
        var names = new TreeSet<String>();
        fused(tensor).ifPresent(fused -> fused.parts().forEach(part -> names.add(part.module())));
        names.add(tensor.name().substring(0, Math.max(tensor.name().lastIndexOf('.'), 0)));
        return names;
    }

    private Optional<FusedExperts> fused(TensorInfo tensor) {
        return FusedExperts.of(
                tensor.name(), tensor.shape(), checkpoint.config().tree());
    }

    private List<Action> actions(StoredTensor source) {
        TensorInfo tensor = source.info();
        if (fp8.filter(form -> form.isPartOfTheForm(tensor.name())).isPresent()) {
            return List.of();
        }
        Optional<FusedExperts> fused = fused(tensor);
        if (fused.isPresent()) {
            return experts(source, fused.get());
        }
        return List.of(action(numbers(source), false));
    }

    private Numbers numbers(StoredTensor source) {
        return fp8.flatMap(form -> form.view(source))
                .<Numbers>map(Numbers.Viewed::new)
                .orElseGet(() -> new Numbers.Stored(source));
    }

    /** Experts one by one, where loaders take them so; otherwise the tensor of all of them as it is. */
    private List<Action> experts(StoredTensor source, FusedExperts fused) {
        boolean together = isIgnored(fused.experts()) || isIgnored(source.info().name());
        boolean byRequest = together || fused.parts().stream().anyMatch(part -> isIgnored(part.module()));
        if (fused.parts().isEmpty() || (byRequest && !fused.alwaysSingle())) {
            ignoreList.addAll(fused.listed());
            fused.parts().forEach(part -> leftByRequest.add(part.module()));
            return List.of(new Keep(
                    numbers(source), fused.parts().isEmpty() ? QuantizationPlan.FUSED_EXPERTS : IGNORED_BY_REQUEST));
        }
        TensorView stack = fp8.flatMap(form -> form.view(source)).orElseGet(() -> new TensorView.Whole(source));
        return fused.parts().stream()
                .map(part -> action(new Numbers.Viewed(ExpertView.of(stack, part)), together))
                .toList();
    }

    private boolean isIgnored(String module) {
        return ignored.stream().anyMatch(pattern -> pattern.matches(module));
    }

    /** @param left whether the request leaves it alone, whatever its own name */
    private Action action(Numbers source, boolean left) {
        TensorInfo tensor = source.info();
        if (!tensor.name().endsWith(CompressedTensors.WEIGHT_SUFFIX)) {
            return new Keep(source, "no weight of a Linear");
        }
        String module = tensor.name().substring(0, tensor.name().length() - CompressedTensors.WEIGHT_SUFFIX.length());
        ModuleRole role =
                ModuleRole.of(module, tensor.shape(), checkpoint.config().tree());
        if (!role.isQuantized() || left || isIgnored(module)) {
            if (tensor.shape().size() == 2
                    && !module.substring(module.lastIndexOf('.') + 1).equals(KNOWN_EMBEDDING)) {
                ignoreList.add(module);
            }
            LoaderNames.pattern(role).ifPresent(ignoreList::add);
            if (role.isQuantized()) {
                leftByRequest.add(module);
            }
            return new Keep(source, role.isQuantized() ? IGNORED_BY_REQUEST : role.reason());
        }
        if (tensor.byteSize() == 0) {
            ignoreList.add(module);
            return new Keep(source, "has no elements");
        }
        requireQuantizable(tensor);
        Scheme scheme = schemes.schemeOf(module);
        fit.require(module, scheme, tensor);
        return new Quantize(module, scheme, source, ScaleTypes.of(scheme, tensor.dtype(), schemes.layout()));
    }

    private static void requireQuantizable(TensorInfo tensor) {
        if (!WEIGHT_DTYPES.contains(tensor.dtype())) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_DTYPE_UNSUPPORTED,
                    "tensor " + tensor.name() + ": " + tensor.dtype() + " cannot be quantized; allowed: "
                            + new TreeSet<>(WEIGHT_DTYPES));
        }
        long rowBytes = tensor.shape().getLast() * tensor.dtype().bytes();
        if (rowBytes > MAX_ROW_BYTES) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "tensor " + tensor.name() + ": inFeatures " + tensor.shape().getLast() + " make rows of " + rowBytes
                            + " bytes; at most " + MAX_ROW_BYTES + " are allowed");
        }
    }

    private void requireLoadersAgree(QuantizationPlan plan) {
        var byModule = new LinkedHashMap<String, String>();
        plan.quantized()
                .forEach(action -> byModule.put(action.module(), action.scheme().name()));
        new ModuleAgreement(byModule, leftByRequest).require();
        ModuleAgreement.requireNotPassedOver(
                schemes.layout(),
                byModule.keySet(),
                plan.listed(checkpoint.config().tree()));
    }
}
