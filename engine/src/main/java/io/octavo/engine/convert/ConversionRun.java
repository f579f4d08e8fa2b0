package io.octavo.engine.convert;

import io.octavo.engine.ConversionResult;
import io.octavo.engine.ErrorCode;
import io.octavo.engine.JobMonitor;
import io.octavo.engine.OutputFile;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.JsonText;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.convert.ConversionPlan.Copy;
import io.octavo.engine.convert.ConversionPlan.Repack;
import io.octavo.engine.convert.ConversionPlan.Step;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.Layout;
import io.octavo.engine.layout.LayoutWriter;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.QuantizedModules;
import io.octavo.engine.quantize.BackgroundTasks;
import io.octavo.engine.quantize.FileDigest;
import io.octavo.engine.quantize.StagingFolder;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.engine.safetensors.SafetensorsFile;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One call of {@link Converter#convert}: write everything, verify it, publish it. */
final class ConversionRun {

    /** Source bytes copied or compared at once. */
    private static final long WINDOW_BYTES = 1 << 24;

    /** For headers, JSON and what the file system adds. */
    private static final long SPARE_BYTES = 16 << 20;

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
    private final BackgroundTasks background;
    private final JobMonitor monitor;
    private final List<Future<OutputFile>> hashes = new ArrayList<>();
    private long doneBytes;

    ConversionRun(
            Checkpoint source,
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
        this.background = background;
        this.monitor = monitor;
    }

    ConversionResult run(Layout from, Layout to, ShardPlan shards) {
        List<Path> sideFiles = source.sideFiles().stream()
                .filter(file -> !OLD_LAYOUT_FILES.contains(file.toString()))
                .toList();
        requireSpace(sideFiles);

        monitor.phase("convert");
        writeWeights(shards);
        ConfigJson config = source.config().replacingQuantizationConfig(writer.config());
        write(ConfigJson.FILE_NAME, config.bytes());
        writer.files().forEach((name, json) -> write(name, text(json)));
        shards.indexJson().ifPresent(json -> write(ShardPlan.INDEX_FILE_NAME, json.getBytes(StandardCharsets.UTF_8)));
        sideFiles.forEach(this::copySideFile);

        monitor.phase("verify");
        verify();
        Label label = Label.of(config);
        write(PROVENANCE, text(provenance(from, to, label, sideFiles)));
        List<OutputFile> files = awaitAll(hashes);

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
                files);
    }

    private void requireSpace(List<Path> sideFiles) {
        long bytes = plan.outputBytes() + SPARE_BYTES;
        try {
            for (Path file : sideFiles) {
                bytes += Files.size(source.sideFile(file));
            }
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, "a side file cannot be read: " + e.getMessage(), e);
        }
        staging.requireSpace(bytes);
    }

    private void writeWeights(ShardPlan shards) {
        Iterator<Step> steps = plan.steps().iterator();
        for (ShardPlan.Shard shard : shards.shards()) {
            try (SafetensorsWriter file =
                    SafetensorsWriter.create(staging.folder().resolve(shard.fileName()), shard.tensors())) {
                int written = 0;
                while (written < shard.tensors().size()) {
                    Step step = steps.next();
                    written += step.outputs().size();
                    switch (step) {
                        case Copy copy -> copy(copy.source(), file);
                        case Repack repack -> repack.output().write(file::write);
                    }
                    advance(step.sourceBytes(), 0, WRITING_SHARE);
                }
                file.seal();
                hashes.add(hashLater(file.path()));
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

    private void copySideFile(Path relative) {
        monitor.checkpoint();
        Path target = staging.folder().resolve(relative.toString());
        try {
            Files.createDirectories(target.getParent());
            Files.copy(source.sideFile(relative), target);
            force(target);
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
        hashes.add(hashLater(target));
    }

    private void write(String name, byte[] bytes) {
        Path target = staging.folder().resolve(name);
        try {
            Files.write(target, bytes);
            force(target);
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
        hashes.add(hashLater(target));
    }

    private static void force(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    private Future<OutputFile> hashLater(Path file) {
        return background.submit(() -> FileDigest.of(file, staging.folder().relativize(file)));
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
            for (Step step : plan.steps()) {
                difference(step, copy, copied).ifPresent(difference -> {
                    throw failed(difference);
                });
                advance(step.sourceBytes(), WRITING_SHARE, 1 - WRITING_SHARE);
            }
        }
    }

    private Optional<String> difference(Step step, Checkpoint copy, QuantizedModules copied) {
        return switch (step) {
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
        TensorInfo info = tensor.info();
        if (copy == null) {
            return Optional.of("tensor " + info.name() + " is missing");
        }
        boolean equal = info.dtype() == copy.info().dtype()
                && info.shape().equals(copy.info().shape());
        for (long from = 0; equal && from < info.byteSize(); from += WINDOW_BYTES) {
            long to = Math.min(from + WINDOW_BYTES, info.byteSize());
            try (Arena window = Arena.ofConfined()) {
                equal = tensor.shard()
                                .map(info, from, to, window)
                                .mismatch(copy.shard().map(copy.info(), from, to, window))
                        < 0;
            }
        }
        return equal ? Optional.empty() : Optional.of("tensor " + info.name() + " differs from the source");
    }

    private static QuantizationException failed(String difference) {
        return new QuantizationException(ErrorCode.VERIFICATION_FAILED, difference);
    }

    private ObjectNode provenance(Layout from, Layout to, Label label, List<Path> sideFiles) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("engine").put("name", "octavo");
        root.put("convertedFrom", from.id()).put("layout", to.id()).put("label", label.text());
        ObjectNode sourceNode = root.putObject("source");
        Path before = source.folder().resolve(PROVENANCE);
        if (Files.isRegularFile(before, LinkOption.NOFOLLOW_LINKS)) {
            sourceNode.set("provenance", ConfigJson.read(before).tree());
        }
        var files = sourceNode.putArray("files");
        for (OutputFile file : awaitAll(hashSources(sideFiles))) {
            files.addObject().put("path", file.path()).put("size", file.size()).put("sha256", file.sha256());
        }
        root.putObject("verification")
                .put("untouchedTensors", plan.copies().size())
                .put("identicalModules", modules.byName().size());
        return root;
    }

    private List<Future<OutputFile>> hashSources(List<Path> sideFiles) {
        var files = new ArrayList<Path>();
        files.add(Path.of(ConfigJson.FILE_NAME));
        source.shards().stream()
                .map(SafetensorsFile::path)
                .map(Path::getFileName)
                .forEach(files::add);
        files.addAll(sideFiles);
        return files.stream()
                .map(file ->
                        background.submit(() -> FileDigest.of(source.folder().resolve(file), file)))
                .toList();
    }

    private List<OutputFile> awaitAll(List<Future<OutputFile>> files) {
        var results = new ArrayList<OutputFile>();
        for (Future<OutputFile> file : files) {
            results.add(BackgroundTasks.await(file, monitor));
        }
        results.sort(Comparator.comparing(OutputFile::path));
        return List.copyOf(results);
    }

    private static byte[] text(ObjectNode json) {
        return (JsonText.indented(json) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
