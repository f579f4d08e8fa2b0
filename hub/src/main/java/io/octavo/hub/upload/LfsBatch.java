package io.octavo.hub.upload;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Large files about to be sent (git-lfs batch API).
 *
 * @param operation {@code upload}, the only one that is served
 */
public record LfsBatch(@Nullable String operation, @Nullable List<Wanted> objects) {

    /** The whole file goes in one request. */
    private static final String BASIC = "basic";

    /** @param oid SHA-256 */
    public record Wanted(@Nullable String oid, long size) {}

    public record Answer(String transfer, List<Told> objects) {

        public Answer(List<Told> objects) {
            this(BASIC, List.copyOf(objects));
        }
    }

    /** @param actions absent where the bytes are here already */
    public record Told(String oid, long size, @Nullable Actions actions) {}

    public record Actions(Action upload) {}

    /**
     * @param href takes the bytes by PUT, and carries its own credential
     * @param expiresIn seconds; called {@code expires_in}
     */
    public record Action(String href, long expiresIn) {}
}
