package io.octavo.engine.safetensors;

import java.util.Map;
import java.util.TreeMap;

/**
 * How far a file that is written in any order is complete from its begin on. For any number of writing and waiting
 * threads.
 */
public final class WrittenRanges {

    /** Begin and end of ranges beyond the first gap. */
    private final TreeMap<Long, Long> beyond = new TreeMap<>();

    private long completeTo;

    /** Adds bytes that can be read from now on. */
    synchronized void add(long begin, long end) {
        if (begin == end) {
            return;
        }
        if (begin != completeTo) {
            beyond.put(begin, end);
            return;
        }
        completeTo = end;
        Map.Entry<Long, Long> next = beyond.firstEntry();
        while (next != null && next.getKey() == completeTo) {
            completeTo = next.getValue();
            beyond.pollFirstEntry();
            next = beyond.firstEntry();
        }
        notifyAll();
    }

    /**
     * Waits until all bytes before some position beyond {@code position} are there.
     *
     * @return that position, as far as is known
     */
    public synchronized long awaitBeyond(long position) throws InterruptedException {
        while (completeTo <= position) {
            wait();
        }
        return completeTo;
    }
}
