package io.octavo.standalone;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.RepositoryReference;
import io.octavo.cli.command.ServerOptions;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.inspect.Inspection;
import io.octavo.engine.label.TagCheck;
import io.octavo.engine.label.VllmServing;
import io.octavo.engine.layout.ScalingFactors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "inspect",
        description =
                "Says what a checkpoint is: its label, what it runs as on which GPUs, its config groups and tensors,"
                        + " and whether a tag is true of it.",
        footerHeading = "%nExit codes: 0 all is well; 1 the tag is not true, the checkpoint contradicts itself, or it"
                + " cannot be read.%n%nExamples:%n",
        footer = {
            "  octavo inspect examples/models/books-5m",
            "  octavo inspect ./Llama-3.1-8B-FP8 --tag W8A16",
            "  octavo inspect hub:octavo/books-5m-FP8-Dynamic --json",
            "  octavo inspect hub:octavo/books-5m-FP8-Dynamic --kubernetes"
        })
final class InspectCommand extends TerminalCommand {

    private static final String HUB = "hub:";

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Parameters(
            paramLabel = "DIR|URI",
            description = "A folder, or hub:ns/name[@rev], of which only config and headers are fetched.")
    private String source = "";

    @Option(names = "--tag", paramLabel = "TAG", description = "Such as W8A16, FP8-dynamic or W4A16-G128.")
    private @Nullable String tag;

    @Option(
            names = "--scaling-factors",
            description =
                    "Prints the FP8 scales that a folder stores (KV cache, inputs, weights) as the JSON by rank and"
                            + " layer that older loaders take, and nothing else.")
    private boolean scalingFactors;

    @Option(
            names = "--headers",
            description = "Of a folder, too, reads config and headers alone: quick, but no number is looked at.")
    private boolean headers;

    @Option(
            names = "--kubernetes",
            description = "Prints the manifest by which vLLM serves it on Kubernetes, and nothing else.")
    private boolean kubernetes;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (scalingFactors) {
            return printScalingFactors();
        }
        Inspection inspection = source.startsWith(HUB) ? inspectRemote() : inspectFolder();
        Optional<TagCheck> check = Optional.ofNullable(tag).map(text -> check(inspection, text));
        VllmServing vllm = VllmServing.of(inspection.label(), folder(), inspection.bytes());
        if (kubernetes) {
            return printManifest(vllm);
        }
        terminal()
                .out()
                .println(
                        json
                                ? WireJson.pretty(InspectionText.json(inspection, vllm, check))
                                : InspectionText.text(inspection, vllm, check));
        boolean holds = check.map(TagCheck::configured).orElse(true);
        return holds && inspection.disagreement().isEmpty() ? ExitCode.OK : ExitCode.FAILED;
    }

    /** Of a repository the one that it is pulled to. */
    private String folder() {
        return source.startsWith(HUB)
                ? "./"
                        + RepositoryReference.parse(source.substring(HUB.length()))
                                .name()
                                .name()
                : source;
    }

    private int printManifest(VllmServing vllm) {
        if (vllm.manifest() == null) {
            throw new CommandFailedException(vllm.advice().getLast());
        }
        terminal().out().print(vllm.manifest());
        return ExitCode.OK;
    }

    private int printScalingFactors() {
        if (source.startsWith(HUB)) {
            throw new UsageException("--scaling-factors takes a folder: scales lie in the tensors; pull it first");
        }
        byte[] factors = EngineFailure.translate(() -> {
            try (Checkpoint checkpoint = Checkpoint.open(Path.of(source))) {
                return ScalingFactors.of(checkpoint).toJson();
            }
        });
        terminal().out().print(new String(factors, StandardCharsets.UTF_8));
        return ExitCode.OK;
    }

    private static TagCheck check(Inspection inspection, String tag) {
        try {
            return inspection.label().check(tag);
        } catch (QuantizationException e) {
            if (e.code() == ErrorCode.TAG_UNKNOWN) {
                throw new UsageException(String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    private Inspection inspectFolder() {
        Path folder = Path.of(source);
        return EngineFailure.translate(() -> headers ? Inspection.ofHeaders(folder) : Inspection.of(folder));
    }

    private Inspection inspectRemote() throws IOException, InterruptedException {
        RepositoryReference named = RepositoryReference.parse(source.substring(HUB.length()));
        try (OctavoClient client = server.connect(environment())) {
            CheckpointFiles files = new RemoteHeaders(client, named.name(), named.revisionOrMain()).files();
            return EngineFailure.translate(() -> Inspection.ofHeaders(files));
        }
    }
}
