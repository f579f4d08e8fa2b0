package io.octavo.worker.transfer;

import io.octavo.jobs.blob.BulkFilterStream;
import java.io.IOException;
import java.io.InputStream;

/** Tells a passage what is read from a stream. */
public final class PassingStream extends BulkFilterStream {

    private final Passage passage;

    public PassingStream(InputStream content, Passage passage) {
        super(content);
        this.passage = passage;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int read = in.read(buffer, offset, length);
        passage.passed(Math.max(0, read));
        return read;
    }
}
