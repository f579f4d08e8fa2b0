package io.octavo.standalone;

import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.JsonOption;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Quantity;
import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.artifact.FolderJournal;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.modify.Awq;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.InputObserver;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.ModifierSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "quantize",
        description =
                "Quantizes the checkpoint in a folder into another folder, here and without a service, and verifies what"
                        + " was written. Nothing appears in TARGET unless all of it is right.",
        footer = {
            "  octavo quantize examples/models/books-5m --scheme FP8_DYNAMIC ./books-5m-FP8",
            "  octavo quantize ./Qwen3-4B --scheme W4A16 --override FP8_DYNAMIC='re:.*down_proj' ./Qwen3-4B-mixed",
            "  octavo quantize ./Llama-3.1-8B --scheme W4A16 --recipe best --calibration texts.jsonl ./Llama-3.1-8B-W4A16",
            "  octavo quantize ./Llama-3.1-8B --scheme FP8 --kv-cache per-tensor --calibration texts.jsonl ./Llama-3.1-8B-FP8-KV8"
        })
final class QuantizeCommand extends TerminalCommand {

    private static final Map<String, KvCacheQuantization> KV_CACHES = Map.of(
            "per-tensor", KvCacheQuantization.FP8_PER_TENSOR,
            "per-head", KvCacheQuantization.FP8_PER_HEAD,
            "int8-per-tensor", KvCacheQuantization.INT8_PER_TENSOR,
            "int8-per-head", KvCacheQuantization.INT8_PER_HEAD);

    @Parameters(index = "0", paramLabel = "DIR", description = "config.json, safetensors, tokenizer and side files.")
    private Path source = Path.of("");

    @Parameters(index = "1", paramLabel = "TARGET", description = "A folder to create.")
    private Path target = Path.of("");

    @Option(names = "--scheme", required = true, paramLabel = "NAME", description = "Such as FP8_DYNAMIC.")
    private String scheme = "";

    @Option(
            names = "--layout",
            paramLabel = "LAYOUT",
            description = "How it is written: compressed-tensors (the default), fp8, awq, gptq, gptq_v2 or modelopt.")
    private String layout = "compressed-tensors";

    @Option(
            names = "--ignore",
            paramLabel = "MODULE",
            description = "A module to leave alone: its name, or re: and a regular expression. May be repeated.")
    private List<String> ignore = new ArrayList<>();

    @Option(
            names = "--override",
            paramLabel = "SCHEME=MODULE",
            description =
                    "A module that gets another scheme: its name, or re: and a regular expression. May be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Option(
            names = "--kv-cache",
            paramLabel = "GRANULARITY",
            description =
                    "Stores FP8 scales of the KV cache: per-tensor or per-head; or those of 8-bit integers, which vLLM does not"
                            + " take: int8-per-tensor or int8-per-head. Needs --calibration.")
    private @Nullable String kvCache;

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description = "Texts that schemes with static scales measure activations on: JSONL with a text member, or"
                    + " plain UTF-8.")
    private @Nullable Path calibration;

    @Option(
            names = "--smoothquant",
            paramLabel = "ALPHA",
            description =
                    "Moves outliers of activations into weights first, as far as 0 to 1 say, or auto for what costs each"
                            + " input least. Needs --calibration.")
    private @Nullable String smoothQuant;

    @Option(
            names = "--awq",
            description = "Gives input channels that matter larger weights first. Needs --calibration.")
    private boolean awq;

    @Option(
            names = "--gptq",
            description = "Solves codes in place of rounding, so that outputs change least. Needs --calibration.")
    private boolean gptq;

    @Option(
            names = "--modifier",
            paramLabel = "NAME",
            description =
                    "What else changes weights before they are rounded, as jobs spell it: a type, or JSON with its"
                            + " settings such as {\"type\":\"gptq\",\"refine\":false}; repeatable.")
    private List<String> spelledModifiers = new ArrayList<>();

    @Option(
            names = "--recipe",
            paramLabel = "NAME",
            description = "best: all that makes the scheme's files better (docs/recipes.md). Needs --calibration.")
    private @Nullable String named;

    @Option(
            names = "--journal",
            paramLabel = "DIR",
            description = "Keeps layers whose codes are solved there, so that the same command goes on after them.")
    private @Nullable Path journal;

    @Option(
            names = "--budget-bits",
            paramLabel = "BITS",
            description =
                    "Gives modules that rounding hurts most a larger scheme, within so many bits a weight on average."
                            + " Needs --calibration.")
    private @Nullable Double budgetBits;

    @Option(
            names = "--budget-perplexity",
            paramLabel = "RATIO",
            description =
                    "Gives as few modules as possible a larger scheme, so that perplexity stays below RATIO times that of"
                            + " SOURCE, say 1.01. Needs --calibration, on whose texts it is measured.")
    private @Nullable Double budgetPerplexity;

    @Option(
            names = "--candidate",
            paramLabel = "SCHEME",
            description =
                    "What modules may get within --budget-bits or --budget-perplexity: a scheme, or 16 for no quantization."
                            + " May be repeated. Default: what suits --scheme.")
    private List<String> candidates = new ArrayList<>();

    @Option(names = "--samples", paramLabel = "N", description = "At most so many texts (${DEFAULT-VALUE}).")
    private int samples = 512;

    @Option(
            names = "--observer",
            paramLabel = "NAME",
            description =
                    "How ranges of static inputs follow from what they showed: minmax (the default), moving-average,"
                            + " percentile or mse.")
    private String observer = InputObserver.MINMAX.id();

    @Option(
            names = "--sequence-length",
            paramLabel = "N",
            description = "Tokens that count of a text (${DEFAULT-VALUE}).")
    private int sequenceLength = 2048;

    @Mixin
    private final DeviceOption device = new DeviceOption();

    @Option(names = "--json", description = "Prints the outcome as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        QuantizationRequest request = request();
        QuantizationResult result;
        ProcessEnd.closing(StagingFolder::endAll);
        try (var progress = new LiveProgress(terminal())) {
            result = EngineFailure.translate(() -> {
                warnings(request).forEach(warning -> progress.line("warning: " + warning.message()));
                try (Engine engine = Engines.openBeside(device.engine())) {
                    QuantizationResult quantized = engine.quantize(request, new EngineProgress(progress));
                    progress.line(engine.device());
                    return quantized;
                }
            });
        }
        terminal().out().println(json ? WireJson.pretty(facts(result)) : summary(result));
        return ExitCode.OK;
    }

    /** What a dry run of the service would tell, but for what the work itself tells. */
    private static List<PlanReport.Warning> warnings(QuantizationRequest request) {
        try (Checkpoint checkpoint = Checkpoint.open(request.source())) {
            return PreFlight.quantization(checkpoint, request.recipe()).warnings().stream()
                    .filter(warning -> !warning.code().equals(PreFlight.NOTES))
                    .toList();
        }
    }

    private QuantizationRequest request() {
        if (samples < 1 || sequenceLength < 1) {
            throw new UsageException(
                    "--samples and --sequence-length must be at least 1: " + samples + ", " + sequenceLength);
        }
        Optional<Path> dataset = Optional.ofNullable(calibration);
        var recipe = new Recipe(
                scheme,
                layout,
                ignore,
                schemeOverrides(),
                Optional.ofNullable(kvCache).map(QuantizeCommand::granularity),
                modifiers(),
                dataset.map(file -> new CalibrationShape(samples, sequenceLength, 0, observer())),
                budget());
        var request = new QuantizationRequest(source, target, recipe, dataset, List.of());
        return journal == null ? request : request.withJournal(new FolderJournal(journal));
    }

    private Optional<Budget> budget() {
        if (budgetBits != null && budgetPerplexity != null) {
            throw new UsageException("--budget-bits and --budget-perplexity cannot stand together");
        }
        try {
            Optional<Budget.Limit> bits = Optional.ofNullable(budgetBits).map(Budget.Bits::new);
            return bits.or(() -> Optional.ofNullable(budgetPerplexity).map(Budget.PerplexityRatio::new))
                    .map(limit -> candidates.isEmpty()
                            ? EngineFailure.translate(() -> Budget.of(limit, scheme))
                            : new Budget(limit, candidates));
        } catch (IllegalArgumentException e) {
            throw new UsageException("the budget: " + e.getMessage());
        }
    }

    private InputObserver observer() {
        return InputObserver.named(observer)
                .orElseThrow(() ->
                        new UsageException("--observer is minmax, moving-average, percentile or mse, not " + observer));
    }

    private List<Modifier> modifiers() {
        if (named != null) {
            if (!named.equals("best") || smoothQuant != null || awq || gptq || !spelledModifiers.isEmpty()) {
                throw new UsageException(
                        "--recipe takes best, and stands for --smoothquant, --awq, --gptq and --modifier");
            }
            return Recipe.bestModifiers(scheme);
        }
        var modifiers = new ArrayList<Modifier>();
        Optional.ofNullable(smoothQuant).map(QuantizeCommand::smoothing).ifPresent(modifiers::add);
        if (awq) {
            modifiers.add(new Awq());
        }
        if (gptq) {
            modifiers.add(new Gptq());
        }
        spelledModifiers.stream().map(QuantizeCommand::modifier).forEach(modifiers::add);
        return modifiers;
    }

    private static Modifier modifier(String spelled) {
        try {
            return ModifierSpec.read(JsonOption.typed(spelled)).modifier();
        } catch (ProblemException e) {
            throw new UsageException("--modifier: " + e.getMessage());
        }
    }

    private static SmoothQuant smoothing(String alpha) {
        try {
            return alpha.equals("auto") ? new SmoothQuant() : new SmoothQuant(Double.parseDouble(alpha));
        } catch (IllegalArgumentException e) {
            throw new UsageException("--smoothquant takes a number between 0 and 1 or auto, not " + alpha);
        }
    }

    private List<SchemeOverride> schemeOverrides() {
        var targets = new LinkedHashMap<String, List<String>>();
        for (String override : overrides) {
            int equals = override.indexOf('=');
            if (equals < 1 || equals == override.length() - 1) {
                throw new UsageException("--override takes SCHEME=MODULE, not " + override);
            }
            targets.computeIfAbsent(override.substring(0, equals), name -> new ArrayList<>())
                    .add(override.substring(equals + 1));
        }
        return targets.entrySet().stream()
                .map(entry -> new SchemeOverride(entry.getKey(), entry.getValue()))
                .toList();
    }

    private static KvCacheQuantization granularity(String name) {
        KvCacheQuantization known = KV_CACHES.get(name);
        if (known == null) {
            throw new UsageException(
                    "--kv-cache takes per-tensor, per-head, int8-per-tensor or int8-per-head, not " + name);
        }
        return known;
    }

    private String summary(QuantizationResult result) {
        return String.format(
                Locale.ROOT,
                "%s: %s, %d modules, %.2f bits a weight, %s of %s; verified, at least %.1f dB",
                target,
                result.label(),
                result.quantizedModules(),
                result.weightBits(),
                Quantity.bytes(result.outputBytes()),
                Quantity.bytes(result.inputBytes()),
                leastDecibels(result));
    }

    /** Of all modules, how far the worst one's error lies below its weight. */
    private static double leastDecibels(QuantizationResult result) {
        return result.verification().modules().stream()
                .min(Comparator.comparingDouble(ModuleError::signalToNoiseDb))
                .orElseThrow()
                .signalToNoiseDb();
    }

    private ObjectNode facts(QuantizationResult result) {
        ObjectNode facts = JsonNodeFactory.instance
                .objectNode()
                .put("target", target.toString())
                .put("label", result.label())
                .put("layout", layout)
                .put("weightBits", result.weightBits())
                .put("inputBytes", result.inputBytes())
                .put("outputBytes", result.outputBytes())
                .put("quantizedModules", result.quantizedModules())
                .put("untouchedTensors", result.verification().untouchedTensors())
                .put("leastSignalToNoiseDb", leastDecibels(result));
        var files = facts.putArray("files");
        result.files()
                .forEach(file -> files.addObject()
                        .put("path", file.path())
                        .put("size", file.size())
                        .put("sha256", file.sha256()));
        return facts;
    }
}
