package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.SafetensorsFile;
import io.octavo.engine.safetensors.TensorInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A model's folder, opened: tensors by name over all shards, the config, the side files.
 *
 * <p>Only headers and JSON are read; tensor bytes are mapped. Safe for use by several threads. Whoever opens it closes
 * it; every {@link Tensor} is borrowed and dies with it.
 */
public final class Checkpoint implements AutoCloseable {

    /** The one file of a checkpoint without an index. */
    public static final String SINGLE_FILE = "model.safetensors";

    private final @Nullable CheckpointFolder folder;
    private final @Nullable CheckpointFiles remote;
    private final ConfigJson config;
    private final List<SafetensorsFile> shards;
    private final SequencedMap<String, StoredTensor> tensors;
    private final List<String> notes = new ArrayList<>();

    /** A tensor and the shard that holds it. */
    public record StoredTensor(SafetensorsFile shard, TensorInfo info) {}

    private Checkpoint(CheckpointFolder folder, ConfigJson config, List<SafetensorsFile> shards) {
        this(folder, null, config, shards);
    }

    private Checkpoint(
            @Nullable CheckpointFolder folder,
            @Nullable CheckpointFiles remote,
            ConfigJson config,
            List<SafetensorsFile> shards) {
        this.folder = folder;
        this.remote = remote;
        this.config = config;
        this.shards = shards;
        this.tensors = collect(shards);
    }

    /**
     * Opens a folder with {@code config.json} and either {@code model.safetensors} or
     * {@code model.safetensors.index.json}; where both are, the single file counts, as in transformers.
     *
     * @throws QuantizationException with a {@code CHECKPOINT_}, {@code SAFETENSORS_} or {@code CONFIG_} code
     */
    public static Checkpoint open(Path path) {
        var folder = new CheckpointFolder(path);
        if (!folder.has(ConfigJson.FILE_NAME)) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_NOT_FOUND, "folder " + path + " has no " + ConfigJson.FILE_NAME);
        }
        ConfigJson config = ConfigJson.read(folder.resolve(Path.of(ConfigJson.FILE_NAME)));
        var shards = new ArrayList<SafetensorsFile>();
        try {
            if (folder.has(SINGLE_FILE)) {
                shards.add(SafetensorsFile.open(folder.resolve(Path.of(SINGLE_FILE))));
                return new Checkpoint(folder, config, shards);
            }
            if (!folder.has(ShardIndex.FILE_NAME)) {
                throw new QuantizationException(
                        ErrorCode.CHECKPOINT_NOT_FOUND,
                        "folder " + path + " has neither " + SINGLE_FILE + " nor " + ShardIndex.FILE_NAME
                                + "; weights in other formats are not read");
            }
            ShardIndex index = ShardIndex.read(folder.resolve(Path.of(ShardIndex.FILE_NAME)));
            for (String shard : index.shards()) {
                shards.add(SafetensorsFile.open(folder.resolve(Path.of(shard))));
            }
            var checkpoint = new Checkpoint(folder, config, shards);
            checkpoint.check(index);
            return checkpoint;
        } catch (RuntimeException e) {
            shards.forEach(SafetensorsFile::close);
            throw e;
        }
    }

    /**
     * Lets everything that is opened meanwhile, in this thread, follow symbolic links out of folders that belong to
     * whoever runs this. For folders that a user names on the machine, such as the Hub's cache; never for what strangers
     * send.
     */
    public static <T> T followingLinks(Supplier<T> work) {
        return ScopedValue.where(CheckpointFolder.FOLLOWS_LINKS, true).call(work::get);
    }

    /**
     * Reads no more of a checkpoint than config, index and headers, wherever it lies. What it gives has names, types and
     * shapes; access to bytes or to the folder throws {@link IllegalStateException}.
     *
     * @throws QuantizationException as {@link #open} does, with {@code IO_FAILED} if a file cannot be read
     */
    public static Checkpoint ofHeaders(CheckpointFiles files) {
        return ofHeaders(files, bytes -> {});
    }

    /** @param admission is told each header's bytes before it is read, by several threads, and may refuse */
    public static Checkpoint ofHeaders(CheckpointFiles files, LongConsumer admission) {
        var reader = new HeaderReader(files, admission);
        ConfigJson config = reader.config();
        Optional<ShardIndex> index = reader.index();
        List<String> names = index.map(known -> List.copyOf(known.shards())).orElse(List.of(SINGLE_FILE));
        var checkpoint = new Checkpoint(null, files, config, reader.shards(names));
        index.ifPresent(checkpoint::check);
        return checkpoint;
    }

    private SequencedMap<String, StoredTensor> collect(List<SafetensorsFile> shards) {
        var tensors = new LinkedHashMap<String, StoredTensor>();
        for (SafetensorsFile shard : shards) {
            for (TensorInfo info : shard.header().tensors().values()) {
                var tensor = new StoredTensor(shard, info);
                StoredTensor other = tensors.putIfAbsent(info.name(), tensor);
                if (other != null) {
                    requireAlike(other, tensor);
                }
            }
        }
        return Collections.unmodifiableSequencedMap(tensors);
    }

    /** One that lies in two shards does no harm if it is the same. Of headers alone, the work will tell. */
    private void requireAlike(StoredTensor one, StoredTensor other) {
        String what =
                "tensor " + one.info.name() + " lies in both " + fileName(one.shard) + " and " + fileName(other.shard);
        boolean alike = remote == null
                ? TensorComparison.identical(one, other)
                : one.info.spec().equals(other.info.spec());
        if (!alike) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_INDEX_INVALID, what + ", with different contents, of which loaders take one");
        }
        notes.add(what + (remote == null ? ", with the same contents" : "; their contents must be the same"));
    }

    private void check(ShardIndex index) {
        notes.addAll(new IndexCheck(tensors, config.tree()).check(index));
    }

    /** What is odd about the files and does no harm, for people. */
    public List<String> notes() {
        return Stream.concat(notes.stream(), folder == null ? Stream.of() : folder.leftOut().stream())
                .toList();
    }

    private static String fileName(SafetensorsFile shard) {
        return shard.path().getFileName().toString();
    }

    /** The folder, with links resolved. */
    public Path folder() {
        return requireFolder().root();
    }

    /** Whether there is a file of this name beside the weights. */
    public boolean hasFile(String name) {
        return remote == null ? requireFolder().has(name) : remote.sizes().containsKey(name);
    }

    /** A JSON object in a file beside the weights; empty if there is no such file. */
    public Optional<ConfigJson> sideConfig(String name) {
        if (!hasFile(name)) {
            return Optional.empty();
        }
        return Optional.of(
                remote == null
                        ? ConfigJson.read(requireFolder().resolve(Path.of(name)))
                        : new HeaderReader(remote, bytes -> {}).config(name));
    }

    private CheckpointFolder requireFolder() {
        if (folder == null) {
            throw new IllegalStateException("only the checkpoint's headers were read; it has no folder");
        }
        return folder;
    }

    public ConfigJson config() {
        return config;
    }

    /** Names of all tensors in the order in which they lie in the shards. */
    public SequencedSet<String> names() {
        return tensors.sequencedKeySet();
    }

    /**
     * A tensor that must be there.
     *
     * @throws QuantizationException {@code CHECKPOINT_TENSOR_MISSING}
     */
    public Tensor tensor(String name) {
        return find(name)
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.CHECKPOINT_TENSOR_MISSING, "the checkpoint has no tensor " + name));
    }

    public Optional<Tensor> find(String name) {
        StoredTensor stored = tensors.get(name);
        if (stored == null) {
            return Optional.empty();
        }
        TensorInfo info = stored.info;
        return Optional.of(new Tensor(name, info.dtype(), info.shape(), stored.shard.segment(info)));
    }

    /** Shape of a module's weight as it is stored; empty where it has none under that name. */
    public Optional<List<Long>> weightShape(String module) {
        return Optional.ofNullable(tensors.get(module + ".weight"))
                .map(StoredTensor::info)
                .map(TensorInfo::shape);
    }

    /** Every tensor with its place, in the order in which they lie in the shards. */
    public SequencedMap<String, StoredTensor> stored() {
        return tensors;
    }

    /** The files that hold the tensors, in the order of their names. */
    public List<SafetensorsFile> shards() {
        return List.copyOf(shards);
    }

    /** What belongs to the model beside config and weights, such as the tokenizer: sorted paths relative to the folder. */
    public List<Path> sideFiles() {
        return requireFolder().sideFiles();
    }

    /** The real file behind one of {@link #sideFiles()}. */
    public Path sideFile(Path relative) {
        return requireFolder().resolve(relative);
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }
}
