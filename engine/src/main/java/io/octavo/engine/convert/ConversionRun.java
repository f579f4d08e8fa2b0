package io.octavo.engine.convert;

import io.octavo.engine.artifact.ArtifactFiles;
import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.SourceHashes;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.JsonText;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.checkpoint.TensorComparison;
import io.octavo.engine.convert.ConversionPlan.Action;
import io.octavo.engine.convert.ConversionPlan.Copy;
import io.octavo.engine.convert.ConversionPlan.Repack;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One call of {@link Converter#convert}: write everything, verify it, publish it. */
final class ConversionRun {

    /** Source bytes copied at once. */
    private static final long WINDOW_BYTES = 1 << 24;

    private static final double WRITING_SHARE = 0.6;
    private static final String PROVENANCE = "octavo.json";

    /** Files that describe the layout which the source had. */
    private static final Set<String> OLD_LAYOUT_FILES =
            Set.of(QuantizedLayouts.MODELOPT_FILE, "quantize_config.json", "quant_config.json");

    private final Checkpoint source;
    private final QuantizedModules modules;
    private final LayoutWriter writer;
    private final ConversionPlan plan;
    private final StagingFolder staging;
    private final JobMonitor monitor;
    private final ArtifactFiles files;
    private final SourceHashes sourceHashes;
    private long doneBytes;

    ConversionRun(
            Checkpoint source,
            List<HashedFile> known,
            QuantizedModules modules,
            LayoutWriter writer,
            ConversionPlan plan,
            StagingFolder staging,
            BackgroundTasks background,
            JobMonitor monitor) {
        this.source = source;
        this.modules = modules;
        this.writer = writer;
        this.plan = plan;
        this.staging = staging;
        this.monitor = monitor;
        List<Path> sideFiles = source.sideFiles().stream()
                .filter(file -> !OLD_LAYOUT_FILES.contains(file.toString()))
                .toList();
        this.sourceHashes = new SourceHashes(source, sideFiles, known, background);
        this.files = new ArtifactFiles(source, sideFiles, staging, background, monitor);
    }

    ConversionResult run(Layout from, Layout to, ShardPlan shards) {
        files.requireSpace(plan.outputBytes());

        monitor.phase("convert");
        writeWeights(shards);
        ConfigJson config = source.config().withQuantizationConfig(writer.config(plan.hasExperts()));
        files.write(ConfigJson.FILE_NAME, config.bytes());
        writer.files().forEach((name, json) -> files.write(name, text(json)));
        shards.indexJson().ifPresent(json -> files.write(ShardPlan.INDEX_FILE_NAME, json));
        files.copySideFiles();

        monitor.phase("verify");
        verify();
        Label label = Label.of(config);
        files.write(PROVENANCE, text(provenance(from, to, label)));
        List<HashedFile> written = files.await();

        monitor.phase("publish");
        monitor.checkpoint();
        staging.publish();
        monitor.progress(1);
        return new ConversionResult(
                label.text(),
                from.id(),
                plan.weightBits(modules),
                plan.sourceBytes(),
                plan.outputBytes(),
                modules.byName().size(),
                plan.copies().size(),
                written);
    }

    private void writeWeights(ShardPlan shards) {
        Iterator<Action> actions = plan.actions().iterator();
        for (ShardPlan.Shard shard : shards.shards()) {
            try (SafetensorsWriter file =
                    SafetensorsWriter.create(staging.folder().resolve(shard.fileName()), shard.tensors())) {
                files.follow(file);
                int written = 0;
                while (written < shard.tensors().size()) {
                    Action action = actions.next();
                    written += action.outputs().size();
                    switch (action) {
                        case Copy copy -> copy(copy.source(), file);
                        case Repack repack -> repack.output().write(file::write);
                    }
                    advance(action.sourceBytes(), 0, WRITING_SHARE);
                }
                file.seal();
            }
        }
        doneBytes = 0;
    }

    private void copy(StoredTensor tensor, SafetensorsWriter file) {
        TensorInfo info = tensor.info();
        for (long from = 0; from < info.byteSize(); from += WINDOW_BYTES) {
            long to = Math.min(from + WINDOW_BYTES, info.byteSize());
            monitor.checkpoint();
            try (Arena window = Arena.ofConfined()) {
                file.write(
                        info.name(),
                        from,
                        tensor.shard().map(info, from, to, window).asByteBuffer());
            }
        }
    }

    private void advance(long bytes, double start, double share) {
        doneBytes += bytes;
        monitor.checkpoint();
        monitor.progress(start + share * doneBytes / Math.max(plan.sourceBytes(), 1));
    }

    /** Reads every number back and compares it with the source's. */
    private void verify() {
        try (Checkpoint copy = Checkpoint.open(staging.folder())) {
            QuantizedModules copied = QuantizedLayouts.read(copy);
            if (!copied.byName().keySet().equals(modules.byName().keySet())) {
                throw failed("the written config does not apply to exactly the source's modules");
            }
            NumberComparison.kvCacheDifference(modules, copied).ifPresent(difference -> {
                throw failed(difference);
            });
            for (Action action : plan.actions()) {
                difference(action, copy, copied).ifPresent(difference -> {
                    throw failed(difference);
                });
                advance(action.sourceBytes(), WRITING_SHARE, 1 - WRITING_SHARE);
            }
        }
    }

    private Optional<String> difference(Action action, Checkpoint copy, QuantizedModules copied) {
        return switch (action) {
            case Copy tensor ->
                difference(
                        tensor.source(),
                        copy.stored().get(tensor.source().info().name()));
            case Repack repack ->
                modules.find(repack.what())
                        .flatMap(linear -> NumberComparison.difference(
                                linear, copied.find(repack.what()).orElseThrow()));
        };
    }

    private static Optional<String> difference(StoredTensor tensor, @Nullable StoredTensor copy) {
        String name = tensor.info().name();
        if (copy == null) {
            return Optional.of("tensor " + name + " is missing");
        }
        return TensorComparison.identical(tensor, copy)
                ? Optional.empty()
                : Optional.of("tensor " + name + " differs from the source");
    }

    private static QuantizationException failed(String difference) {
        return new QuantizationException(ErrorCode.VERIFICATION_FAILED, difference);
    }

    private ObjectNode provenance(Layout from, Layout to, Label label) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("engine").put("name", "octavo");
        root.put("convertedFrom", from.id()).put("layout", to.id()).put("label", label.text());
        ObjectNode sourceNode = root.putObject("source");
        Path before = source.folder().resolve(PROVENANCE);
        if (Files.isRegularFile(before, LinkOption.NOFOLLOW_LINKS)) {
            sourceNode.set("provenance", ConfigJson.read(before).tree());
        }
        var sources = sourceNode.putArray("files");
        for (HashedFile file : sourceHashes.await(monitor)) {
            sources.addObject()
                    .put("path", file.path())
                    .put("size", file.size())
                    .put("sha256", file.sha256());
        }
        root.putObject("verification")
                .put("untouchedTensors", plan.copies().size())
                .put("identicalModules", modules.byName().size());
        return root;
    }

    private static String text(ObjectNode json) {
        return JsonText.indented(json) + "\n";
    }
}
