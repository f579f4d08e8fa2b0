package io.octavo.jobs.spec;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.DeserializationContext;

/** A whole number whose null takes a limit away, so that it must be said: what forgets the member changes nothing. */
public final class StatedNumber extends StrictValue<Long> {

    public StatedNumber() {
        super(Long.class, whole());
    }

    @Override
    public @Nullable Object getAbsentValue(DeserializationContext context) {
        return context.reportInputMismatch(this, "must be there; null stands for no limit of its own");
    }
}
