package io.octavo.standalone;

import io.octavo.cli.client.OctavoClient;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.hub.RepositoryName;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** The files of a repository, of which parts are fetched as they are asked for. */
final class RemoteHeaders {

    private final OctavoClient client;
    private final RepositoryName repository;
    private final String revision;
    private final Map<String, RepositoryFile> files = new LinkedHashMap<>();

    /** @param revision an id, or {@code main} */
    RemoteHeaders(OctavoClient client, RepositoryName repository, String revision) throws InterruptedException {
        this.client = client;
        this.repository = repository;
        RevisionView listed = client.revision(repository, revision);
        this.revision = listed.id();
        listed.files().forEach(file -> files.put(file.path(), file));
    }

    CheckpointFiles files() {
        var sizes = new LinkedHashMap<String, Long>();
        files.forEach((path, file) -> sizes.put(path, file.size()));
        return new CheckpointFiles(sizes, this::open);
    }

    private InputStream open(String path, long offset, long length) throws IOException {
        RepositoryFile file = files.get(path);
        if (file == null) {
            throw new IOException(path + " is not in the repository");
        }
        try (OctavoClient.Download download = client.open(repository, revision, file, offset)) {
            InputStream body = download.body();
            body.skipNBytes(offset - download.start());
            return new ByteArrayInputStream(body.readNBytes(Math.toIntExact(length)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while fetching " + path, e);
        }
    }
}
