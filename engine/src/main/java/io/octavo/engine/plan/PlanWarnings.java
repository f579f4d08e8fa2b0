package io.octavo.engine.plan;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.loader.ExpertLoaders;
import io.octavo.engine.loader.FamilyLoaders;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.MissingModules;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.module.Experts;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.plan.PlanReport.ModuleGroup;
import io.octavo.engine.plan.PlanReport.Warning;
import io.octavo.engine.quantize.ModuleSchemes;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Scheme;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** What works, but not as one may think. */
final class PlanWarnings {

    /** The smallest number that F16 holds with all its bits. */
    private static final double SMALLEST_F16 = 0x1p-14;

    /** Kernels for 8-bit floats take sizes in steps of so many elements. */
    private static final int FP8_STEP = 16;

    private static final String BIAS = ".bias";

    private final JsonNode config;
    private final ModuleSchemes schemes;
    private final Scheme scheme;
    private final List<ModuleGroup> modules;
    private final List<Warning> warnings = new ArrayList<>();

    private PlanWarnings(JsonNode config, ModuleSchemes schemes, List<ModuleGroup> modules) {
        this.config = config;
        this.schemes = schemes;
        this.scheme = schemes.scheme();
        this.modules = modules;
    }

    /** @param label whose own warnings are among them */
    static List<Warning> of(
            Checkpoint source, ModuleSchemes schemes, Label label, List<ModuleGroup> modules, Recipe recipe) {
        var found = new PlanWarnings(source.config().tree(), schemes, modules);
        source.notes().forEach(note -> found.add(PreFlight.NOTES, note));
        label.warnings().forEach(warning -> found.add("loader", warning));
        recipe.budget()
                .ifPresent(budget -> found.add(
                        "budget-not-spent",
                        "figures are of " + recipe.scheme() + " alone; which modules get "
                                + String.join(", ", budget.candidates()) + " within "
                                + budget.limit().text() + " shows when data has been seen"));
        found.numbers();
        found.architecture(recipe);
        found.holes(source);
        found.coverage();
        found.loaders();
        return found.warnings;
    }

    private void add(String code, String message) {
        warnings.add(new Warning(code, message));
    }

    private List<ModuleGroup> quantized() {
        return modules.stream().filter(group -> group.scheme() != null).toList();
    }

    private void numbers() {
        Optional<ModuleGroup> half = quantized().stream()
                .filter(group -> group.stored().stream().anyMatch(tensor -> tensor.startsWith("weight_scale F16")))
                .findFirst();
        if (half.isPresent()) {
            double least = SMALLEST_F16 * scheme.weights().type().divisor();
            add(
                    "scales-may-underflow",
                    "scales are stored in F16 here; where the largest magnitude that shares a scale is below "
                            + "%.2g, the scale loses bits (such as %s), and the work is refused where it loses many"
                                    .formatted(least, half.get().name()));
        }
        boolean runsInHalf = config.path("dtype")
                .asString(config.path("torch_dtype").asString(""))
                .equals("float16");
        if (runsInHalf && quantized().stream().anyMatch(group -> !group.dtype().equals("F16"))) {
            add(
                    "runs-in-f16",
                    "config.json asks for float16 while weights are stored in a type of wider range: activations past"
                            + " 65504 become infinite when a loader obeys it");
        }
    }

    private void architecture(Recipe recipe) {
        try {
            ModelSpec spec = Architectures.read(config);
            biases(spec);
            recipe.calibration()
                    .filter(data -> data.sequenceLength() > spec.maxPositions())
                    .ifPresent(data -> add(
                            "texts-cut-to-positions",
                            "sequenceLength is " + data.sequenceLength() + ", but the model has " + spec.maxPositions()
                                    + " positions: of each text so many tokens count"));
        } catch (QuantizationException e) {
            add("cannot-be-evaluated", "it can be quantized, but not evaluated here: " + e.getMessage());
        }
        boolean tied = config.path("tie_word_embeddings").asBoolean(false);
        if (tied && modules.stream().anyMatch(group -> group.name().equals("lm_head.weight"))) {
            add(
                    "head-stored-though-tied",
                    "lm_head.weight is stored though tie_word_embeddings is true: it is run here and by transformers;"
                            + " loaders that go by the config drop it");
        }
    }

    private void biases(ModelSpec spec) {
        modules.stream()
                .map(ModuleGroup::name)
                .filter(name -> name.endsWith(BIAS))
                .filter(name -> ModuleRole.named(module(name)).isQuantized()
                        && ModuleRole.named(module(name)) != ModuleRole.UNKNOWN
                        && !spec.biases().has(module(name)))
                .findFirst()
                .ifPresent(name -> add(
                        "bias-without-effect",
                        name + " is stored, but a " + spec.architecture() + " of this config has none: loaders drop it,"
                                + " and so does running it here"));
    }

    private static String module(String bias) {
        return bias.substring(0, bias.length() - BIAS.length());
    }

    /** Of architectures that are known the plan is refused instead. */
    private void holes(Checkpoint source) {
        List<String> holes = new MissingModules(config, source.names()).suspected();
        if (!holes.isEmpty()) {
            add(
                    "module-missing",
                    holes.getFirst() + (holes.size() == 1 ? "" : " (and " + (holes.size() - 1) + " more like it)")
                            + ": if the model needs it, loaders run it with numbers of their own");
        }
    }

    private void coverage() {
        for (ModuleGroup group : modules) {
            if (QuantizationPlan.FUSED_EXPERTS.equals(group.reason())) {
                add(
                        "experts-in-one-tensor",
                        group.name() + ": experts stored as one tensor " + group.shape()
                                + " are left alone, since loaders of this family take no single ones");
            }
        }
        for (ModuleGroup group : quantized()) {
            if (ModuleRole.of(group.name(), group.shape(), config) == ModuleRole.UNKNOWN) {
                add(
                        "unknown-module",
                        group.name() + ": a matrix " + group.shape() + " of a name that is not known is quantized;"
                                + " ignore it unless it is a Linear whose outputs are no choice between experts or words");
            }
        }
        long all = modules.stream().mapToLong(ModuleGroup::inputBytes).sum();
        long covered = quantized().stream().mapToLong(ModuleGroup::inputBytes).sum();
        if (2 * covered < all) {
            add(
                    "mostly-kept",
                    "%.0f %% of the bytes stay as they are".formatted(100.0 * (all - covered) / Math.max(all, 1)));
        }
    }

    private void loaders() {
        if (schemes.layout() == Layout.FP8 && schemes.kvCache().isPresent()) {
            add(
                    "kv-cache-needs-flag",
                    "scales of the KV cache in layout fp8 count only where the server starts with --kv-cache-dtype fp8");
        }
        schemes.kvCache()
                .filter(cache -> cache.type() instanceof NumberType.IntType)
                .ifPresent(cache -> add(
                        "kv-cache-int8",
                        "vLLM refuses a file with scales of a KV cache of integers; transformers and octavo take it"));
        schemesOf(quantized().stream().filter(group -> Experts.of(group.name()).isPresent()))
                .forEach(stored -> ExpertLoaders.lostInTransformers(
                                schemes.layout(), stored.weights(), stored.inputs(), config)
                        .ifPresent(why -> add("experts-in-transformers", stored.name() + ": " + why)));
        List<Declaration.Group> experts = schemesOf(quantized().stream()
                        .filter(group -> Experts.of(group.name()).isPresent()))
                .map(Declaration.Group::of)
                .toList();
        ExpertLoaders.mixedInTransformers(schemes.layout(), experts, config)
                .ifPresent(why -> add("experts-in-transformers", why));
        schemesOf(quantized().stream())
                .forEach(stored -> FamilyLoaders.lostInTransformers(
                                schemes.layout(), stored.weights(), stored.inputs(), config)
                        .ifPresent(why -> add("family-in-transformers", stored.name() + ": " + why)));
        for (ModuleGroup group : quantized()) {
            Scheme stored = Scheme.named(Objects.requireNonNull(group.scheme()));
            boolean fp8 = stored.weights().type() == NumberType.FloatType.E4M3;
            boolean uneven = group.shape().stream().anyMatch(size -> size % FP8_STEP != 0);
            if (fp8 && uneven) {
                boolean refused = stored.inputs().isPresent()
                        && stored.weights().granularity() instanceof Granularity.PerChannel
                        && Experts.of(group.name()).isEmpty()
                        && joinedRows(group) % FP8_STEP != 0;
                add(
                        "uneven-for-fp8",
                        group.name() + ": shape " + group.shape() + " is not divisible by " + FP8_STEP
                                + ", which GPU kernels for 8-bit floats ask for"
                                + (refused
                                        ? "; vLLM does not load a scale a channel of such outFeatures on sm_89 and newer:"
                                                + " ignore the module or give it another scheme"
                                        : ""));
            }
        }
    }

    private static Stream<Scheme> schemesOf(Stream<ModuleGroup> groups) {
        return groups.map(group -> Scheme.named(Objects.requireNonNull(group.scheme())))
                .distinct();
    }

    /** Output features of what loaders make one matrix of. */
    private long joinedRows(ModuleGroup group) {
        List<String> joined = ModuleRole.fusedWith(group.name());
        return modules.stream()
                .filter(module -> module.equals(group) || joined.contains(module.name()))
                .mapToLong(module -> module.shape().getFirst())
                .sum();
    }
}
