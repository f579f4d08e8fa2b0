package io.octavo.standalone;

import io.octavo.cli.CommandFailedException;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.QuantizationException;
import java.util.function.Supplier;

/** Tells what the engine refuses as the command line tells a service's problems: the code stands in brackets behind. */
final class EngineFailure {

    private EngineFailure() {}

    /** Links of folders that the user owns are followed, as the Hub's cache needs. */
    static <T> T translate(Supplier<T> call) {
        try {
            return Checkpoint.followingLinks(call);
        } catch (QuantizationException e) {
            throw new CommandFailedException(e.getMessage() + " [" + e.code().slug() + "]", e);
        }
    }
}
