package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.SafetensorsFile;
import io.octavo.engine.safetensors.SafetensorsHeaderReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** Reads config, index and headers of a checkpoint that may lie far away: shards side by side, as each costs a journey. */
final class HeaderReader {

    private static final int SHARDS_AT_A_TIME = 16;

    /** Of all headers together: twice what the largest models have, and less than what they become in memory. */
    static final long MAX_BYTES = 64_000_000;

    private final CheckpointFiles files;
    private final LongConsumer admission;
    private final AtomicLong headerBytes = new AtomicLong();

    /** @param admission is told each header's bytes before it is read, and may refuse */
    HeaderReader(CheckpointFiles files, LongConsumer admission) {
        this.files = files;
        this.admission = admission;
    }

    private void admit(long bytes) {
        long all = headerBytes.addAndGet(bytes);
        if (all > MAX_BYTES) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_HEADER_TOO_LARGE,
                    "the headers of the checkpoint's files have more than " + MAX_BYTES + " bytes together");
        }
        admission.accept(bytes);
    }

    ConfigJson config() {
        return config(ConfigJson.FILE_NAME);
    }

    ConfigJson config(String name) {
        Long bytes = files.sizes().get(name);
        if (bytes == null) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_NOT_FOUND, "the checkpoint has no " + name);
        }
        if (bytes > ConfigJson.MAX_BYTES) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    name + ": " + bytes + " bytes; at most " + ConfigJson.MAX_BYTES + " are allowed");
        }
        try (InputStream content = open(name, bytes)) {
            return ConfigJson.parse(content.readAllBytes());
        } catch (IOException e) {
            throw failed(name, e);
        }
    }

    /** Empty for a checkpoint of one file, which counts where there are both. */
    Optional<ShardIndex> index() {
        if (files.sizes().containsKey(Checkpoint.SINGLE_FILE)) {
            return Optional.empty();
        }
        Long bytes = files.sizes().get(ShardIndex.FILE_NAME);
        if (bytes == null) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_NOT_FOUND,
                    "the checkpoint has neither " + Checkpoint.SINGLE_FILE + " nor " + ShardIndex.FILE_NAME
                            + "; weights in other formats are not read");
        }
        try {
            return Optional.of(ShardIndex.read(bytes, open(ShardIndex.FILE_NAME, bytes)));
        } catch (IOException e) {
            throw failed(ShardIndex.FILE_NAME, e);
        }
    }

    private InputStream open(String name, long bytes) throws IOException {
        return bytes == 0 ? InputStream.nullInputStream() : files.open(name, 0, bytes);
    }

    List<SafetensorsFile> shards(List<String> names) {
        try (ExecutorService readers = Executors.newFixedThreadPool(
                Math.min(names.size(), SHARDS_AT_A_TIME), Thread.ofVirtual().factory())) {
            List<Future<SafetensorsFile>> tasks = names.stream()
                    .map(name -> readers.submit(() -> shard(name)))
                    .toList();
            try {
                return tasks.stream().map(HeaderReader::result).toList();
            } catch (RuntimeException e) {
                readers.shutdownNow();
                throw e;
            }
        }
    }

    private SafetensorsFile shard(String name) {
        Long bytes = files.sizes().get(name);
        if (bytes == null) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHARD_MISSING, "file " + name + " is missing from the checkpoint");
        }
        try {
            var header = SafetensorsHeaderReader.read(
                    name, bytes, (offset, length) -> files.open(name, offset, length), this::admit);
            return SafetensorsFile.ofHeader(name, header);
        } catch (IOException e) {
            throw failed(name, e);
        }
    }

    private static SafetensorsFile result(Future<SafetensorsFile> task) {
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new QuantizationException(ErrorCode.IO_FAILED, "reading headers was interrupted", e);
        }
    }

    private static QuantizationException failed(String name, IOException cause) {
        return new QuantizationException(ErrorCode.IO_FAILED, name + " cannot be read: " + cause.getMessage(), cause);
    }
}
