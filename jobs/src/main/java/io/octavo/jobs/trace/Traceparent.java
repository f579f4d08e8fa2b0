package io.octavo.jobs.trace;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The place of a span in its trace, as the {@code traceparent} of W3C Trace Context writes it. */
public final class Traceparent {

    private static final String NAME = "traceparent";
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private Traceparent() {}

    /** Of the span that this thread works for; null where nothing is traced. */
    public static @Nullable String ofCurrentSpan() {
        if (!Span.current().getSpanContext().isValid()) {
            return null;
        }
        Map<String, String> header = new HashMap<>();
        W3C.inject(
                Context.current(),
                header,
                (carrier, name, value) -> Objects.requireNonNull(carrier).put(name, value));
        return header.get(NAME);
    }

    /** What a span of the same trace starts in. Without a text, or with one that is not understood, a trace of its own. */
    public static Context context(@Nullable String traceparent) {
        return traceparent == null ? Context.root() : W3C.extract(Context.root(), traceparent, Reader.INSTANCE);
    }

    /** The carrier is the value of the one header that matters. */
    private enum Reader implements TextMapGetter<String> {
        INSTANCE;

        @Override
        public Iterable<String> keys(String traceparent) {
            return List.of(NAME);
        }

        @Override
        public @Nullable String get(@Nullable String traceparent, String name) {
            return name.equals(NAME) ? traceparent : null;
        }
    }
}
