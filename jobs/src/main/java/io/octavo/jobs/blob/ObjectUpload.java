package io.octavo.jobs.blob;

import io.minio.AbortMultipartUploadArgs;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.Http;
import io.minio.MinioAsyncClient;
import io.minio.PutObjectAPIArgs;
import io.minio.UploadPartArgs;
import io.minio.UploadPartResponse;
import io.minio.errors.MinioException;
import io.minio.messages.Part;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.zip.CRC32C;

/**
 * Sends a stream to one object, in parts where it is longer than one; a part travels while the next is read. Each goes
 * with its CRC-32C, which processors compute, in place of the client's own digests: they took longer than all the rest.
 * What is stored is named by a SHA-256 that is computed elsewhere, so that nothing rests on the signature of a body.
 */
final class ObjectUpload {

    private final MinioAsyncClient client;
    private final String bucket;
    private final String key;
    private final InputStream content;
    private final int partBytes;
    private long left;

    /** @param size of the content, or {@link Long#MAX_VALUE} if it ends where it ends */
    ObjectUpload(MinioAsyncClient client, String bucket, String key, InputStream content, long size, int partBytes) {
        this.client = client;
        this.bucket = bucket;
        this.key = key;
        this.content = content;
        this.left = size;
        this.partBytes = (int) Math.min(partBytes, size);
    }

    /** The object appears once this returns, and never half. */
    void send() throws MinioException {
        byte[] first = new byte[partBytes];
        int length = read(first);
        if (length < partBytes || left == 0) {
            await(client.putObject(PutObjectAPIArgs.builder()
                    .bucket(bucket)
                    .object(key)
                    .data(first, length)
                    .headers(headers(first, length))
                    .build()));
        } else {
            sendParts(first);
        }
    }

    private void sendParts(byte[] first) throws MinioException {
        String upload = await(client.createMultipartUpload(CreateMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(key)
                        .headers(new Http.Headers("x-amz-checksum-algorithm", "CRC32C"))
                        .build()))
                .result()
                .uploadId();
        try {
            await(client.completeMultipartUpload(CompleteMultipartUploadArgs.builder()
                    .bucket(bucket)
                    .object(key)
                    .uploadId(upload)
                    .parts(parts(upload, first).toArray(new Part[0]))
                    .build()));
        } catch (MinioException | RuntimeException e) {
            var _ = client.abortMultipartUpload(AbortMultipartUploadArgs.builder()
                    .bucket(bucket)
                    .object(key)
                    .uploadId(upload)
                    .build());
            throw e;
        }
    }

    private List<Part> parts(String upload, byte[] first) throws MinioException {
        List<Part> parts = new ArrayList<>();
        byte[] part = first;
        byte[] next = new byte[partBytes];
        for (int length = partBytes; length > 0; ) {
            CompletableFuture<UploadPartResponse> sending = client.uploadPart(UploadPartArgs.builder()
                    .bucket(bucket)
                    .object(key)
                    .uploadId(upload)
                    .partNumber(parts.size() + 1)
                    .data(part, length)
                    .headers(headers(part, length))
                    .build());
            int nextLength = read(next);
            parts.add(await(sending).part());
            byte[] sent = part;
            part = next;
            next = sent;
            length = nextLength;
        }
        return parts;
    }

    /** Fills the buffer unless the content ends. */
    private int read(byte[] buffer) {
        try {
            int wanted = (int) Math.min(buffer.length, left);
            int read = content.readNBytes(buffer, 0, wanted);
            if (wanted == 0 && content.read() >= 0) { // an end is looked for, since a stream may refuse it
                throw new IOException("the content is longer than announced");
            }
            if (left != Long.MAX_VALUE) {
                left -= read;
                if (read < wanted) {
                    throw new EOFException("the content ends " + left + " bytes early");
                }
            }
            return read;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Http.Headers headers(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        byte[] value = ByteBuffer.allocate(4).putInt((int) crc.getValue()).array();
        var headers = new Http.Headers(Http.Headers.X_AMZ_CONTENT_SHA256, "UNSIGNED-PAYLOAD");
        headers.set(Http.Headers.X_AMZ_SDK_CHECKSUM_ALGORITHM, "CRC32C");
        headers.set("x-amz-checksum-crc32c", Base64.getEncoder().encodeToString(value));
        return headers;
    }

    private static <T> T await(CompletableFuture<T> answer) throws MinioException {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof MinioException known) {
                throw known;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while bytes were stored", e);
        }
    }
}
