package io.octavo.engine.report;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * How far an artifact's weights lie from those of its source, as its {@code octavo.json} has it from the self-check.
 *
 * @param label such as {@code W4A16-INT-G64}
 * @param modules in the artifact's order
 */
public record ErrorReport(String label, List<ModuleError> modules) {

    private static final String FILE_NAME = "octavo.json";
    private static final Pattern IN_LAYER = Pattern.compile("(?:^|.*?\\.)(\\d{1,6})\\.(.+)");
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final String EXPERTS = "experts";

    /** @param relativeError {@code ||W' - W|| / ||W||} */
    public record ModuleError(String module, double relativeError) {}

    public ErrorReport {
        modules = List.copyOf(modules);
    }

    /**
     * @throws QuantizationException {@code CHECKPOINT_NOT_FOUND} if the folder has no such file, {@code CONFIG_INVALID} if that
     *     holds no errors of modules
     */
    public static ErrorReport of(Path artifact) {
        Path file = artifact.resolve(FILE_NAME);
        if (!Files.isRegularFile(file)) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_NOT_FOUND,
                    file + " does not exist; errors are told of folders that octavo quantize or a job wrote");
        }
        JsonNode root = ConfigJson.read(file).tree();
        var errors = new ArrayList<ModuleError>();
        for (JsonNode module : root.path("verification").path("modules")) {
            JsonNode error = module.path("relativeError");
            if (!module.path("module").isString() || !error.isNumber() || !(error.doubleValue() >= 0)) {
                throw new QuantizationException(
                        ErrorCode.CONFIG_INVALID, file + ": verification.modules holds " + module);
            }
            errors.add(new ModuleError(module.path("module").stringValue(), error.doubleValue()));
        }
        if (errors.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID, file + " tells no errors of modules: it was converted, not quantized");
        }
        return new ErrorReport(root.path("label").asString(""), errors);
    }

    /**
     * By what modules do, then by their layer: the root mean square of relative errors, of one module or of a layer's experts.
     * Modules of no layer are left out.
     */
    public SortedMap<String, SortedMap<Integer, Double>> byLayer() {
        return byLayer(ErrorReport::kind);
    }

    /** The same, whatever modules do: one line for the artifact. */
    public SortedMap<Integer, Double> overLayers() {
        SortedMap<Integer, Double> line = byLayer(inLayer -> "").get("");
        return line == null ? new TreeMap<>() : line;
    }

    private SortedMap<String, SortedMap<Integer, Double>> byLayer(UnaryOperator<String> kinds) {
        var squares = new TreeMap<String, SortedMap<Integer, List<Double>>>();
        for (ModuleError error : modules) {
            Matcher place = IN_LAYER.matcher(error.module());
            if (place.matches()) {
                squares.computeIfAbsent(kinds.apply(place.group(2)), kind -> new TreeMap<>())
                        .computeIfAbsent(Integer.valueOf(place.group(1)), layer -> new ArrayList<>())
                        .add(error.relativeError() * error.relativeError());
            }
        }
        var means = new TreeMap<String, SortedMap<Integer, Double>>();
        squares.forEach((kind, layers) -> {
            var line = new TreeMap<Integer, Double>();
            layers.forEach((layer, all) -> line.put(layer, rootMean(all)));
            means.put(kind, line);
        });
        return Collections.unmodifiableSortedMap(means);
    }

    private static double rootMean(List<Double> squares) {
        return Math.sqrt(
                squares.stream().mapToDouble(square -> square).average().orElseThrow());
    }

    /** {@code q_proj} of {@code self_attn.q_proj}, {@code experts.down_proj} of {@code mlp.experts.7.down_proj}. */
    private static String kind(String inLayer) {
        List<String> words = Stream.of(inLayer.split("\\.", -1))
                .filter(word -> !NUMBER.matcher(word).matches())
                .collect(Collectors.toList());
        String last = words.isEmpty() ? inLayer : words.getLast();
        return words.contains(EXPERTS) && !last.equals(EXPERTS) ? EXPERTS + "." + last : last;
    }
}
