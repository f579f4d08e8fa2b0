package io.octavo.standalone;

import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.ExitCode;
import io.octavo.cli.command.ProcessEnd;
import io.octavo.cli.command.ServerOptions;
import io.octavo.cli.command.TerminalCommand;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Quantity;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.convert.Converter;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

@Command(
        name = "convert",
        description =
                "Writes a quantized checkpoint in another layout, number by number: nothing is rounded again, and what"
                        + " the layout cannot hold exactly is refused.",
        footerHeading = "%nA folder is converted here, without a service; of a URI, a service makes an artifact.%n"
                + "%nExamples:%n",
        footer = {
            "  octavo convert ./Llama-3.1-8B-AWQ --layout compressed-tensors ./Llama-3.1-8B-W4A16",
            "  octavo convert hub:octavo/books-5m-W4A16 --layout gptq octavo/books-5m-GPTQ"
        })
final class ConvertCommand extends TerminalCommand {

    private static final Pattern URI = Pattern.compile("(hub:|s3://|file:).*");

    @Mixin
    private final ServerOptions server = new ServerOptions();

    @Parameters(index = "0", paramLabel = "DIR|URI", description = "The checkpoint.")
    private String source = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "A folder to create; of a URI, the repository NS/NAME that receives the artifact.")
    private String target = "";

    @Option(
            names = "--layout",
            required = true,
            paramLabel = "LAYOUT",
            description = "compressed-tensors, fp8, awq, gptq, gptq_v2 or modelopt.")
    private String layout = "";

    @Option(
            names = "--scaling-factors",
            paramLabel = "FILE",
            description = "FP8 scaling factors by rank and layer from another quantizer, in place of those of the KV"
                    + " cache and of inputs; folders only.")
    private @Nullable Path scalingFactors;

    @Option(names = "--json", description = "Prints the outcome as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        return URI.matcher(source).matches() ? submit() : convertFolder();
    }

    private int convertFolder() {
        ConversionResult result;
        ProcessEnd.closing(StagingFolder::endAll);
        try (var progress = new LiveProgress(terminal())) {
            var converter = new Converter(Runtime.getRuntime().availableProcessors());
            var request = new ConversionRequest(
                    Path.of(source), Path.of(target), layout, Optional.ofNullable(scalingFactors));
            result = EngineFailure.translate(() -> converter.convert(request, new EngineProgress(progress)));
        }
        terminal()
                .out()
                .println(
                        json
                                ? WireJson.pretty(facts(result))
                                : String.format(
                                        Locale.ROOT,
                                        "%s: %s from %s, %d modules with identical numbers, %.2f bits a weight, %s",
                                        target,
                                        result.label(),
                                        result.sourceLayout(),
                                        result.convertedModules(),
                                        result.weightBits(),
                                        Quantity.bytes(result.outputBytes())));
        return ExitCode.OK;
    }

    private ObjectNode facts(ConversionResult result) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("target", target)
                .put("label", result.label())
                .put("sourceLayout", result.sourceLayout())
                .put("layout", layout)
                .put("weightBits", result.weightBits())
                .put("inputBytes", result.inputBytes())
                .put("outputBytes", result.outputBytes())
                .put("convertedModules", result.convertedModules())
                .put("untouchedTensors", result.untouchedTensors());
    }

    private int submit() throws IOException, InterruptedException {
        if (scalingFactors != null) {
            throw new UsageException("--scaling-factors takes a folder to convert, not a URI");
        }
        if (target.startsWith("/") || target.startsWith(".")) {
            throw new UsageException("what a service converts goes into a repository NS/NAME, not into a folder");
        }
        ObjectNode spec = JsonNodeFactory.instance
                .objectNode()
                .put("type", "convert")
                .put("source", source)
                .put("target", target)
                .put("layout", layout);
        try (OctavoClient client = server.connect(environment())) {
            JobView submitted = client.submit(spec, Optional.empty());
            terminal().err().println("job " + submitted.id());
            JobView ended = client.follow(submitted.id(), event -> {});
            terminal().out().println(WireJson.pretty(json ? ended : outcome(ended)));
            return ended.status() == JobStatus.SUCCEEDED ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private static Object outcome(JobView job) {
        if (job.status() == JobStatus.SUCCEEDED && job.result() != null) {
            return job.result();
        }
        return job.problem() == null ? job : job.problem();
    }
}
