package io.octavo.engine.quantize;

import io.octavo.engine.artifact.EngineVersion;
import io.octavo.engine.checkpoint.JsonText;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.InputObserver;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Sensitivity;
import io.octavo.engine.request.VerificationReport;
import java.util.List;
import java.util.TreeMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code octavo.json}: from what, by what and how exactly an artifact was made. The same inputs give the same bytes, so
 * there is no time and no machine in it.
 */
final class Provenance {

    static final String FILE_NAME = "octavo.json";

    private Provenance() {}

    /**
     * @param backend the kind of device, {@code cpu} or {@code cuda}
     * @param sources every file that was read
     */
    static String json(
            QuantizationRequest request,
            QuantizationPlan plan,
            Label label,
            String backend,
            List<HashedFile> sources,
            VerificationReport verification) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("engine")
                .put("name", "octavo")
                .put("version", EngineVersion.release())
                .put("backend", backend);
        root.put("scheme", plan.schemes().name());
        root.put("layout", CompressedTensors.NAME);
        root.put("label", label.text());
        root.put("divisor", plan.schemes().scheme().weights().type().divisor());
        request.calibration().filter(data -> plan.schemes().needsCalibration()).ifPresent(data -> {
            ObjectNode made = root.putObject("calibration")
                    .put("samples", data.samples())
                    .put("sequenceLength", data.sequenceLength())
                    .put("seed", data.seed());
            if (data.shape().observer() != InputObserver.MINMAX) {
                made.put("observer", data.shape().observer().id());
            }
        });
        for (Modifier modifier : plan.schemes().modifiers()) {
            ObjectNode made = root.withArray("modifiers").addObject().put("type", modifier.name());
            new TreeMap<>(modifier.settings()).forEach(made::putPOJO);
        }
        root.put("weightBits", plan.weightBits());
        request.sensitivity().ifPresent(found -> {
            ObjectNode told = root.putObject("sensitivity").put("bits", found.bits());
            found.perplexityRatio().ifPresent(ratio -> told.put("perplexityRatio", ratio));
            for (Sensitivity.Group group : found.groups()) {
                ObjectNode one = told.withArray("groups").addObject().put("modules", group.name());
                one.put("chosen", group.chosen());
                group.choices()
                        .forEach((scheme, choice) -> one.withObjectProperty("choices")
                                .putObject(scheme)
                                .put("bits", choice.bits())
                                .put("loss", choice.loss()));
            }
        });
        plan.ignore().forEach(root.putArray("ignore")::add);
        var files = root.putObject("source").putArray("files");
        for (HashedFile source : sources) {
            files.addObject()
                    .put("path", source.path())
                    .put("size", source.size())
                    .put("sha256", source.sha256());
        }
        ObjectNode checked = root.putObject("verification");
        checked.put("untouchedTensors", verification.untouchedTensors());
        var modules = checked.putArray("modules");
        for (VerificationReport.ModuleError error : verification.modules()) {
            modules.addObject()
                    .put("module", error.module())
                    .put("relativeError", error.relativeError())
                    .put("signalToNoiseDb", error.signalToNoiseDb());
        }
        var checks = checked.putArray("checks");
        verification
                .checks()
                .forEach(check -> checks.addObject().put("name", check.name()).put("passed", check.passed()));
        return JsonText.indented(root) + "\n";
    }
}
