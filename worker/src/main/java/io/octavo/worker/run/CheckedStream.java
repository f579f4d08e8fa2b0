package io.octavo.worker.run;

import io.octavo.engine.JobMonitor;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Reports how far the bytes have come, and stops them when the job should stop. */
final class CheckedStream extends FilterInputStream {

    private final JobMonitor monitor;
    private final long total;
    private long done;

    CheckedStream(InputStream content, JobMonitor monitor, long done, long total) {
        super(content);
        this.monitor = monitor;
        this.done = done;
        this.total = total;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        monitor.checkpoint();
        int read = in.read(buffer, offset, length);
        done += Math.max(0, read);
        monitor.progress((double) done / total);
        return read;
    }
}
