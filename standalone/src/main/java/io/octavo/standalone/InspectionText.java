package io.octavo.standalone;

import io.octavo.cli.terminal.Quantity;
import io.octavo.cli.terminal.TextTable;
import io.octavo.engine.inspect.Inspection;
import io.octavo.engine.label.DeclaredKvCache;
import io.octavo.engine.label.Execution;
import io.octavo.engine.label.Label;
import io.octavo.engine.label.TagCheck;
import io.octavo.engine.label.VllmServing;
import io.octavo.engine.layout.config.Layout;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What was seen of a checkpoint, for people and for programs. */
final class InspectionText {

    private static final int SHOWN_MODULES = 5;

    private InspectionText() {}

    static String text(Inspection inspection, VllmServing vllm, Optional<TagCheck> check) {
        Label label = inspection.label();
        TextTable facts = TextTable.facts()
                .row("label", label.text())
                .row("layout", inspection.layout().map(Layout::id).orElse(null));
        inspection
                .weightBits()
                .ifPresent(bits -> facts.row(
                        "bits", String.format(Locale.ROOT, "%.3f a quantized weight, scales included", bits)));
        label.groups().forEach(group -> facts.row("group", group(group)));
        label.kvCache().ifPresent(cache -> facts.row("KV cache", cache.type() + " " + cache.scales()));
        facts.row(
                "tensors",
                inspection.tensorCount() + " in " + inspection.shards()
                        + (inspection.shards() == 1 ? " file, " : " files, ") + Quantity.bytes(inspection.bytes()));
        TextTable types = TextTable.of("lrl");
        inspection
                .tensors()
                .forEach((dtype, tensors) -> types.row(dtype, tensors.count(), Quantity.bytes(tensors.bytes())));
        types.toString().lines().forEach(line -> facts.row("", line));
        if (inspection.quantizedModules() > 0) {
            facts.row(
                    "modules",
                    inspection.quantizedModules() + " quantized, "
                            + inspection.leftAlone().size() + " left alone" + modules(inspection.leftAlone()));
        }
        TextTable executions = TextTable.of("llll");
        label.executions().forEach(row -> executions.row(row.gpu(), row.gpuExamples(), row.runsAs(), row.how()));
        executions.toString().lines().forEach(line -> facts.row("runs as", line));
        facts.row("vLLM", vllm.command() == null ? vllm.advice().getLast() : vllm.command());
        label.warnings().forEach(warning -> facts.row("warning", warning));
        inspection.disagreement().ifPresent(reason -> facts.row("PROBLEM", reason));
        check.ifPresent(tag -> facts.row("tag", tag.explanation()));
        return facts.toString();
    }

    private static String group(Label.Group group) {
        return group.name() + ": " + group.bits() + ", weights "
                + group.weightsText() + ", inputs "
                + group.inputsText().orElse("16-bit") + "; targets "
                + String.join(", ", group.targets());
    }

    private static String modules(List<String> names) {
        if (names.isEmpty()) {
            return "";
        }
        String shown = String.join(", ", names.subList(0, Math.min(SHOWN_MODULES, names.size())));
        return ": " + shown + (names.size() > SHOWN_MODULES ? ", …" : "");
    }

    static ObjectNode json(Inspection inspection, VllmServing vllm, Optional<TagCheck> check) {
        Label label = inspection.label();
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("label", label.text());
        root.put("layout", inspection.layout().map(Layout::id).orElse(null));
        inspection.weightBits().ifPresentOrElse(bits -> root.put("weightBits", bits), () -> root.putNull("weightBits"));
        var groups = root.putArray("groups");
        for (Label.Group group : label.groups()) {
            ObjectNode node = groups.addObject().put("name", group.name()).put("bits", group.bits());
            node.put("weights", group.weightsText());
            node.put("inputs", group.inputsText().orElse(null));
            group.targets().forEach(node.putArray("targets")::add);
        }
        root.put("kvCache", label.kvCache().map(DeclaredKvCache::type).orElse(null));
        var executions = root.putArray("executesAs");
        for (Execution row : label.executions()) {
            executions
                    .addObject()
                    .put("gpu", row.gpu())
                    .put("gpuExamples", row.gpuExamples())
                    .put("runsAs", row.runsAs())
                    .put("how", row.how());
        }
        ObjectNode serving =
                root.putObject("vllm").put("command", vllm.command()).put("manifest", vllm.manifest());
        vllm.advice().forEach(serving.putArray("advice")::add);
        label.warnings().forEach(root.putArray("warnings")::add);
        ObjectNode tensors = root.putObject("tensors");
        tensors.put("count", inspection.tensorCount())
                .put("bytes", inspection.bytes())
                .put("files", inspection.shards());
        ObjectNode types = tensors.putObject("byType");
        inspection
                .tensors()
                .forEach((dtype, stored) ->
                        types.putObject(dtype).put("count", stored.count()).put("bytes", stored.bytes()));
        root.put("quantizedModules", inspection.quantizedModules());
        inspection.leftAlone().forEach(root.putArray("leftAlone")::add);
        root.put("problem", inspection.disagreement().orElse(null));
        check.ifPresent(tag -> {
            ObjectNode node = root.putObject("tag").put("tag", tag.tag()).put("configured", tag.configured());
            tag.executedOn().forEach(node.putArray("executedOn")::add);
            node.put("explanation", tag.explanation());
        });
        return root;
    }
}
