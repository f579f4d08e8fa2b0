package io.octavo.jobs.blob;

import io.octavo.hub.git.GitId;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Service;

/** What git calls blobs. The bytes are read for it once, when somebody asks first; so it is asked of small files alone. */
@Service
public class GitIds {

    private static final Logger LOG = LoggerFactory.getLogger(GitIds.class);

    private final BlobTable table;
    private final BlobStore blobs;

    GitIds(BlobTable table, BlobStore blobs) {
        this.table = table;
        this.blobs = blobs;
    }

    /** By SHA-256. */
    public Map<String, String> of(Collection<BlobId> wanted) {
        List<BlobId> ids = wanted.stream().distinct().toList();
        if (ids.isEmpty()) {
            return Map.of();
        }
        Map<String, String> known =
                table.gitIds(ids.stream().map(BlobId::sha256).toList());
        for (BlobId id : ids) {
            known.computeIfAbsent(id.sha256(), sha256 -> computed(id));
        }
        return known;
    }

    private String computed(BlobId id) {
        MessageDigest digest = GitId.digest(id.size());
        try (InputStream content = blobs.open(id);
                var sink = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            content.transferTo(sink);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String gitId = GitId.of(digest);
        keep(id, gitId);
        return gitId;
    }

    /** Without it, the next one who asks has it computed again. */
    private void keep(BlobId id, String gitId) {
        try {
            table.setGitId(id.sha256(), gitId);
        } catch (DataAccessException e) {
            LOG.warn("The git id of blob {} could not be kept: {}", id.sha256(), e.getMessage());
        }
    }
}
