package io.octavo.jobs.blob;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Single bytes come through {@link #read(byte[], int, int)} too, so that a subclass filters in that one place. */
public abstract class BulkFilterStream extends FilterInputStream {

    protected BulkFilterStream(InputStream content) {
        super(content);
    }

    @Override
    public final int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public abstract int read(byte[] buffer, int offset, int length) throws IOException;
}
