package io.octavo.engine.plan;

import io.octavo.engine.plan.PlanReport.ModuleGroup;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.quantize.QuantizationPlan.Action;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Puts together what is alike, so that a plan of 40,000 tensors can be read. */
final class ModuleGroups {

    /** Numbers that are written one by one where they are no range. */
    private static final int MOST_LISTED = 16;

    private final Map<Key, Group> groups = new LinkedHashMap<>();

    private ModuleGroups() {}

    static List<ModuleGroup> of(QuantizationPlan plan) {
        var groups = new ModuleGroups();
        plan.actions().forEach(groups::add);
        return groups.groups.entrySet().stream()
                .map(entry -> entry.getValue().report(entry.getKey()))
                .toList();
    }

    /**
     * @param parts of the name between the dots, numbers as {@code *}
     * @param treatment the reason to keep it, or what is stored
     */
    private record Key(
            List<String> parts,
            String dtype,
            List<Long> shape,
            boolean quantized,
            @Nullable String scheme,
            List<String> treatment) {}

    private static final class Group {

        private final List<NavigableSet<Integer>> numbers = new ArrayList<>();
        private int count;
        private long inputBytes;
        private long outputBytes;

        ModuleGroup report(Key key) {
            return new ModuleGroup(
                    name(key.parts),
                    count,
                    key.dtype,
                    key.shape,
                    key.quantized,
                    key.scheme,
                    key.quantized ? key.treatment : List.of(),
                    key.quantized ? null : key.treatment.getFirst(),
                    inputBytes,
                    outputBytes);
        }

        private String name(List<String> parts) {
            var sets = numbers.iterator();
            return parts.stream()
                    .map(part -> part.equals("*") ? set(sets.next()) : part)
                    .collect(Collectors.joining("."));
        }

        private static String set(NavigableSet<Integer> numbers) {
            if (numbers.size() == 1) {
                return numbers.first().toString();
            }
            if (numbers.last() - numbers.first() == numbers.size() - 1) {
                return "{" + numbers.first() + ".." + numbers.last() + "}";
            }
            return numbers.size() > MOST_LISTED
                    ? "*"
                    : numbers.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}"));
        }
    }

    private void add(Action action) {
        TensorSpec shown = shown(action);
        String name = action instanceof Quantize quantize ? quantize.module() : shown.name();
        List<Integer> numbers = new ArrayList<>();
        List<String> parts = new ArrayList<>();
        for (String part : name.split("\\.", -1)) {
            boolean number = isNumber(part);
            parts.add(number ? "*" : part);
            if (number) {
                numbers.add(Integer.parseInt(part));
            }
        }
        String scheme = action instanceof Quantize quantize ? quantize.scheme().name() : null;
        var key = new Key(
                parts, shown.dtype().name(), shown.shape(), !(action instanceof Keep), scheme, treatment(action));
        Group group = groups.computeIfAbsent(key, unseen -> new Group());
        for (int i = 0; i < numbers.size(); i++) {
            if (group.numbers.size() == i) {
                group.numbers.add(new TreeSet<>());
            }
            group.numbers.get(i).add(numbers.get(i));
        }
        group.count++;
        group.inputBytes += action.inputBytes();
        group.outputBytes += action.outputBytes();
    }

    private static boolean isNumber(String part) {
        for (int i = 0; i < part.length(); i++) {
            if (part.charAt(i) < '0' || part.charAt(i) > '9') {
                return false;
            }
        }
        return !part.isEmpty() && part.length() < 10;
    }

    /** What an action starts from; its first output where it adds something new. */
    private static TensorSpec shown(Action action) {
        return switch (action) {
            case Keep keep -> keep.outputs().getFirst();
            case Quantize quantize -> {
                yield quantize.source().info().spec();
            }
            case KvScales scales -> scales.keys();
        };
    }

    private static List<String> treatment(Action action) {
        return switch (action) {
            case Keep keep -> List.of(keep.reason());
            case Quantize quantize ->
                quantize.outputs().stream()
                        .map(output -> stored(output, quantize.module()))
                        .toList();
            case KvScales scales ->
                scales.outputs().stream()
                        .map(output -> stored(output, scales.attention()))
                        .toList();
        };
    }

    private static String stored(TensorSpec output, String module) {
        String own =
                output.name().startsWith(module + ".") ? output.name().substring(module.length() + 1) : output.name();
        return own + " " + output.dtype() + " " + output.shape();
    }
}
