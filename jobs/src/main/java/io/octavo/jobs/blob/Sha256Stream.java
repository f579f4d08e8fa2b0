package io.octavo.jobs.blob;

import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Hashes what passes. With an expectation it withholds the end of a stream that does not meet it: the reader gets an
 * exception in place of the last bytes, so an upload of wrong content never completes.
 */
public final class Sha256Stream extends BulkFilterStream {

    private final MessageDigest digest = Sha256.digest();
    private final @Nullable BlobId expected;
    private long count;
    private @Nullable String finished;

    public Sha256Stream(InputStream content) {
        this(content, null);
    }

    public Sha256Stream(InputStream content, @Nullable BlobId expected) {
        super(content);
        this.expected = expected;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = in.read(buffer, offset, length);
        if (read > 0) {
            digest.update(buffer, offset, read);
            count += read;
        }
        if (expected != null && (read < 0 || count >= expected.size())) {
            requireExpected(expected);
        }
        return read;
    }

    private void requireExpected(BlobId wanted) {
        if (count != wanted.size()) {
            throw new ProblemException(
                    ProblemCode.CONTENT_HASH_MISMATCH,
                    "content has " + count + " bytes or more, expected " + wanted.size());
        }
        if (!result().sha256().equals(wanted.sha256())) {
            throw new ProblemException(
                    ProblemCode.CONTENT_HASH_MISMATCH,
                    "content has SHA-256 " + result().sha256() + ", expected " + wanted.sha256());
        }
    }

    /** What has passed; call it after the end. */
    public BlobId result() {
        if (finished == null) {
            finished = HexFormat.of().formatHex(digest.digest());
        }
        return new BlobId(finished, count);
    }

    @Override
    public long skip(long count) {
        return 0; // skipped bytes would miss the hash
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
