package io.octavo.engine.sensitivity;

import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.CalibrationMemory;
import io.octavo.engine.calibrate.Calibrator;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.quantize.ModuleSchemes;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.request.Sensitivity;
import io.octavo.engine.request.Sensitivity.Choice;
import io.octavo.engine.request.Sensitivity.Group;
import io.octavo.engine.sensitivity.BudgetSearch.Option;
import io.octavo.engine.sensitivity.Candidates.Modules;
import io.octavo.engine.solve.PlainRounding;
import io.octavo.engine.transformer.LayerStream;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.TextOutputs;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Gives each module the scheme that a budget affords: modules are rounded one group at a time by each scheme, and of all choices
 * within the budget the best is taken. Rounding is plain there; what modifiers gain comes afterwards.
 */
public final class MixedPrecision {

    /** Texts on which groups are told apart: means over their tokens hardly move after some thousands. */
    private static final int TEXTS = 16;

    /** Texts on which choices are measured: what decides by thousandths takes some more. */
    private static final int MEASURED_TEXTS = 64;

    /** Where in the whole of it groups are told apart, and choices are measured from then on. */
    private static final double STUDYING_SHARE = 0.7;

    /** A weight, that another scheme than the recipe's own is counted more. */
    private static final double LEAVING_BITS = 1.0 / 64;

    private final Backend backend;
    private final JobMonitor monitor;

    /** @param backend borrowed */
    public MixedPrecision(Backend backend, JobMonitor monitor) {
        this.backend = backend;
        this.monitor = monitor;
    }

    /**
     * @param request whose recipe has a budget
     * @return the same with overrides in place of it, and with what was found
     * @throws QuantizationException {@code CALIBRATION_MISSING}, or {@code SCHEME_UNSUITABLE} for overrides beside the budget
     *     and for one that nothing keeps within
     */
    public QuantizationRequest resolve(QuantizationRequest request) {
        Recipe recipe = request.recipe();
        Budget budget = recipe.budget().orElseThrow();
        Quantizer.schemes(recipe);
        CalibrationData data = request.calibration().orElseThrow();
        monitor.phase("measure");
        try (Checkpoint source = Checkpoint.open(request.source());
                Stream stream = backend.newStream()) {
            ModelSpec spec = Architectures.read(source.config().tree());
            Candidates candidates = Candidates.of(source, recipe, budget, monitor);
            List<int[]> texts = Calibrator.samples(source, data, spec);
            var loader = new ModelLoader(backend, source, spec);
            var rounded = new RoundedModules(
                    new PlainRounding(backend, stream, monitor), ranges(source, recipe, budget, data));
            var study = new LossStudy(
                    loader, rounded, spec.hiddenSize(), monitor, share -> monitor.progress(STUDYING_SHARE * share));
            List<Group> groups = groups(candidates, study.run(first(texts, TEXTS), candidates));
            Sensitivity found = switch (budget.limit()) {
                case Budget.Bits bits -> choose(candidates, groups, bits);
                case Budget.PerplexityRatio ratio ->
                    choose(
                            candidates,
                            groups,
                            ratio,
                            new ChoiceStudy(loader, rounded, candidates, first(texts, MEASURED_TEXTS), monitor));
            };
            tell(found);
            return request.with(ignored -> resolved(recipe, found)).withSensitivity(found);
        }
    }

    /** What choosing takes, told from a checkpoint's headers. */
    public static CalibrationMemory memory(CalibrationMemory.Run run) {
        int texts = run.shape().samples();
        LayerStream.Memory studying = stream(run, Math.min(texts, TEXTS));
        LayerStream.Memory measuring = stream(run, Math.min(texts, MEASURED_TEXTS));
        String embedding = run.spec().names().embedding() + ".weight";
        DType head = Optional.ofNullable(run.checkpoint().stored().get(embedding))
                .map(stored -> stored.info().dtype())
                .orElse(DType.F32);
        return new CalibrationMemory(
                studying.sharedBytes()
                        + Math.max(studying.layerBytes(), TextOutputs.bytes(run.spec(), head, run.tokens())),
                Math.max(
                        studying.stateBytes() + Math.max(LossStudy.MOST_BYTES, studying.stateBytes()),
                        measuring.stateBytes()));
    }

    private static LayerStream.Memory stream(CalibrationMemory.Run run, int texts) {
        return LayerStream.Memory.of(run.checkpoint(), run.spec(), run.productInput(), texts, run.tokens());
    }

    private static List<int[]> first(List<int[]> texts, int count) {
        return texts.subList(0, Math.min(texts.size(), count));
    }

    /** What data shows of inputs, where some candidate stores scales of them. */
    private ActivationRanges ranges(Checkpoint source, Recipe recipe, Budget budget, CalibrationData data) {
        boolean stored = budget.schemes(recipe.scheme()).stream()
                .anyMatch(scheme -> ModuleSchemes.of(recipe.plain(scheme)).needsRanges());
        return stored
                ? new Calibrator(backend)
                        .observe(
                                source,
                                ModuleSchemes.of(recipe).observing(data),
                                Set.of(),
                                Set.of(),
                                monitor,
                                share -> {})
                : ActivationRanges.none();
    }

    /** With the recipe's own scheme. */
    private static List<Group> groups(Candidates candidates, List<Map<String, Double>> losses) {
        var groups = new ArrayList<Group>();
        for (int i = 0; i < losses.size(); i++) {
            Modules modules = candidates.groups().get(i);
            var choices = new LinkedHashMap<String, Choice>();
            losses.get(i).forEach((scheme, loss) -> choices.put(scheme, new Choice(modules.bits(scheme), loss)));
            groups.add(new Group(modules.names(), modules.weights(), choices, candidates.own()));
        }
        return groups;
    }

    private static Sensitivity choose(Candidates candidates, List<Group> groups, Budget.Bits limit) {
        List<List<Option>> options = groups.stream()
                .map(group -> group.choices().values().stream()
                        .map(choice -> new Option(bytes(group, choice.bits()), choice.loss()))
                        .toList())
                .toList();
        long weights = groups.stream().mapToLong(Group::weights).sum();
        List<Integer> taken = BudgetSearch.search(options, (long) (limit.bits() * weights / Byte.SIZE))
                .orElseThrow(() -> unsuitable(String.format(
                        Locale.ROOT,
                        "%.3f bits a weight are less than %s or its alternatives take",
                        limit.bits(),
                        candidates.own())));
        return sensitivity(candidates, groups, schemes(groups, taken), Optional.empty());
    }

    /**
     * Bits of inputs count as those of weights do: the wider ones are, the slower is the product. What leaves the recipe's own scheme
     * costs a little, so that nothing does without need; a module that is kept costs what one of average size has, once more, so
     * that few are, not only small ones.
     */
    private Sensitivity choose(
            Candidates candidates, List<Group> groups, Budget.PerplexityRatio limit, ChoiceStudy study) {
        var options = new ArrayList<List<Option>>();
        long average = candidates.averageWeights();
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            Modules modules = candidates.groups().get(i);
            long keptBytes = modules.names().size() * average * Budget.KEPT_BITS / Byte.SIZE;
            options.add(group.choices().entrySet().stream()
                    .map(choice -> {
                        String scheme = choice.getKey();
                        double bits = choice.getValue().bits() + modules.inputBits(scheme);
                        return new Option(
                                bytes(group, bits + (scheme.equals(candidates.own()) ? 0 : LEAVING_BITS))
                                        + (scheme.equals(Budget.KEPT) ? keptBytes : 0),
                                choice.getValue().loss());
                    })
                    .toList());
        }
        double original = study.originalLoss();
        var search = new PerplexitySearch(options, Math.log(limit.ratio()), taken -> {
            List<String> schemes = schemes(groups, taken);
            boolean kept = schemes.stream().allMatch(Budget.KEPT::equals);
            double excess = kept ? 0 : study.loss(schemes) - original;
            monitor.log(String.format(Locale.ROOT, "%s: perplexity x %.5f", counts(groups, schemes), Math.exp(excess)));
            return excess;
        });
        PerplexitySearch.Found found = search.search()
                .orElseThrow(() -> unsuitable("no choice of "
                        + String.join(
                                ", ", candidates.groups().getFirst().bySchemes().keySet()) + " keeps within "
                        + limit.text() + " of the original model"));
        return sensitivity(candidates, groups, schemes(groups, found.options()), Optional.of(Math.exp(found.excess())));
    }

    private static QuantizationException unsuitable(String message) {
        return new QuantizationException(ErrorCode.SCHEME_UNSUITABLE, message);
    }

    private static long bytes(Group group, double bits) {
        return Math.round(bits * group.weights() / Byte.SIZE);
    }

    private static List<String> schemes(List<Group> groups, List<Integer> taken) {
        return IntStream.range(0, groups.size())
                .mapToObj(i -> List.copyOf(groups.get(i).choices().keySet()).get(taken.get(i)))
                .toList();
    }

    private static Sensitivity sensitivity(
            Candidates candidates, List<Group> groups, List<String> schemes, Optional<Double> perplexityRatio) {
        var chosen = new ArrayList<Group>();
        long bytes = 0;
        long weights = 0;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            var with = new Group(group.modules(), group.weights(), group.choices(), schemes.get(i));
            chosen.add(with);
            bytes += bytes(with, with.choice().bits());
            weights += group.weights();
        }
        chosen.sort(Comparator.comparingDouble(
                        (Group group) -> Objects.requireNonNull(group.choices().get(candidates.own()))
                                .loss())
                .reversed());
        return new Sensitivity((double) bytes * Byte.SIZE / Math.max(weights, 1), perplexityRatio, chosen);
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
        ignore.addAll(Optional.ofNullable(bySchemes.remove(Budget.KEPT)).orElse(List.of()));
        List<SchemeOverride> overrides = bySchemes.entrySet().stream()
                .map(entry -> new SchemeOverride(entry.getKey(), entry.getValue()))
                .toList();
        return recipe.withoutBudget().withIgnore(ignore).withOverrides(overrides);
    }

    /** Modules by scheme. */
    private static Map<String, Integer> counts(List<Group> groups, List<String> schemes) {
        var counts = new LinkedHashMap<String, Integer>();
        for (int i = 0; i < groups.size(); i++) {
            counts.merge(schemes.get(i), groups.get(i).modules().size(), Integer::sum);
        }
        return counts;
    }

    private void tell(Sensitivity found) {
        List<Group> groups = found.groups();
        monitor.log(String.format(
                Locale.ROOT,
                "%.3f bits a weight; modules by scheme: %s",
                found.bits(),
                counts(groups, groups.stream().map(Group::chosen).toList())));
        found.perplexityRatio()
                .ifPresent(ratio -> monitor.log(String.format(
                        Locale.ROOT, "plainly rounded, it has %.5f times the original model's perplexity", ratio)));
        for (Group group : groups) {
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
