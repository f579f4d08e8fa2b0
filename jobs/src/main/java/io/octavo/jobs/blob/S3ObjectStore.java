package io.octavo.jobs.blob;

import io.minio.BucketExistsArgs;
import io.minio.ComposeObjectArgs;
import io.minio.CopyObjectArgs;
import io.minio.GetObjectArgs;
import io.minio.ListObjectsArgs;
import io.minio.MakeBucketArgs;
import io.minio.MinioAsyncClient;
import io.minio.MinioClient;
import io.minio.ObjectWriteArgs;
import io.minio.RemoveObjectArgs;
import io.minio.Result;
import io.minio.SourceObject;
import io.minio.StatObjectArgs;
import io.minio.errors.ErrorResponseException;
import io.minio.errors.MinioException;
import io.minio.messages.Item;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** S3. An upload holds two parts in memory. */
final class S3ObjectStore implements ObjectStore {

    private static final int MAX_PARTS = 10_000;
    private static final int INSUFFICIENT_STORAGE = 507;

    private static final Logger LOG = LoggerFactory.getLogger(S3ObjectStore.class);

    private final AtomicReference<@Nullable String> bucketToEnsure = new AtomicReference<>();
    private final MinioClient client;
    private final MinioAsyncClient uploads;
    private final long partSize;
    private volatile boolean full;

    S3ObjectStore(StorageProperties properties) {
        this.client = MinioClient.builder()
                .endpoint(properties.endpoint())
                .region(properties.region())
                .credentials(properties.accessKey(), properties.secretKey())
                .build();
        this.uploads = MinioAsyncClient.builder()
                .endpoint(properties.endpoint())
                .region(properties.region())
                .credentials(properties.accessKey(), properties.secretKey())
                .build();
        long connect = properties.connectTimeout().toMillis();
        long read = properties.readTimeout().toMillis();
        this.client.setTimeout(connect, read, read);
        this.uploads.setTimeout(connect, read, read);
        this.partSize = properties.partSize().toBytes();
    }

    @Override
    public void ensureBucketSoon(String bucket) {
        bucketToEnsure.set(bucket);
        try {
            ensurePending();
        } catch (StorageException.Unavailable e) {
            LOG.warn("Going on without the object store, which does not answer: {}", e.getMessage());
        }
    }

    private void ensurePending() {
        String bucket = bucketToEnsure.get();
        if (bucket != null) {
            ensureBucket(bucket);
            bucketToEnsure.set(null);
        }
    }

    private void ensureBucket(String bucket) {
        call("looking for bucket " + bucket, bucket, "", () -> {
            if (!client.bucketExists(BucketExistsArgs.builder().bucket(bucket).build())) {
                client.makeBucket(MakeBucketArgs.builder().bucket(bucket).build());
            }
            return true;
        });
    }

    @Override
    public ObjectInfo stat(String bucket, String key) {
        try {
            return call(
                    "looking at " + key,
                    bucket,
                    key,
                    () -> new ObjectInfo(
                            key,
                            client.statObject(StatObjectArgs.builder()
                                            .bucket(bucket)
                                            .object(key)
                                            .build())
                                    .size()));
        } catch (StorageException.MissingObject e) {
            requireBucket(bucket); // a HEAD has no body that would tell which of the two is missing
            throw e;
        }
    }

    private void requireBucket(String bucket) {
        boolean exists = call(
                "looking for bucket " + bucket,
                bucket,
                "",
                () -> client.bucketExists(
                        BucketExistsArgs.builder().bucket(bucket).build()));
        if (!exists) {
            throw new StorageException.MissingBucket(bucket, null);
        }
    }

    @Override
    public List<ObjectInfo> list(String bucket, String prefix, int maxCount) {
        return list(bucket, prefix, maxCount, item -> true);
    }

    private List<ObjectInfo> list(String bucket, String prefix, int maxCount, Predicate<Item> wanted) {
        return call("listing " + prefix, bucket, prefix, () -> {
            List<ObjectInfo> objects = new ArrayList<>();
            for (Result<Item> result : client.listObjects(ListObjectsArgs.builder()
                    .bucket(bucket)
                    .prefix(prefix)
                    .recursive(true)
                    .build())) {
                Item item = result.get();
                if (wanted.test(item)) {
                    objects.add(new ObjectInfo(item.objectName(), item.size()));
                }
                if (objects.size() == maxCount) {
                    break;
                }
            }
            return objects;
        });
    }

    @Override
    public List<ObjectInfo> listOlder(String bucket, String prefix, Instant moment) {
        return list(
                bucket,
                prefix,
                Integer.MAX_VALUE,
                item -> item.lastModified().toInstant().isBefore(moment));
    }

    @Override
    public InputStream open(String bucket, String key, long offset, long length) {
        if (length == 0) {
            return InputStream.nullInputStream();
        }
        return call("reading " + key, bucket, key, () -> {
            GetObjectArgs.Builder request = GetObjectArgs.builder()
                    .bucket(bucket)
                    .object(key)
                    .offset(offset)
                    .length(length);
            return new RemoteStream(client.getObject(request.build()), key);
        });
    }

    @Override
    public void put(String bucket, String key, InputStream content, long size) {
        ensurePending();
        long part = Math.max(partSize, roundUp(Math.ceilDiv(size, MAX_PARTS)));
        WatchedStream watched = new WatchedStream(content);
        var upload = new ObjectUpload(
                uploads, bucket, key, watched, size < 0 ? Long.MAX_VALUE : size, Math.toIntExact(part));
        try {
            call("writing " + key, bucket, key, () -> {
                upload.send();
                return true;
            });
        } catch (RuntimeException e) {
            watched.rethrow();
            full = e instanceof StorageException.Full;
            throw e;
        }
        full = false;
    }

    private static long roundUp(long bytes) {
        long mebibyte = 1L << 20;
        return Math.ceilDiv(bytes, mebibyte) * mebibyte;
    }

    /** Objects beyond the limit of a single copy go part by part. */
    @Override
    public void copy(String bucket, String from, String to, long size) {
        SourceObject source = SourceObject.builder().bucket(bucket).object(from).build();
        call(
                "copying to " + to,
                bucket,
                from,
                () -> size <= ObjectWriteArgs.MAX_PART_SIZE
                        ? client.copyObject(CopyObjectArgs.builder()
                                .bucket(bucket)
                                .object(to)
                                .source(source)
                                .build())
                        : client.composeObject(ComposeObjectArgs.builder()
                                .bucket(bucket)
                                .object(to)
                                .sources(new ArrayList<>(List.of(source))) // the client writes into it
                                .build()));
    }

    @Override
    public void delete(String bucket, String key) {
        call("deleting " + key, bucket, key, () -> {
            client.removeObject(
                    RemoveObjectArgs.builder().bucket(bucket).object(key).build());
            return true;
        });
    }

    @Override
    public boolean isFull() {
        return full;
    }

    @Override
    public void close() {
        try {
            client.close();
            uploads.close();
        } catch (Exception e) {
            throw new IllegalStateException("the S3 client could not be closed", e);
        }
    }

    private static <T> T call(String doing, String bucket, String key, Call<T> call) {
        try {
            return call.run();
        } catch (MinioException e) {
            throw translate(doing, bucket, key, e);
        } catch (IllegalStateException e) {
            if (findCause(e, IOException.class) == null) {
                throw e;
            }
            throw translate(doing, bucket, key, e); // how the client reports a connection that cannot be made
        }
    }

    private static StorageException translate(String doing, String bucket, String key, Exception failure) {
        ErrorResponseException answer = findCause(failure, ErrorResponseException.class);
        String code =
                answer == null ? "" : String.valueOf(answer.errorResponse().code());
        if (answer != null && answer.response().code() == INSUFFICIENT_STORAGE) {
            return new StorageException.Full(failure);
        }
        return switch (code) {
            case "XMinioStorageFull", "StorageFull", "InsufficientCapacity", "QuotaExceeded" ->
                new StorageException.Full(failure);
            case "NoSuchBucket" -> new StorageException.MissingBucket(bucket, failure);
            case "NoSuchKey" -> new StorageException.MissingObject(bucket, key, failure);
            case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden" ->
                new StorageException.AccessDenied(bucket, failure);
            default -> new StorageException.Unavailable(doing, failure);
        };
    }

    private static <T extends Throwable> @Nullable T findCause(Throwable failure, Class<T> type) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    @FunctionalInterface
    private interface Call<T> {
        T run() throws MinioException;
    }

    /** Tells a broken connection from a broken local disk, which a plain IOException would not. */
    private static final class RemoteStream extends InputStream {

        private final InputStream remote;
        private final String key;

        RemoteStream(InputStream remote, String key) {
            this.remote = remote;
            this.key = key;
        }

        @Override
        public int read() {
            try {
                return remote.read();
            } catch (IOException e) {
                throw broken(e);
            }
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            try {
                return remote.read(buffer, offset, length);
            } catch (IOException e) {
                throw broken(e);
            }
        }

        @Override
        public void close() throws IOException {
            remote.close();
        }

        private StorageException broken(IOException cause) {
            return new StorageException.Unavailable("reading " + key, cause);
        }
    }

    /** Remembers why it failed, which the client buries. */
    private static final class WatchedStream extends BulkFilterStream {

        private @Nullable Exception failure;

        WatchedStream(InputStream content) {
            super(content);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            try {
                return in.read(buffer, offset, length);
            } catch (IOException | RuntimeException e) {
                failure = e;
                throw e;
            }
        }

        void rethrow() {
            switch (failure) {
                case RuntimeException e -> throw e;
                case IOException e -> throw new UncheckedIOException(e);
                case null, default -> {}
            }
        }
    }
}
