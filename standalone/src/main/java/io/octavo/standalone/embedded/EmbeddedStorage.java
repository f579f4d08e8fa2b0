package io.octavo.standalone.embedded;

import io.octavo.jobs.blob.ObjectSync;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/** An S3 server over a folder of the home, on loopback, with credentials of its own. */
final class EmbeddedStorage implements AutoCloseable, ObjectSync {

    private final Path objects;
    private final StorageCredentials credentials;
    private final S3Proxy server;

    private EmbeddedStorage(Path objects, StorageCredentials credentials, S3Proxy server) {
        this.objects = objects;
        this.credentials = credentials;
        this.server = server;
    }

    static EmbeddedStorage start(Home home) {
        Path objects = home.folder("objects");
        requireUserAttributes(objects);
        StorageCredentials credentials = StorageCredentials.in(home.root().resolve("storage-credentials"));
        S3Proxy server = S3Proxy.builder()
                .blobStore(new FilesystemNio2BlobStore(objects.toString()))
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, credentials.accessKey(), credentials.secretKey())
                .build();
        try {
            server.start();
        } catch (Exception e) {
            throw new StandaloneException("the embedded S3 server did not start: " + e.getMessage(), e);
        }
        return new EmbeddedStorage(objects, credentials, server);
    }

    /** The server keeps what it knows of an object in extended attributes. */
    private static void requireUserAttributes(Path folder) {
        Path probe = folder.resolve(".attributes-probe");
        try {
            Files.write(probe, new byte[0]);
            UserDefinedFileAttributeView attributes =
                    Files.getFileAttributeView(probe, UserDefinedFileAttributeView.class);
            if (attributes == null) {
                throw new IOException("not supported");
            }
            attributes.write("octavo", ByteBuffer.wrap(new byte[] {1}));
            Files.delete(probe);
        } catch (IOException | UnsupportedOperationException e) {
            throw new StandaloneException(
                    "the home " + folder.getParent() + " lies on a file system without user extended attributes ("
                            + e.getMessage() + "); choose a home on ext4, xfs, btrfs or zfs with --home",
                    e);
        }
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getPort();
    }

    StorageCredentials credentials() {
        return credentials;
    }

    /** The server itself never does, so that a power cut could take an object that it has acknowledged. */
    @Override
    public void force(String bucket, String key) {
        Path file = objects.resolve(bucket).resolve(key);
        try (FileChannel content = FileChannel.open(file, StandardOpenOption.READ);
                FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            content.force(true);
            folder.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the embedded S3 server did not stop", e);
        }
    }
}
