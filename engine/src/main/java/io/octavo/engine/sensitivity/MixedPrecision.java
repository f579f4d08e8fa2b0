package io.octavo.engine.sensitivity;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.loader.Experts;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.BitBudget;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.request.Sensitivity;
import io.octavo.engine.request.Sensitivity.Choice;
import io.octavo.engine.request.Sensitivity.Group;
import io.octavo.kernels.backend.Backend;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Gives each module the scheme that a budget of bits affords: modules are rounded one group at a time by each scheme, and what
 * moves the outputs of their decoder layer least in sum is taken. Rounding is plain there; what modifiers gain comes afterwards.
 */
public final class MixedPrecision {

    private final Backend backend;
    private final JobMonitor monitor;

    /** @param backend borrowed */
    public MixedPrecision(Backend backend, JobMonitor monitor) {
        this.backend = backend;
        this.monitor = monitor;
    }

    /**
     * Groups of a request's modules, each by all schemes that it may get.
     *
     * @param own the recipe's scheme, which every group may get
     */
    record Candidates(String own, List<Map<String, List<Quantize>>> groups) {}

    /**
     * @param request whose recipe has a budget
     * @return the same with overrides in place of it, and with what was found
     * @throws QuantizationException {@code CALIBRATION_MISSING}, or {@code SCHEME_UNSUITABLE} for schemes that cannot be compared
     *     and for a budget that nothing keeps within
     */
    public QuantizationRequest resolve(QuantizationRequest request) {
        Recipe recipe = request.recipe();
        BitBudget budget = recipe.budget().orElseThrow();
        Quantizer.schemes(recipe);
        CalibrationData data = request.calibration().orElseThrow();
        monitor.phase("measure");
        try (Checkpoint source = Checkpoint.open(request.source())) {
            Candidates candidates = candidates(source, recipe, budget);
            List<Map<String, Double>> losses = new LayerStudy(backend, monitor).run(source, data, candidates);
            Sensitivity found = choose(candidates, losses, budget);
            tell(found);
            return request.with(ignored -> resolved(recipe, found)).withSensitivity(found);
        }
    }

    private static QuantizationException unsuitable(String message) {
        return new QuantizationException(ErrorCode.SCHEME_UNSUITABLE, message);
    }

    private Candidates candidates(Checkpoint source, Recipe recipe, BitBudget budget) {
        var groups = new LinkedHashMap<String, Map<String, List<Quantize>>>();
        List<String> layers = Architectures.read(source.config().tree()).layers().stream()
                .map(LayerSpec::name)
                .toList();
        for (String scheme : budget.schemes(recipe.scheme())) {
            for (Quantize action : quantized(source, recipe, scheme)) {
                if (layers.stream().anyMatch(layer -> action.module().startsWith(layer + "."))) {
                    groups.computeIfAbsent(group(action.module()), key -> new LinkedHashMap<>())
                            .computeIfAbsent(scheme, key -> new ArrayList<>())
                            .add(action);
                }
            }
        }
        if (budget.candidates().contains(BitBudget.KEPT)) {
            groups.values().forEach(choices -> choices.put(BitBudget.KEPT, List.of()));
        }
        return new Candidates(recipe.scheme(), List.copyOf(groups.values()));
    }

    /** A candidate that does not fit all modules is left out aloud: groups of 128, say, do not divide every width. */
    private List<Quantize> quantized(Checkpoint source, Recipe recipe, String scheme) {
        try {
            return Quantizer.plan(source, recipe.plain(scheme)).quantized();
        } catch (QuantizationException e) {
            if (e.code() == ErrorCode.SCHEME_UNSUITABLE && !scheme.equals(recipe.scheme())) {
                monitor.log("warning: no module gets " + scheme + ": " + e.getMessage());
                return List.of();
            }
            throw e;
        }
    }

    /** Modules with the same answer get the same scheme, as loaders need it. */
    private static String group(String module) {
        List<String> fused = ModuleRole.fusedWith(module);
        return Experts.of(module).orElse(fused.isEmpty() ? module : fused.getFirst());
    }

    private static Sensitivity choose(Candidates candidates, List<Map<String, Double>> losses, BitBudget budget) {
        String first = candidates.own();
        var groups = new ArrayList<Group>();
        long weights = 0;
        for (int i = 0; i < losses.size(); i++) {
            Map<String, List<Quantize>> actions = candidates.groups().get(i);
            List<Quantize> own = Objects.requireNonNull(actions.get(first));
            long numbers = own.stream().mapToLong(MixedPrecision::numbers).sum();
            weights += numbers;
            var choices = new LinkedHashMap<String, Choice>();
            losses.get(i)
                    .forEach((scheme, loss) -> choices.put(
                            scheme, new Choice(bits(Objects.requireNonNull(actions.get(scheme)), numbers), loss)));
            groups.add(new Group(own.stream().map(Quantize::module).toList(), numbers, choices, first));
        }
        List<List<BudgetSearch.Option>> options = groups.stream()
                .map(group -> group.choices().values().stream()
                        .map(choice -> new BudgetSearch.Option(bytes(group, choice), choice.loss()))
                        .toList())
                .toList();
        List<Integer> taken = BudgetSearch.search(options, (long) (budget.bits() * weights / Byte.SIZE))
                .orElseThrow(() -> unsuitable(String.format(
                        Locale.ROOT,
                        "%.3f bits a weight are less than %s or its alternatives take",
                        budget.bits(),
                        first)));
        var chosen = new ArrayList<Group>();
        long bytes = 0;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            String scheme = List.copyOf(group.choices().keySet()).get(taken.get(i));
            chosen.add(new Group(group.modules(), group.weights(), group.choices(), scheme));
            bytes += options.get(i).get(taken.get(i)).bytes();
        }
        chosen.sort(Comparator.comparingDouble((Group group) ->
                        Objects.requireNonNull(group.choices().get(first)).loss())
                .reversed());
        return new Sensitivity((double) bytes * Byte.SIZE / Math.max(weights, 1), chosen);
    }

    private static long numbers(Quantize action) {
        return action.outFeatures() * action.inFeatures();
    }

    private static double bits(List<Quantize> actions, long numbers) {
        long bytes = actions.stream().mapToLong(Quantize::outputBytes).sum();
        return actions.isEmpty() ? BitBudget.KEPT_BITS : (double) bytes * Byte.SIZE / numbers;
    }

    private static long bytes(Group group, Choice choice) {
        return Math.round(choice.bits() * group.weights() / Byte.SIZE);
    }

    private static Recipe resolved(Recipe recipe, Sensitivity found) {
        var bySchemes = new LinkedHashMap<String, List<String>>();
        for (Group group : found.groups()) {
            if (!group.chosen().equals(recipe.scheme())) {
                bySchemes
                        .computeIfAbsent(group.chosen(), scheme -> new ArrayList<>())
                        .addAll(group.modules());
            }
        }
        var ignore = new ArrayList<>(recipe.ignore());
        ignore.addAll(Optional.ofNullable(bySchemes.remove(BitBudget.KEPT)).orElse(List.of()));
        List<SchemeOverride> overrides = bySchemes.entrySet().stream()
                .map(entry -> new SchemeOverride(entry.getKey(), entry.getValue()))
                .toList();
        return recipe.withoutBudget().withIgnore(ignore).withOverrides(overrides);
    }

    private void tell(Sensitivity found) {
        Map<String, Long> counts = found.groups().stream()
                .collect(Collectors.groupingBy(
                        Group::chosen,
                        LinkedHashMap::new,
                        Collectors.summingLong(group -> group.modules().size())));
        monitor.log(String.format(Locale.ROOT, "%.3f bits a weight; modules by scheme: %s", found.bits(), counts));
        for (Group group : found.groups()) {
            String losses = group.choices().entrySet().stream()
                    .map(entry -> String.format(
                            Locale.ROOT,
                            "%s %.3g",
                            entry.getKey(),
                            entry.getValue().loss()))
                    .collect(Collectors.joining(", "));
            monitor.log(group.name() + ": " + group.chosen() + " (loss " + losses + ")");
        }
    }
}
