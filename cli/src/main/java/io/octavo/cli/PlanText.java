package io.octavo.cli;

import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What a job would do, as plain text. */
final class PlanText {

    private final StringBuilder text = new StringBuilder();
    private TextTable facts = TextTable.facts();

    private PlanText() {}

    /** @param plan the service's answer to a dry run */
    static String of(JsonNode plan) {
        var text = new PlanText();
        text.plan(plan);
        for (JsonNode step : plan.path("steps")) {
            text.line("step", step.path("name").asString(""));
            text.plan(step.path("plan"));
        }
        text.end(text.facts);
        return text.text.toString().stripTrailing();
    }

    private void end(TextTable table) {
        text.append(table).append('\n');
        facts = TextTable.facts();
    }

    private void plan(JsonNode plan) {
        for (JsonNode input : plan.path("inputs")) {
            String bytes = input.hasNonNull("bytes")
                    ? Quantity.bytes(input.path("bytes").asLong())
                    : "size unknown";
            line("input", input.path("uri").asString("") + ", " + bytes);
        }
        if (plan.hasNonNull("quantization")) {
            quantization(plan.path("quantization"));
        } else if (plan.hasNonNull("diskBytes")) {
            line(
                    "needs",
                    "at least %s of disk"
                            .formatted(Quantity.bytes(plan.path("diskBytes").asLong())));
        }
        warnings(plan);
        for (JsonNode evaluation : plan.path("evaluations")) {
            JsonNode checkpoint = evaluation.path("checkpoint");
            line(
                    "evaluates",
                    "%s: %s, %s, %s of weights"
                            .formatted(
                                    evaluation.path("uri").asString(""),
                                    checkpoint.path("label").asString(""),
                                    checkpoint.path("architecture").asString(""),
                                    Quantity.bytes(
                                            checkpoint.path("weightBytes").asLong())));
        }
        for (JsonNode skipped : plan.path("notChecked")) {
            line(
                    "unchecked",
                    skipped.path("uri").asString("") + ": "
                            + skipped.path("reason").asString(""));
        }
    }

    private void quantization(JsonNode plan) {
        line("label", plan.path("label").asString(""));
        for (JsonNode execution : plan.path("executions")) {
            line(
                    "runs as",
                    execution.path("runsAs").asString("") + " on "
                            + execution.path("gpus").asString(""));
        }
        line(
                "bytes",
                "%s become %s in %d files; %.2f bits a quantized weight"
                        .formatted(
                                Quantity.bytes(plan.path("inputBytes").asLong()),
                                Quantity.bytes(plan.path("outputBytes").asLong()),
                                plan.path("outputFiles").asInt(),
                                plan.path("weightBits").asDouble()));
        JsonNode resources = plan.path("resources");
        line(
                "needs",
                "at most %s of memory, %s on the device, %s of disk; about %s of work"
                        .formatted(
                                Quantity.bytes(resources.path("hostBytes").asLong()),
                                Quantity.bytes(resources.path("deviceBytes").asLong()),
                                Quantity.bytes(resources.path("diskBytes").asLong()),
                                Quantity.seconds(resources.path("seconds").asDouble())));
        tensorParallel(plan.path("tensorParallel"));
        warnings(plan);
        modules(plan.path("modules"));
    }

    private void warnings(JsonNode plan) {
        for (JsonNode warning : plan.path("warnings")) {
            line(
                    "warning",
                    warning.path("message").asString("") + " ["
                            + warning.path("code").asString("") + "]");
        }
    }

    private void tensorParallel(JsonNode splits) {
        List<String> possible = new ArrayList<>();
        for (JsonNode split : splits) {
            if (split.path("possible").asBoolean()) {
                possible.add(split.path("ways").asString());
            }
        }
        line("splits", "over " + String.join(", ", possible) + " GPUs");
        for (JsonNode split : splits) {
            for (JsonNode obstacle : split.path("obstacles")) {
                line("", "not over " + split.path("ways").asString() + ": " + obstacle.asString(""));
            }
        }
    }

    private void modules(JsonNode modules) {
        end(facts);
        TextTable table = TextTable.of("rllll").row("COUNT", "TYPE", "SHAPE", "NAME", "BECOMES");
        for (JsonNode module : modules) {
            table.row(
                    module.path("count").asString(),
                    module.path("dtype").asString(""),
                    joined(module.path("shape"), "x"),
                    module.path("name").asString(""),
                    module.path("quantized").asBoolean()
                            ? joined(module.path("stored"), ", ")
                            : "kept: " + module.path("reason").asString(""));
        }
        end(table);
    }

    private static String joined(JsonNode items, String between) {
        return items.valueStream().map(JsonNode::asString).collect(Collectors.joining(between));
    }

    private void line(String name, String value) {
        facts.row(name, value);
    }
}
