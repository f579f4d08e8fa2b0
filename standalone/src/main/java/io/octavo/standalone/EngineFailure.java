package io.octavo.standalone;

import io.octavo.cli.CommandFailedException;
import io.octavo.engine.failure.QuantizationException;
import java.util.function.Supplier;

/** Tells what the engine refuses as the command line tells a service's problems: the code stands in brackets behind. */
final class EngineFailure {

    private EngineFailure() {}

    static <T> T translate(Supplier<T> call) {
        try {
            return call.get();
        } catch (QuantizationException e) {
            throw new CommandFailedException(e.getMessage() + " [" + e.code().slug() + "]", e);
        }
    }
}
