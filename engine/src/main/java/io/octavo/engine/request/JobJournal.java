package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where a job keeps what took it long, so that the same job goes on from there when it is started again. Names tell contents:
 * what is found under a name is what the job would make again.
 */
public interface JobJournal {

    /** A file that was kept, whole; read-only, and there as long as the call runs. */
    Optional<Path> find(String name);

    /**
     * Keeps a file: all of it or nothing becomes visible.
     *
     * @param write creates the file at the path that it is given
     * @return where it lies now
     */
    Path keep(String name, Consumer<Path> write);
}
