package io.octavo.api.hub;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * What is wrong with the front matter of a model's card.
 *
 * @param errors for which a client uploads nothing
 */
record CardCheck(List<Fault> errors, List<Fault> warnings) {

    private static final Pattern FRONT =
            Pattern.compile("\\A\uFEFF?---[ \t]*\r?\n((?s:.*?)\r?\n)?---[ \t]*(\r?\n|\\z)");

    CardCheck {
        errors = List.copyOf(errors);
        warnings = List.copyOf(warnings);
    }

    record Fault(String message) {}

    static CardCheck of(@Nullable String card) {
        Matcher front = FRONT.matcher(card == null ? "" : card);
        if (!front.find() || front.group(1) == null) {
            return new CardCheck(List.of(), List.of(new Fault("empty or missing yaml metadata in repo card")));
        }
        try {
            Object metadata = new Yaml(new SafeConstructor(new LoaderOptions())).load(front.group(1));
            return metadata == null || metadata instanceof Map<?, ?>
                    ? new CardCheck(List.of(), List.of())
                    : fault("metadata must be names with values");
        } catch (YAMLException e) {
            return fault("metadata is no YAML: " + e.getMessage());
        }
    }

    private static CardCheck fault(String message) {
        return new CardCheck(List.of(new Fault(message)), List.of());
    }
}
